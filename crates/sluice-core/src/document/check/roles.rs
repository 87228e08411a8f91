//! Who may approve: roles of the environments in which a policy is followed.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::Name;
use crate::document::policy::StepWork;
use crate::document::problem::Fault;
use crate::document::{Document, DocumentKey, EnvironmentSpec, Kind, PolicySpec, Spec};

impl Check<'_> {
    /// A role that somebody must approve by exists in an environment that uses the policy. A policy that no environment
    /// uses by itself is passed over: where it will be followed is not known.
    pub(super) fn roles(&mut self, key: &DocumentKey, policy: &PolicySpec) {
        let users: Vec<(&Name, &EnvironmentSpec)> = using(self.documents, &key.name).collect();
        if users.is_empty() {
            return;
        }
        let known: BTreeSet<&str> =
            users.iter().flat_map(|(_, environment)| environment.roles.keys()).map(Name::as_str).collect();
        let known: Vec<&str> = known.into_iter().collect();
        let names: Vec<&str> = users.iter().map(|(name, _)| name.as_str()).collect();
        let place = names.join(" or ");
        for (index, step) in policy.steps.iter().enumerate() {
            let StepWork::Approval(approval) = &step.work else { continue };
            for (line, role) in approval.roles.iter().enumerate() {
                if known.contains(&role.as_str()) {
                    continue;
                }
                let fault = Fault::new("unknown-reference", format!("there is no role `{role}` in {place}"))
                    .given(role.as_str())
                    .hint(format!("say who is in it, in the Environment: roles: {{ {role}: [ anna ] }}"))
                    .or_did_you_mean(role.as_str(), &known);
                let fault = if known.is_empty() { fault } else { fault.accepted(known.join(", ")) };
                self.report(key, format!("spec.steps[{index}].approval.roles[{line}]"), fault);
            }
        }
    }
}

/// The environments whose releases follow a policy when a line says so.
fn using<'a>(
    documents: &'a BTreeMap<DocumentKey, Document>,
    policy: &'a Name,
) -> impl Iterator<Item = (&'a Name, &'a EnvironmentSpec)> {
    let environments = documents.iter().filter(|(key, _)| key.kind == Kind::Environment);
    environments.filter_map(move |(key, document)| match &document.spec {
        Spec::Environment(environment) if environment.policies.iter().any(|line| line.r#use == *policy) => {
            Some((&key.name, environment))
        }
        _ => None,
    })
}
