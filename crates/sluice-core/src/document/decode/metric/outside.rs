//! Sources of metrics that others measure.

use std::collections::BTreeMap;

use super::super::{Decode, Fields, Reader};
use crate::document::metric::{
    AlertSource, JsonSource, OtlpSource, PrometheusSource, ReadSpec, SqlSource, VendorSource,
};
use crate::document::node::{Node, Value};
use crate::document::problem::Fault;

/// A number above 0.
struct Scale(f64);

impl Decode for Scale {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Number(number, _) = &node.value else {
            reader.wrong_type(node, "a number");
            return None;
        };
        let number = number.as_f64();
        if number.is_finite() && number > 0.0 {
            return Some(Scale(number));
        }
        reader.report(
            node,
            Fault::invalid("it must be above 0").accepted("as 1000 for seconds in milliseconds"),
        );
        None
    }
}

/// Text that is not empty.
fn said(
    fields: &mut Fields<'_, '_>,
    name: &'static str,
    text: Option<Option<String>>,
) -> Option<Option<String>> {
    let text = text?;
    if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
        fields.report_in(&[name.into()], Fault::invalid("it is empty"));
        return None;
    }
    Some(text)
}

fn optional(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Option<String>> {
    let text = fields.optional::<String>(name);
    said(fields, name, text)
}

fn required(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<String> {
    let text = fields.required::<String>(name).map(Some);
    said(fields, name, text)?
}

/// An address of the web, or nothing.
fn address(fields: &mut Fields<'_, '_>, url: Option<Option<String>>) -> Option<Option<String>> {
    let url = url?;
    if let Some(given) = &url {
        let rest = given.strip_prefix("http://").or_else(|| given.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
        let fault = match host {
            None | Some("") => Some(Fault::invalid(format!("`{given}` is not an address of the web"))),
            Some(host) if host.contains('@') => {
                // What was written may hold the password: it is not repeated.
                Some(Fault::invalid("an address with a password in it does not belong in a document"))
            }
            Some(_) => None,
        };
        if let Some(fault) = fault {
            let fault = fault.accepted("as http://prometheus:9090; who asks is said by `secret`");
            fields.report_in(&["url".into()], fault);
            return None;
        }
    }
    Some(url)
}

/// Matchers by label; a pattern must be one.
fn matchers(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<BTreeMap<String, String>> {
    fields.or_default::<BTreeMap<String, String>>(name)
}

impl Decode for ReadSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let usual = ReadSpec::default();
        let mut fields = Fields::open_as(node, reader, "an object, as { every: 10s, delay: 30s }")?;
        let every = fields.or("every", usual.every);
        let every = fields.longer_than_nothing("every", every);
        let delay = fields.or("delay", usual.delay);
        let timeout = fields.or("timeout", usual.timeout);
        let timeout = fields.longer_than_nothing("timeout", timeout);
        fields.finish();
        Some(ReadSpec { every: every?, delay: delay?, timeout: timeout? })
    }
}

impl Decode for PrometheusSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let form = "an object, as { histogram: http_request_duration_seconds, labels: { version: \"{{version}}\" } }";
        let mut fields = Fields::open_as(node, reader, form)?;
        let url = fields.optional("url");
        let url = address(&mut fields, url);
        let secret = fields.optional("secret");
        let counter = optional(&mut fields, "counter");
        let histogram = optional(&mut fields, "histogram");
        let query = optional(&mut fields, "query");
        let labels = matchers(&mut fields, "labels");
        let bad = matchers(&mut fields, "bad");
        let scale = fields.optional::<Scale>("scale");
        let given = ["counter", "histogram", "query"].iter().filter(|name| fields.has(name)).count();
        if given != 1 && !(given == 0 && fields.has_strangers()) {
            let fault = Fault::conflict("it asks for one thing").accepted("one of counter, histogram, query");
            fields.report_in(&[], fault);
        }
        if fields.has("query") && (fields.has("labels") || fields.has("bad")) {
            let fault = Fault::conflict("a query says itself which series it means");
            fields.report_in(&["query".into()], fault.hint("write the labels into the query"));
        }
        fields.finish();
        if given != 1 {
            return None;
        }
        Some(PrometheusSource {
            url: url?,
            secret: secret?,
            counter: counter?,
            histogram: histogram?,
            query: query?,
            labels: labels?,
            bad: bad?,
            scale: scale?.map(|Scale(scale)| scale),
        })
    }
}

impl Decode for OtlpSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { instrument: http.server.request.duration }")?;
        let instrument = required(&mut fields, "instrument");
        let service = optional(&mut fields, "service");
        let attributes = matchers(&mut fields, "attributes");
        let bad = matchers(&mut fields, "bad");
        let scale = fields.optional::<Scale>("scale");
        fields.finish();
        Some(OtlpSource {
            instrument: instrument?,
            service: service?,
            attributes: attributes?,
            bad: bad?,
            scale: scale?.map(|Scale(scale)| scale),
        })
    }
}

impl Decode for SqlSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const DATABASES: &str =
            "as postgres://shop@db:5432/orders, mysql://shop@db/orders, sqlite:/data/shop.db";
        let mut fields = Fields::open_as(node, reader, "an object, as { url: …, query: \"select …\" }")?;
        let url = required(&mut fields, "url");
        let secret = fields.optional("secret");
        let query = required(&mut fields, "query");
        let fault = url.as_deref().and_then(|url| {
            let known = ["postgres://", "postgresql://", "mysql://", "sqlite:"];
            let Some(rest) = known.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
                return Some(Fault::invalid("it names no database that is known").accepted(DATABASES));
            };
            let has_password = rest.split_once('@').is_some_and(|(user, _)| user.contains(':'));
            has_password.then(|| {
                Fault::invalid("a password does not belong in a document")
                    .hint("leave it out and say where it is kept, as `secret: { env: DB_PASSWORD }`")
            })
        });
        let is_good = fault.is_none();
        if let Some(fault) = fault {
            fields.report_in(&["url".into()], fault);
        }
        fields.finish();
        is_good.then_some(())?;
        Some(SqlSource { url: url?, secret: secret?, query: query? })
    }
}

impl Decode for JsonSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let form =
            "an object, as { url: \"http://shop/stats?version={{version}}\", pointers: { value: /queue } }";
        let mut fields = Fields::open_as(node, reader, form)?;
        let url = required(&mut fields, "url").map(Some);
        let url = address(&mut fields, url);
        let secret = fields.optional("secret");
        let pointers = fields.required::<BTreeMap<String, String>>("pointers");
        let cumulative = fields.or_default("cumulative");
        let bad =
            pointers.iter().flatten().find(|(_, pointer)| !pointer.is_empty() && !pointer.starts_with('/'));
        if let Some((name, pointer)) = bad {
            let message = format!("`{name}: {pointer}` is no JSON pointer: it begins with `/`");
            fields.report_in(&["pointers".into()], Fault::invalid(message).accepted("as /orders/failed"));
        }
        fields.finish();
        Some(JsonSource { url: url??, secret: secret?, pointers: pointers?, cumulative: cumulative? })
    }
}

impl Decode for AlertSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { name: HighErrorRate }; { } for any alert")?;
        let name = optional(&mut fields, "name");
        let labels = matchers(&mut fields, "labels");
        fields.finish();
        Some(AlertSource { name: name?, labels: labels? })
    }
}

impl Decode for VendorSource {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let form = "an object, as { secret: { env: KEY }, queries: { value: … } }";
        let mut fields = Fields::open_as(node, reader, form)?;
        let url = fields.optional("url");
        let url = address(&mut fields, url);
        let account = optional(&mut fields, "account");
        let secret = fields.required("secret");
        let queries = fields.required("queries");
        fields.finish();
        Some(VendorSource { url: url?, account: account?, secret: secret?, queries: queries? })
    }
}
