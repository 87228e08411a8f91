//! `Environment`, `Segment` and `Release`: the small ones.

use super::scalar::rule;
use super::{Decode, Fields, Reader};
use crate::condition::Condition;
use crate::document::environment::PolicyBinding;
use crate::document::node::Node;
use crate::document::problem::Fault;
use crate::document::{EnvironmentSpec, ReleaseSpec, SegmentSpec};

impl Decode for EnvironmentSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let description = fields.optional("description");
        let policies = if fields.has("policies") {
            fields.list::<PolicyBinding>("policies")
        } else {
            fields.find("policies");
            Some(Vec::new())
        };
        if let Some(policies) = &policies {
            let always =
                policies.iter().position(|line| line.as_ref().is_some_and(|line| line.when.is_none()));
            if let Some(always) = always.filter(|always| always + 1 < policies.len()) {
                let message = format!("this line is never reached: line {} has no `when`", always + 1);
                let fault = Fault::conflict(message).hint("put the line without `when` last");
                fields.report_in(&["policies".into(), (always + 1).into()], fault);
            }
        }
        fields.finish();
        Some(EnvironmentSpec {
            description: description?,
            policies: policies?.into_iter().collect::<Option<_>>()?,
        })
    }
}

/// A rule about a change.
struct ChangeRule(Condition);

impl Decode for ChangeRule {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        rule(node, reader, Condition::for_changes).map(ChangeRule)
    }
}

impl Decode for PolicyBinding {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open_as(node, reader, "an object, as { use: canary }")?;
        let when = fields.optional::<ChangeRule>("when");
        let policy = fields.required("use");
        fields.finish();
        Some(PolicyBinding { when: when?.map(|ChangeRule(rule)| rule), r#use: policy? })
    }
}

impl Decode for SegmentSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let rule = fields.required("match");
        let description = fields.optional("description");
        fields.finish();
        Some(SegmentSpec { r#match: rule?, description: description? })
    }
}

impl Decode for ReleaseSpec {
    fn decode(node: &Node, reader: &mut Reader) -> Option<Self> {
        let mut fields = Fields::open(node, reader)?;
        let service = fields.required("service");
        let version = fields.required("version");
        let policy = fields.optional("policy");
        let reshuffle = fields.or_default("reshuffle");
        fields.finish();
        Some(ReleaseSpec { service: service?, version: version?, policy: policy?, reshuffle: reshuffle? })
    }
}
