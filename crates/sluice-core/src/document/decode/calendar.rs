//! Windows, freezes and time zones.

use super::scalar::text;
use super::{Decode, Fields, Reader};
use crate::calendar::{Edge, Freeze, InvalidEdge, InvalidWindow, InvalidZone, Window, Zone};
use crate::document::node::Node;
use crate::document::problem::Fault;

impl Decode for Window {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, "a window, as Mon-Fri 09:00-16:30 Europe/Amsterdam", reader)?;
        text.parse::<Window>().map_err(|error| reader.report(node, error.into())).ok()
    }
}

impl Decode for Zone {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, "a time zone, as Europe/Amsterdam", reader)?;
        text.parse::<Zone>().map_err(|error| reader.report(node, error.into())).ok()
    }
}

impl Decode for Edge {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = text(node, "a day or a time, as 2026-12-20", reader)?;
        text.parse::<Edge>().map_err(|error| reader.report(node, error.into())).ok()
    }
}

impl Decode for Freeze {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        const FORM: &str = "an object, as { from: 2026-12-20, to: 2027-01-02, reason: holidays }";
        let mut fields = Fields::open_as(node, reader, FORM)?;
        let from = fields.required("from");
        let to = fields.required("to");
        let zone = fields.or_default("zone");
        let reason = fields.optional("reason");
        let freeze = match (from, to, zone, reason) {
            (Some(from), Some(to), Some(zone), Some(reason)) => Freeze::new(from, to, zone, reason)
                .map_err(|error| fields.report_in(&["to".into()], Fault::conflict(error.to_string())))
                .ok(),
            _ => None,
        };
        fields.finish();
        freeze
    }
}

impl From<InvalidWindow> for Fault {
    fn from(error: InvalidWindow) -> Fault {
        let fault = Fault::invalid(error.to_string()).accepted(error.accepted());
        Fault { hint: error.mend(), ..fault }
    }
}

impl From<InvalidZone> for Fault {
    fn from(error: InvalidZone) -> Fault {
        Fault::invalid(error.to_string()).hint(error.mend())
    }
}

impl From<InvalidEdge> for Fault {
    fn from(error: InvalidEdge) -> Fault {
        let fault = Fault::invalid(error.to_string())
            .accepted("a day, as 2026-12-20, or a time, as 2026-12-20T18:00:00+01:00");
        Fault { hint: error.mend, ..fault }
    }
}
