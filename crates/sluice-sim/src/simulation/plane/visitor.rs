//! People who visit.

use std::borrow::Cow;

use sluice_core::routing::Request;

/// Somebody who is known by a header, and whose plan is.
#[derive(Clone, Debug)]
pub(in crate::simulation) struct Visitor {
    pub(in crate::simulation) unit: String,
    plan: &'static str,
}

impl Visitor {
    pub(super) fn new(number: u64) -> Visitor {
        let plan = match number % 10 {
            0 | 1 => "early",
            2 => "vip",
            _ => "free",
        };
        Visitor { unit: format!("visitor-{number}"), plan }
    }
}

impl Request for Visitor {
    fn method(&self) -> &str {
        "GET"
    }
    fn host(&self) -> &str {
        "shop.example.com"
    }
    fn path(&self) -> &str {
        "/"
    }
    fn header(&self, name: &str) -> Option<&str> {
        match name {
            "x-user-id" => Some(&self.unit),
            "x-plan" => Some(self.plan),
            _ => None,
        }
    }
    fn cookie(&self, _name: &str) -> Option<&str> {
        None
    }
    fn query(&self, _name: &str) -> Option<Cow<'_, str>> {
        None
    }
}
