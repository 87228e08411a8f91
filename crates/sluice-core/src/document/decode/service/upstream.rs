//! How endpoints share requests, and what one of them may be given.

use super::health::{positive_count, positive_span};
use crate::document::decode::{Decode, Fields, Reader};
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::service::{LimitSpec, OutlierSpec};

impl Decode for LimitSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields =
            Fields::open_as(node, reader, "an object, as { inFlight: 100, queue: 200, wait: 1s }")?;
        let in_flight = fields.required("inFlight");
        let in_flight = fields.at_least_one("inFlight", in_flight);
        let queue = fields.or("queue", 0);
        let wait = positive_span(&mut fields, "wait", LimitSpec::WAIT);
        fields.finish();
        Some(LimitSpec { in_flight: in_flight?, queue: queue?, wait: wait? })
    }
}

impl Decode for OutlierSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let default = OutlierSpec::default();
        let mut fields = Fields::open_as(node, reader, "an object, as { failures: 5, eject: 30s }")?;
        let failures = positive_count(&mut fields, "failures", default.failures);
        let eject = positive_span(&mut fields, "eject", default.eject);
        let most_percent = positive_count(&mut fields, "mostPercent", default.most_percent);
        if most_percent.is_some_and(|most| most > 100) {
            let fault = Fault::invalid("`mostPercent` is more than all of them").accepted("1 to 100");
            fields.report_in(&["mostPercent".into()], fault);
            fields.finish();
            return None;
        }
        fields.finish();
        Some(OutlierSpec { failures: failures?, eject: eject?, most_percent: most_percent? })
    }
}
