//! Which requests belong to a service, and what is done with them on the way.

use std::collections::BTreeMap;

use super::possible_list;
use crate::Span;
use crate::document::decode::{Decode, Fields, Reader, map, report_duplicates};
use crate::document::node::{Node, Number, Value};
use crate::document::problem::Fault;
use crate::document::service::{
    ATTEMPTS_MAX, ChangedField, HeaderChanges, HeaderField, HeaderText, Redirect, RedirectStatus, RetryOn,
    RetrySpec, Rewrite, RouteSpec, RouteTimeouts, Wanted,
};

pub(super) fn routes(fields: &mut Fields<'_, '_>) -> Option<Vec<RouteSpec>> {
    let routes = possible_list::<RouteSpec>(fields, "routes")?;
    report_duplicates(&routes, ToString::to_string, |index, route| {
        let fault = Fault::duplicate(format!("the route {route} is given twice"));
        fields.report_in(&["routes".into(), index.into()], fault);
    });
    routes.into_iter().collect()
}

impl Decode for RouteSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { host: shop.example.com, path: /checkout }")?;
        let host = fields.or_default("host");
        let path = fields.or_default("path");
        let scheme = fields.optional("scheme");
        let methods = fields.or_default("methods");
        let headers = fields.or_default("headers");
        let query = fields.or_default::<BTreeMap<String, Wanted>>("query");
        let when = fields.optional("when");
        let redirect = fields.optional::<Redirect>("redirect");
        let rewrite = fields.or_default::<Rewrite>("rewrite");
        let request_headers = fields.or_default::<HeaderChanges>("requestHeaders");
        let response_headers = fields.or_default("responseHeaders");
        let timeouts = fields.or_default::<RouteTimeouts>("timeouts");
        let retries = fields.optional::<RetrySpec>("retries");
        if matches!(redirect, Some(Some(_))) {
            for name in ["rewrite", "requestHeaders", "timeouts", "retries"] {
                if !fields.has(name) {
                    continue;
                }
                let message = format!("`{name}` means nothing beside `redirect`: the service is not asked");
                fields.report_in(&[name.into()], Fault::conflict(message).hint("leave one of the two out"));
            }
        }
        fields.finish();
        Some(RouteSpec {
            host: host?,
            path: path?,
            scheme: scheme?,
            methods: methods?,
            headers: headers?,
            query: query?,
            when: when?,
            redirect: redirect?,
            rewrite: rewrite?,
            request_headers: request_headers?,
            response_headers: response_headers?,
            timeouts: timeouts?,
            retries: retries?,
        })
    }
}

impl Decode for Redirect {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { scheme: https }")?;
        let scheme = fields.optional("scheme");
        let host = fields.optional("host");
        let port = fields.optional::<u32>("port");
        let path = fields.optional("path");
        let status = fields.or_default("status");
        let port = match port? {
            None => Some(None),
            Some(port) => match u16::try_from(port).ok().filter(|port| *port > 0) {
                Some(port) => Some(Some(port)),
                None => {
                    let fault = Fault::invalid(format!("{port} is no port")).accepted("1 to 65535");
                    fields.report_in(&["port".into()], fault);
                    None
                }
            },
        };
        if !["scheme", "host", "port", "path"].iter().any(|name| fields.has(name)) && !fields.has_strangers()
        {
            let fault =
                Fault::new("missing-field", "it leads nowhere else: visitors would come back for ever");
            fields.report_in(&[], fault.accepted("scheme, host, port or path"));
        }
        fields.finish();
        Some(Redirect { scheme: scheme?, host: host?, port: port?, path: path?, status: status? })
    }
}

impl Decode for RedirectStatus {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const ACCEPTED: &str = "301, 302, 303, 307 or 308";
        let Value::Number(Number::Whole(code), written) = &node.value else {
            reader.wrong_type(node, ACCEPTED);
            return None;
        };
        let status = u16::try_from(*code).ok().and_then(|code| RedirectStatus::try_from(code).ok());
        if status.is_none() {
            let fault = Fault::invalid(format!("{written} is not the status of a redirect"));
            reader.report(node, fault.accepted(ACCEPTED));
        }
        status
    }
}

impl Decode for Rewrite {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { path: /v2 }")?;
        let path = fields.optional("path");
        let host = fields.optional("host");
        fields.finish();
        Some(Rewrite { path: path?, host: host? })
    }
}

impl Decode for HeaderChanges {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { set: { x-env: production } }")?;
        let set = fields.or_default::<BTreeMap<ChangedField, HeaderText>>("set");
        let add = fields.or_default::<BTreeMap<ChangedField, HeaderText>>("add");
        let remove = fields.or_default::<Vec<ChangedField>>("remove");
        fields.finish();
        Some(HeaderChanges { set: set?, add: add?, remove: remove? })
    }
}

impl Decode for RouteTimeouts {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let connect = possible_span(&mut fields, "connect");
        let response = possible_span(&mut fields, "response");
        let idle = possible_span(&mut fields, "idle");
        fields.finish();
        Some(RouteTimeouts { connect: connect?, response: response?, idle: idle? })
    }
}

fn possible_span(fields: &mut Fields<'_, '_>, name: &'static str) -> Option<Option<Span>> {
    match fields.optional::<Span>(name)? {
        None => Some(None),
        span => fields.longer_than_nothing(name, span).map(Some),
    }
}

impl Decode for RetrySpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = RetrySpec::default();
        let mut fields =
            Fields::open_as(node, reader, "an object, as { attempts: 1, on: [reset, \"503\"] }")?;
        let attempts = fields.or("attempts", default.attempts);
        let attempts = fields.at_least_one("attempts", attempts);
        let on = fields.or::<Vec<RetryOn>>("on", default.on);
        let budget_percent = fields.or("budgetPercent", default.budget_percent);
        if let Some(many) = attempts.filter(|attempts| *attempts > ATTEMPTS_MAX) {
            let fault = Fault::invalid(format!("{many} more attempts would keep visitors waiting"));
            fields.report_in(&["attempts".into()], fault.accepted(format!("1 to {ATTEMPTS_MAX}")));
        }
        if on.as_ref().is_some_and(Vec::is_empty) {
            let fault = Fault::invalid("the list is empty: nothing would ever be sent again");
            fields.report_in(&["on".into()], fault.hint("leave `retries` out"));
        }
        fields.finish();
        Some(RetrySpec { attempts: attempts?, on: on?, budget_percent: budget_percent? })
    }
}

/// `503` may be written with quotes or without.
impl Decode for RetryOn {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const WORDS: [(&str, RetryOn); 6] = [
            ("reset", RetryOn::Reset),
            ("timeout", RetryOn::Timeout),
            ("500", RetryOn::InternalError),
            ("502", RetryOn::BadGateway),
            ("503", RetryOn::Unavailable),
            ("504", RetryOn::GatewayTimeout),
        ];
        if let Value::Number(_, written) = &node.value
            && let Some((_, on)) = WORDS.iter().find(|(word, _)| word == written)
        {
            return Some(*on);
        }
        crate::document::decode::scalar::word(node, reader, "a reason to try again", &WORDS)
    }
}

impl Decode for BTreeMap<HeaderField, Wanted> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        map(node, reader, |entry, reader| {
            let faulty = |error| reader.report_at(entry.key_at, Fault::from(error).given(entry.key.as_str()));
            entry.key.parse::<HeaderField>().map_err(faulty).ok()
        })
    }
}

impl Decode for BTreeMap<ChangedField, HeaderText> {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        map(node, reader, |entry, reader| {
            let faulty = |error| reader.report_at(entry.key_at, Fault::from(error).given(entry.key.as_str()));
            entry.key.parse::<ChangedField>().map_err(faulty).ok()
        })
    }
}
