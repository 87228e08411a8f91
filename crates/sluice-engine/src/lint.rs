//! Looks for mistakes in policies before they run, among everything that is applied.

use std::collections::BTreeMap;

use sluice_core::document::{Document, DocumentKey, Kind, PolicySpec, ServiceSpec, Spec};
use sluice_core::lint::{self, Surroundings};
use sluice_core::{Name, ServiceKey, builtin};

use crate::engine::Engine;
use crate::error::Error;
use crate::inner::Inner;
use crate::resource::Linted;

impl Engine {
    /// What looks wrong with policies: with those among `documents`, together with everything that is applied; or with
    /// the one that is named, built-in ones included; or, with neither, with all that are applied. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a policy that does not exist.
    pub async fn lint(&self, documents: Vec<Document>, policy: Option<&Name>) -> Result<Vec<Linted>, Error> {
        let inner = &self.inner;
        let given: Vec<DocumentKey> = documents.iter().map(Document::key).collect();
        let mut all = inner.world().documents();
        all.extend(documents.into_iter().map(|document| (document.key(), document)));
        let wanted = wanted(&all, &given, policy)?;
        let rate = busiest(inner);
        let mut segments = builtin::segments().clone();
        let mut metrics = builtin::metrics().clone();
        let mut environments = BTreeMap::new();
        let mut services: Vec<(&Name, &ServiceSpec)> = Vec::new();
        for (key, document) in &all {
            match &document.spec {
                Spec::Segment(spec) => drop(segments.insert(key.name.clone(), spec.clone())),
                Spec::Metric(spec) => drop(metrics.insert(key.name.clone(), spec.clone())),
                Spec::Environment(spec) => drop(environments.insert(key.name.clone(), spec.clone())),
                Spec::Service(spec) => services.push((&key.name, spec)),
                Spec::Policy(_) | Spec::Release(_) => {}
            }
        }
        let around = Surroundings {
            segments: &segments,
            metrics: &metrics,
            services,
            environments: &environments,
            rate,
            now: inner.now(),
        };
        Ok(wanted
            .into_iter()
            .map(|(policy, spec)| Linted { findings: lint::lint(&policy, &spec, &around), policy })
            .collect())
    }
}

fn wanted(
    all: &BTreeMap<DocumentKey, Document>,
    given: &[DocumentKey],
    policy: Option<&Name>,
) -> Result<BTreeMap<Name, PolicySpec>, Error> {
    let written: BTreeMap<Name, PolicySpec> = all
        .iter()
        .filter_map(|(key, document)| match &document.spec {
            Spec::Policy(spec) => Some((key.name.clone(), spec.clone())),
            _ => None,
        })
        .collect();
    if let Some(name) = policy {
        let spec = written.get(name).or_else(|| builtin::policies().get(name)).cloned();
        let Some(spec) = spec else {
            let key = DocumentKey { kind: Kind::Policy, environment: None, name: name.clone() };
            let names = written.keys().chain(builtin::policies().keys());
            return Err(Error::NotFound { key, did_you_mean: crate::query::similar(name.as_str(), names) });
        };
        return Ok(BTreeMap::from([(name.clone(), spec)]));
    }
    let is_wanted = |name: &Name| {
        given.is_empty() || given.iter().any(|key| key.kind == Kind::Policy && key.name == *name)
    };
    Ok(written.into_iter().filter(|(name, _)| is_wanted(name)).collect())
}

/// Requests per second of the service that has the most; none when none has any.
fn busiest(inner: &Inner) -> Option<f64> {
    let services: Vec<ServiceKey> = inner.world().services().cloned().collect();
    let now = inner.now();
    services.iter().filter_map(|service| crate::sampler::rate(inner, service, now)).reduce(f64::max)
}
