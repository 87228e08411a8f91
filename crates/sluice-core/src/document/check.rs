//! What only shows when documents are looked at together: names that lead nowhere, two services on one route, versions
//! that need each other in a circle.

mod needs;
mod roles;

use std::collections::BTreeMap;

use super::problem::{Fault, Problem, nearest};
use super::{DEFAULT_ENVIRONMENT, Document, DocumentKey, Kind, PolicySpec, Spec};
use crate::document::policy::StepWork;
use crate::{Name, builtin};

/// A problem of one document among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The document that has to change.
    pub key: DocumentKey,
    /// What is wrong with it.
    pub problem: Problem,
}

/// Everything that is wrong between documents, given all of them as they would be after a change. Built-in documents
/// are always there.
///
/// Releases are passed over: one that has ended may name what is long gone, and whether a new one can start is for
/// the release itself to say.
pub fn references(documents: &BTreeMap<DocumentKey, Document>) -> Vec<Broken> {
    let mut check = Check { documents, broken: Vec::new() };
    for (key, document) in documents {
        match &document.spec {
            Spec::Policy(policy) => check.policy(key, policy),
            Spec::Environment(environment) => {
                for (index, line) in environment.policies.iter().enumerate() {
                    check.exists(key, format!("spec.policies[{index}].use"), Kind::Policy, &line.r#use);
                }
                if let Some(after) = &environment.after {
                    check.exists(key, "spec.after".to_owned(), Kind::Environment, after);
                }
            }
            Spec::Service(service) => {
                check.environment(key);
                check.needs(key, service);
            }
            Spec::Segment(_) | Spec::Metric(_) | Spec::Release(_) => {}
        }
    }
    check.routes();
    check.circles();
    check.circular_needs();
    check.broken
}

/// The documents that name this one and would be broken without it. Empty for what nobody names, and for the
/// environment `production`, which exists without a document.
pub fn users_of(key: &DocumentKey, documents: &BTreeMap<DocumentKey, Document>) -> Vec<DocumentKey> {
    let uses = |user: &DocumentKey, document: &Document| match (&document.spec, key.kind) {
        (Spec::Policy(policy), Kind::Segment) => segments_of(policy).any(|(_, segment)| *segment == key.name),
        (Spec::Policy(policy), Kind::Service) => {
            let is_elsewhere = documents
                .keys()
                .any(|other| other != key && other.kind == key.kind && other.name == key.name);
            !is_elsewhere && awaited(policy).any(|(_, service)| *service == key.name)
        }
        (Spec::Service(service), Kind::Service) => {
            user.environment == key.environment
                && service.versions.iter().any(|version| version.needs.contains_key(&key.name))
        }
        (Spec::Policy(policy), Kind::Metric) => policy.checks.iter().any(|check| check.metric == key.name),
        (Spec::Environment(environment), Kind::Policy) => {
            environment.policies.iter().any(|line| line.r#use == key.name)
        }
        (Spec::Service(_), Kind::Environment) => {
            key.name.as_str() != DEFAULT_ENVIRONMENT && user.environment.as_ref() == Some(&key.name)
        }
        (Spec::Environment(environment), Kind::Environment) => {
            key.name.as_str() != DEFAULT_ENVIRONMENT && environment.after.as_ref() == Some(&key.name)
        }
        _ => false,
    };
    documents.iter().filter(|(user, document)| uses(user, document)).map(|(user, _)| user.clone()).collect()
}

/// Every segment that a policy names, with its place.
pub(crate) fn segments_of(policy: &PolicySpec) -> impl Iterator<Item = (String, &Name)> {
    let never = policy.exclude_until_end.iter().enumerate();
    let never = never.map(|(line, segment)| (format!("spec.excludeUntilEnd[{line}]"), segment));
    let of_steps = policy.steps.iter().enumerate().flat_map(|(index, step)| {
        let (audience, exclude) = match &step.work {
            StepWork::Expose { audience, exclude, .. } => (audience.as_slice(), exclude.as_slice()),
            StepWork::Ramp { exclude, .. } => (&[][..], exclude.as_slice()),
            _ => (&[][..], &[][..]),
        };
        let audience = audience.iter().enumerate().filter_map(move |(line, rule)| {
            Some((format!("spec.steps[{index}].audience[{line}].segment"), rule.segment.as_ref()?))
        });
        let exclude = exclude
            .iter()
            .enumerate()
            .map(move |(line, segment)| (format!("spec.steps[{index}].exclude[{line}]"), segment));
        audience.chain(exclude)
    });
    never.chain(of_steps)
}

/// Every service that a policy waits for, with its place.
fn awaited(policy: &PolicySpec) -> impl Iterator<Item = (String, &Name)> {
    policy.steps.iter().enumerate().filter_map(|(index, step)| match &step.work {
        StepWork::WaitFor(gate) => Some((format!("spec.steps[{index}].waitFor.service"), &gate.service)),
        _ => None,
    })
}

struct Check<'a> {
    documents: &'a BTreeMap<DocumentKey, Document>,
    broken: Vec<Broken>,
}

impl Check<'_> {
    fn report(&mut self, key: &DocumentKey, path: String, fault: Fault) {
        let problem = fault.at(Some(key.to_string()), path, None);
        self.broken.push(Broken { key: key.clone(), problem });
    }

    /// Every name of a kind, in whichever environment, those of built-in documents too.
    fn names(&self, kind: Kind) -> Vec<&str> {
        let built_in: Vec<&str> = match kind {
            Kind::Policy => builtin::policies().keys().map(Name::as_str).collect(),
            Kind::Metric => builtin::metrics().keys().map(Name::as_str).collect(),
            Kind::Environment => vec![DEFAULT_ENVIRONMENT],
            Kind::Segment => builtin::segments().keys().map(Name::as_str).collect(),
            Kind::Service | Kind::Release => Vec::new(),
        };
        let written = self.documents.keys().filter(|key| key.kind == kind).map(|key| key.name.as_str());
        let mut names: Vec<&str> = written.chain(built_in).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn exists(&mut self, key: &DocumentKey, path: String, kind: Kind, name: &Name) {
        let names = self.names(kind);
        if names.contains(&name.as_str()) {
            return;
        }
        let fault =
            Fault::new("unknown-reference", format!("there is no {kind} `{name}`")).given(name.as_str());
        let fault = match nearest(name.as_str(), &names) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint(format!("apply the {kind} first, or together with this document")),
        };
        let fault = if names.is_empty() { fault } else { fault.accepted(names.join(", ")) };
        self.report(key, path, fault);
    }

    fn environment(&mut self, key: &DocumentKey) {
        if let Some(environment) = &key.environment {
            self.exists(key, "metadata.environment".to_owned(), Kind::Environment, environment);
        }
    }

    fn policy(&mut self, key: &DocumentKey, policy: &PolicySpec) {
        for (path, segment) in segments_of(policy) {
            self.exists(key, path, Kind::Segment, segment);
        }
        for (path, service) in awaited(policy) {
            self.exists(key, path, Kind::Service, service);
        }
        self.roles(key, policy);
        for (index, check) in policy.checks.iter().enumerate() {
            let path = format!("spec.checks[{index}]");
            let metric_key =
                DocumentKey { kind: Kind::Metric, environment: None, name: check.metric.clone() };
            match self.documents.get(&metric_key).map(|metric| &metric.spec) {
                Some(Spec::Metric(metric)) => {
                    for (field, fault) in metric.misfits(check) {
                        self.report(key, format!("{path}.{field}"), fault);
                    }
                }
                // What fits a built-in metric was seen when the policy was read.
                _ => self.exists(key, format!("{path}.metric"), Kind::Metric, &check.metric),
            }
        }
    }

    /// Environments that come after each other in a circle: no version would ever be released in any of them. Each
    /// circle is told once, at the first of its environments.
    fn circles(&mut self) {
        let documents = self.documents.iter().filter_map(|(key, document)| match &document.spec {
            Spec::Environment(environment) => Some((&key.name, (key, environment.after.as_ref()?))),
            _ => None,
        });
        let after: BTreeMap<&Name, (&DocumentKey, &Name)> = documents.collect();
        for (first, (key, before)) in &after {
            let mut circle = vec![*first];
            let mut at = *before;
            // Whoever comes earlier in the order of names has told of the circle already, or leads into one.
            while at > *first && !circle.contains(&at) {
                circle.push(at);
                let Some((_, next)) = after.get(at) else { break };
                at = next;
            }
            if at != *first {
                continue;
            }
            let fault = match circle.as_slice() {
                [only] => Fault::conflict(format!("{only} cannot come after itself"))
                    .hint("leave `after` out, or name the environment that comes before"),
                _ => {
                    let names: Vec<&str> = circle.iter().chain([first]).map(|name| name.as_str()).collect();
                    let message = format!("the environments go in a circle: {}", names.join(" after "));
                    Fault::conflict(message).hint("leave `after` out where the way of a version begins")
                }
            };
            self.report(key, "spec.after".to_owned(), fault.given(before.as_str()));
        }
    }

    /// A route belongs to one service. One gateway serves all environments, so that they share its routes.
    fn routes(&mut self) {
        let mut owners: BTreeMap<String, &DocumentKey> = BTreeMap::new();
        for (key, document) in self.documents {
            let Spec::Service(service) = &document.spec else { continue };
            for (index, route) in service.routes.iter().enumerate() {
                // What it takes, in words that are the same for the same requests.
                let taken = route.to_string();
                match owners.get(&taken) {
                    Some(owner) if *owner != key => {
                        let message = format!("the route {route} belongs to {owner} already");
                        let fault = Fault::new("route-taken", message)
                            .given(taken)
                            .hint("give one of the two another host, path or condition");
                        self.report(key, format!("spec.routes[{index}]"), fault);
                    }
                    _ => {
                        owners.insert(taken, key);
                    }
                }
            }
        }
    }
}
