//! How long the gateway waits for endpoints, and how it asks them whether they are ready.

use crate::Span;
use crate::document::decode::{Decode, Fields, Reader};
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::service::{HealthSpec, TimeoutSpec};

impl Decode for HealthSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = HealthSpec::default();
        let mut fields = Fields::open(node, reader)?;
        let path = health_path(&mut fields, default.path);
        let every = positive_span(&mut fields, "every", default.every);
        let timeout = positive_span(&mut fields, "timeout", default.timeout);
        let unhealthy_after = positive_count(&mut fields, "unhealthyAfter", default.unhealthy_after);
        let healthy_after = positive_count(&mut fields, "healthyAfter", default.healthy_after);
        fields.finish();
        Some(HealthSpec {
            path: path?,
            every: every?,
            timeout: timeout?,
            unhealthy_after: unhealthy_after?,
            healthy_after: healthy_after?,
        })
    }
}

fn health_path(fields: &mut Fields<'_, '_>, default: String) -> Option<String> {
    let path = fields.or("path", default)?;
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if path.is_empty() || (path.starts_with('/') && is_plain) {
        return Some(path);
    }
    let fault = Fault::invalid(format!("`{path}` is not a path"))
        .accepted("text that begins with `/`, as /healthz; or \"\" to ask nothing but a connection");
    fields.report_in(&["path".into()], fault);
    None
}

pub(super) fn positive_span(fields: &mut Fields<'_, '_>, name: &'static str, default: Span) -> Option<Span> {
    let span = fields.or(name, default);
    fields.longer_than_nothing(name, span)
}

pub(super) fn positive_count(fields: &mut Fields<'_, '_>, name: &'static str, default: u32) -> Option<u32> {
    let count = fields.or(name, default);
    fields.at_least_one(name, count)
}

impl Decode for TimeoutSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = TimeoutSpec::default();
        let mut fields = Fields::open(node, reader)?;
        let connect = positive_span(&mut fields, "connect", default.connect);
        let response = positive_span(&mut fields, "response", default.response);
        let idle = positive_span(&mut fields, "idle", default.idle);
        fields.finish();
        Some(TimeoutSpec { connect: connect?, response: response?, idle: idle? })
    }
}
