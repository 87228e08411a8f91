//! What versions need of other services, in the same environment.

use std::collections::{BTreeMap, BTreeSet};

use super::Check;
use crate::document::problem::{Fault, nearest};
use crate::document::service::VersionSpec;
use crate::document::{Document, DocumentKey, Kind, ServiceSpec, Spec};
use crate::{Name, VersionName};

impl Check<'_> {
    /// A version needs other services that exist beside it.
    pub(super) fn needs(&mut self, key: &DocumentKey, service: &ServiceSpec) {
        for (index, version) in service.versions.iter().enumerate() {
            for needed in version.needs.keys() {
                let path = format!("spec.versions[{index}].needs.{needed}");
                if *needed == key.name {
                    let fault =
                        Fault::conflict("a version cannot need its own service").given(needed.as_str());
                    self.report(key, path, fault.hint("leave it out"));
                    continue;
                }
                if !self.documents.contains_key(&DocumentKey { name: needed.clone(), ..key.clone() }) {
                    let fault = self.no_such_service(key, needed);
                    self.report(key, path, fault);
                }
            }
        }
    }

    fn no_such_service(&self, key: &DocumentKey, needed: &Name) -> Fault {
        let is_beside = |other: &&DocumentKey| {
            other.kind == Kind::Service && other.environment == key.environment && other.name != key.name
        };
        let names: Vec<&str> =
            self.documents.keys().filter(is_beside).map(|other| other.name.as_str()).collect();
        let place = key.environment.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        let fault = Fault::new("unknown-reference", format!("there is no Service `{needed}`{place}"))
            .given(needed.as_str());
        match nearest(needed.as_str(), &names) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint("apply the Service first, or together with this document"),
        }
    }

    /// Versions that need each other in a circle could never go up, whichever comes first. Each circle is told once, at
    /// the first of its services.
    pub(super) fn circular_needs(&mut self) {
        let declared = Declared::of(self.documents);
        let stuck = declared.stuck();
        let mut told: BTreeSet<VersionKey<'_>> = BTreeSet::new();
        for start in &stuck {
            let circle = declared.circle_from(*start, &stuck);
            let Some(first) = circle.iter().min().copied().filter(|first| told.insert(*first)) else {
                continue;
            };
            let at = circle.iter().position(|version| *version == first).unwrap_or(0);
            let in_turn: Vec<String> = circle[at..]
                .iter()
                .chain(&circle[..=at])
                .map(|(key, version)| format!("{} {version}", key.name))
                .collect();
            let message = format!("versions need each other in a circle: {}", in_turn.join(" needs "));
            let hint = "let one of them go up without the other: leave one of the needs out";
            let (key, version) = first;
            let index = declared.index_of(first);
            let fault = Fault::new("circular-needs", message).given(version.as_str()).hint(hint);
            self.report(key, format!("spec.versions[{index}].needs"), fault);
        }
    }
}

/// A version of a service in an environment.
type VersionKey<'a> = (&'a DocumentKey, &'a VersionName);

/// Every version that a document declares.
struct Declared<'a> {
    versions: BTreeMap<VersionKey<'a>, (usize, &'a VersionSpec)>,
    services: BTreeMap<(Option<&'a Name>, &'a Name), Vec<VersionKey<'a>>>,
}

impl<'a> Declared<'a> {
    fn of(documents: &'a BTreeMap<DocumentKey, Document>) -> Declared<'a> {
        let mut declared = Declared { versions: BTreeMap::new(), services: BTreeMap::new() };
        for (key, document) in documents {
            let Spec::Service(service) = &document.spec else { continue };
            for (index, version) in service.versions.iter().enumerate() {
                let own = (key, &version.name);
                declared.versions.insert(own, (index, version));
                let beside = declared.services.entry((key.environment.as_ref(), &key.name)).or_default();
                beside.push(own);
            }
        }
        declared
    }

    fn index_of(&self, version: VersionKey<'a>) -> usize {
        self.versions.get(&version).map_or(0, |(index, _)| *index)
    }

    /// For each need of a version, the declared versions that meet it. A need that none meets is left out: whatever
    /// meets it may still be announced.
    fn choices(&self, version: VersionKey<'a>) -> Vec<Vec<VersionKey<'a>>> {
        let Some((_, spec)) = self.versions.get(&version) else { return Vec::new() };
        let needs = spec.needs.iter().filter(|(needed, _)| **needed != version.0.name);
        let choices = needs.filter_map(|(needed, need)| {
            let beside = self.services.get(&(version.0.environment.as_ref(), needed))?;
            let met: Vec<VersionKey<'a>> =
                beside.iter().copied().filter(|(_, name)| need.is_met_by(name)).collect();
            (!met.is_empty()).then_some(met)
        });
        choices.collect()
    }

    /// The versions that cannot go up: each waits, for one of its needs at least, for versions that cannot either.
    fn stuck(&self) -> BTreeSet<VersionKey<'a>> {
        let mut stuck: BTreeSet<VersionKey<'a>> = self
            .versions
            .iter()
            .filter(|(_, (_, spec))| !spec.needs.is_empty())
            .map(|(key, _)| *key)
            .collect();
        loop {
            let can_go = |version: &VersionKey<'a>| {
                self.choices(*version).iter().all(|choice| choice.iter().any(|other| !stuck.contains(other)))
            };
            let free: Vec<VersionKey<'a>> = stuck.iter().copied().filter(can_go).collect();
            if free.is_empty() {
                return stuck;
            }
            for version in free {
                stuck.remove(&version);
            }
        }
    }

    /// The circle that a version that is stuck leads into, in the order of the needs.
    fn circle_from(&self, start: VersionKey<'a>, stuck: &BTreeSet<VersionKey<'a>>) -> Vec<VersionKey<'a>> {
        let mut way = vec![start];
        loop {
            let at = way[way.len() - 1];
            let waits_for = self
                .choices(at)
                .into_iter()
                .find(|choice| choice.iter().all(|other| stuck.contains(other)))
                .and_then(|choice| choice.first().copied());
            // What is stuck waits for something that is stuck; without, it would not be here.
            let Some(next) = waits_for else { return way };
            if let Some(again) = way.iter().position(|passed| *passed == next) {
                return way.split_off(again);
            }
            way.push(next);
        }
    }
}
