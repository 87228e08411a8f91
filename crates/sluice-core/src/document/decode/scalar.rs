//! Values without fields: text, numbers, names, lengths of time, quantities.

use super::{Decode, Reader, described};
use crate::condition::{Condition, ConditionError};
use crate::document::environment::Start;
use crate::document::node::{Node, Number, Value};
use crate::document::policy::{
    Bound, CheckUnit, CompareWith, Confidence, HookUrl, InvalidHookUrl, InvalidQuantity, OnNewer, Percent,
    Quantile, Tolerance,
};
use crate::document::problem::{Fault, nearest};
use crate::document::service::{
    Balance, ChangedField, Endpoint, FilePath, HeaderText, HostPattern, InvalidText, MethodName, PathPrefix,
    PlainHost, Reveal, Scheme, TlsName, Wanted,
};
use crate::document::{Kind, metric};
use crate::name::{InvalidName, VersionNeed};
use crate::time::{InvalidSpan, InvalidTimestamp};
use crate::{Name, Span, Timestamp, VersionName};

/// Text, but for what YAML reads as something else.
pub(super) fn text<'n>(node: &'n Node, what: &str, reader: &mut Reader) -> Option<&'n str> {
    let (written, reads_as) = match &node.value {
        Value::Text(text) => return Some(text),
        Value::Number(_, written) => (written.clone(), "a number"),
        Value::Bool(truth) => (truth.to_string(), "true or false"),
        _ => {
            reader.wrong_type(node, what);
            return None;
        }
    };
    let fault = Fault::new("wrong-type", format!("expected {what}, but {written} reads as {reads_as}"))
        .hint(format!("put it in quotes: \"{written}\""));
    reader.report(node, fault);
    None
}

impl Decode for String {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        text(node, "text", reader).map(str::to_owned)
    }
}

impl Decode for bool {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        if let Value::Bool(truth) = node.value {
            return Some(truth);
        }
        let meant = match node.as_text().map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "on") => Some("true"),
            Some("false" | "no" | "off") => Some("false"),
            _ => None,
        };
        match meant {
            Some(word) => {
                let fault =
                    Fault::new("wrong-type", format!("expected true or false, not {}", described(node)))
                        .hint(format!("write {word}, without quotes"));
                reader.report(node, fault);
            }
            None => reader.wrong_type(node, "true or false"),
        }
        None
    }
}

impl Decode for u64 {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const WHAT: &str = "a whole number, 0 or more";
        let Value::Number(number, written) = &node.value else {
            reader.wrong_type(node, WHAT);
            return None;
        };
        let whole = match number {
            Number::Whole(whole) => u64::try_from(*whole).ok(),
            Number::Real(_) => None,
        };
        if whole.is_none() {
            reader.report(node, Fault::invalid(format!("expected {WHAT}, not {written}")));
        }
        whole
    }
}

impl Decode for u32 {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let wide = u64::decode(node, reader)?;
        let narrow = u32::try_from(wide).ok();
        if narrow.is_none() {
            reader.report(node, Fault::invalid(format!("{wide} is more than {}", u32::MAX)));
        }
        narrow
    }
}

/// A number, or a fault that says how to write it when it came as text.
fn number(node: &Node, what: &'static str, reader: &mut Reader) -> Option<f64> {
    if let Value::Number(number, _) = &node.value {
        return Some(number.as_f64());
    }
    let plain = node.as_text().and_then(|text| {
        let digits = text.trim().trim_end_matches('%').trim_end();
        digits.parse::<f64>().is_ok_and(f64::is_finite).then(|| digits.to_owned())
    });
    match plain {
        Some(digits) => {
            let fault = Fault::new("wrong-type", format!("expected {what}, not {}", described(node)))
                .hint(format!("write {digits}, without quotes or unit"));
            reader.report(node, fault);
        }
        None => reader.wrong_type(node, what),
    }
    None
}

impl Decode for Percent {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const WHAT: &str = "a number from 0 to 100, in steps of 0.001";
        let given = number(node, WHAT, reader)?;
        let percent = Percent::try_from(given).ok();
        if percent.is_none() {
            let fault = Fault::invalid(format!("{given} is not a percentage")).accepted(WHAT);
            reader.report(node, fault);
        }
        percent
    }
}

impl Decode for Quantile {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const WHAT: &str = "a number above 0 and below 1, as 0.95";
        let given = number(node, WHAT, reader)?;
        let quantile = Quantile::try_from(given).ok();
        if quantile.is_none() {
            let mut fault = Fault::invalid(format!("{given} is not a quantile")).accepted(WHAT);
            if (1.0..100.0).contains(&given) {
                fault = fault.hint(format!("did you mean {}?", given / 100.0));
            }
            reader.report(node, fault);
        }
        quantile
    }
}

macro_rules! decode_text {
    ($($type:ty: $what:literal),* $(,)?) => {$(
        impl Decode for $type {
            fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
                let text = text(node, $what, reader)?;
                text.parse::<$type>().map_err(|error| reader.report(node, Fault::from(error))).ok()
            }
        }
    )*};
}

decode_text! {
    Name: "a name",
    VersionName: "the name of a version",
    VersionNeed: "a version, as 1.4.0 or >=1.4.0",
    HookUrl: "an address",
    Timestamp: "a time",
    HostPattern: "a host",
    PathPrefix: "a path prefix",
    Endpoint: "an endpoint",
    PlainHost: "a host",
    MethodName: "a method",
    Wanted: "a value, or `*` for any",
    ChangedField: "the name of a header",
    HeaderText: "the value of a header",
    FilePath: "a file",
    TlsName: "the name of a server",
}

impl From<InvalidName> for Fault {
    fn from(error: InvalidName) -> Fault {
        let near = error.given.trim().to_ascii_lowercase().replace([' ', '_'], "-");
        let fault = Fault::invalid(error.to_string());
        if near != error.given && near.parse::<Name>().is_ok() {
            return fault.hint(format!("did you mean `{near}`?"));
        }
        fault
    }
}

impl From<InvalidHookUrl> for Fault {
    fn from(error: InvalidHookUrl) -> Fault {
        Fault::invalid(error.to_string()).accepted("as https://ci.example.com/verdict")
    }
}

impl From<InvalidText> for Fault {
    fn from(error: InvalidText) -> Fault {
        Fault::invalid(error.to_string())
    }
}

impl From<InvalidTimestamp> for Fault {
    fn from(error: InvalidTimestamp) -> Fault {
        Fault::invalid(format!("`{}` is not a time", error.given)).accepted("as 2026-11-23T09:30:00Z")
    }
}

const SPAN_FORMS: &str = "250ms, 90s, 10m, 1h30m or 7d";

impl From<InvalidSpan> for Fault {
    fn from(error: InvalidSpan) -> Fault {
        Fault::invalid(format!("`{}` is not a length of time", error.given)).accepted(SPAN_FORMS)
    }
}

impl Decode for Span {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        if let Value::Number(_, written) = &node.value {
            let fault = Fault::new("wrong-type", format!("{written} has no unit"))
                .accepted(SPAN_FORMS)
                .hint(format!("for seconds, write {written}s"));
            reader.report(node, fault);
            return None;
        }
        let text = text(node, "a length of time", reader)?;
        text.parse::<Span>().map_err(|error| reader.report(node, error.into())).ok()
    }
}

/// A quantity with its unit. `hint` says what to write in place of a bare number, if that can be.
fn quantity<T: TryFrom<String, Error = InvalidQuantity>>(
    node: &Node,
    reader: &mut Reader,
    what: &str,
    hint: impl Fn(f64) -> Option<String>,
) -> Option<T> {
    let written = match &node.value {
        Value::Number(_, written) => written,
        Value::Text(text) => text,
        _ => {
            reader.wrong_type(node, what);
            return None;
        }
    };
    match T::try_from(written.clone()) {
        Ok(quantity) => Some(quantity),
        Err(InvalidQuantity { given, what, form }) => {
            let mut fault = Fault::invalid(format!("`{given}` is not {what}")).accepted(form);
            if let Some(number) = given.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0) {
                fault.hint = hint(number);
            }
            reader.report(node, fault);
            None
        }
    }
}

impl Decode for Tolerance {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        quantity(node, reader, "a tolerance", |number| {
            Some(format!("did you mean `{number}pp` or `{number}%`?"))
        })
    }
}

impl Decode for Confidence {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        quantity(node, reader, "a confidence", |number| {
            let percent = if number < 1.0 { number * 100.0 } else { number };
            let meant = format!("{percent}%");
            Confidence::try_from(meant.clone()).ok().map(|_| format!("did you mean `{meant}`?"))
        })
    }
}

impl Decode for Bound {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        quantity(node, reader, "a bound", |number| Some(format!("did you mean `{number}`?")))
    }
}

/// A rule about visitors; rules about changes are read where they stand.
impl Decode for Condition {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        rule(node, reader, Condition::for_visitors)
    }
}

/// A rule, compiled by `compile`.
pub(super) fn rule(
    node: &Node,
    reader: &mut Reader,
    compile: impl Fn(&str) -> Result<Condition, ConditionError>,
) -> Option<Condition> {
    let source = text(node, "a rule", reader)?;
    match compile(source) {
        Ok(condition) => Some(condition),
        Err(error) => {
            let mut fault = Fault::new("invalid-condition", error.to_string());
            fault.hint = error.mend().map(str::to_owned);
            reader.report(node, fault);
            None
        }
    }
}

/// One of a few words.
pub(super) fn word<T: Copy>(node: &Node, reader: &mut Reader, what: &str, words: &[(&str, T)]) -> Option<T> {
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let Some(given) = node.as_text() else {
        let fault = Fault::new("wrong-type", format!("expected {what}, not {}", described(node)));
        reader.report(node, fault.accepted(known.join(", ")));
        return None;
    };
    let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
    if found.is_none() {
        let mut fault = Fault::invalid(format!("`{given}` is not {what}")).accepted(known.join(", "));
        if let Some(near) = nearest(given, &known) {
            fault = fault.hint(format!("did you mean `{near}`?"));
        }
        reader.report(node, fault);
    }
    found
}

macro_rules! decode_word {
    ($($type:ty, $what:literal: $($word:literal => $value:expr),* ;)*) => {$(
        impl Decode for $type {
            fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
                word(node, reader, $what, &[$(($word, $value)),*])
            }
        }
    )*};
}

decode_word! {
    OnNewer, "a way to react":
        "supersede" => OnNewer::Supersede,
        "queue" => OnNewer::Queue,
        "refuse" => OnNewer::Refuse;
    Balance, "a way to share": "leastRequests" => Balance::LeastRequests, "roundRobin" => Balance::RoundRobin;
    Scheme, "a scheme": "http" => Scheme::Http, "https" => Scheme::Https;
    Start, "a way to start": "manual" => Start::Manual, "automatic" => Start::Automatic;
    CompareWith, "something to compare with": "stable" => CompareWith::Stable, "before" => CompareWith::Before;
    Reveal, "a choice": "always" => Reveal::Always, "preview" => Reveal::Preview, "never" => Reveal::Never;
    metric::MetricKind, "a kind of metric":
        "ratio" => metric::MetricKind::Ratio,
        "rate" => metric::MetricKind::Rate,
        "distribution" => metric::MetricKind::Distribution,
        "mean" => metric::MetricKind::Mean,
        "gauge" => metric::MetricKind::Gauge;
    CheckUnit, "something to count once": "request" => CheckUnit::Request, "user" => CheckUnit::User;
    metric::Worse, "a direction": "higher" => metric::Worse::Higher, "lower" => metric::Worse::Lower;
    metric::ResponseClass, "a class of responses":
        "1xx" => metric::ResponseClass::Informational,
        "2xx" => metric::ResponseClass::Success,
        "3xx" => metric::ResponseClass::Redirect,
        "4xx" => metric::ResponseClass::ClientError,
        "5xx" => metric::ResponseClass::ServerError,
        "reset" => metric::ResponseClass::Reset;
    Kind, "a kind of document":
        "Service" => Kind::Service,
        "Segment" => Kind::Segment,
        "Metric" => Kind::Metric,
        "Policy" => Kind::Policy,
        "Environment" => Kind::Environment,
        "Release" => Kind::Release;
}
