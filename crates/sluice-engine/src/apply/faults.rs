//! What is wrong with an apply as a whole, given what exists.

use std::collections::{BTreeMap, BTreeSet};

use sluice_core::VersionName;
use sluice_core::document::{Document, DocumentKey, Problem, Spec};

use crate::world::{World, document_key, service_key};

/// A document may be applied once at a time.
pub(super) fn duplicates(documents: &[Document]) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let twice = documents.iter().map(Document::key).filter(|key| !seen.insert(key.clone()));
    twice
        .map(|key| problem(&key, "duplicate", String::new(), format!("{key} is in this apply twice"), None))
        .collect()
}

/// A service may not lose a version that people have or that is being released.
pub(super) fn lost_versions(world: &World, document: &Document) -> Vec<Problem> {
    let (Spec::Service(spec), Some(service)) = (&document.spec, service_key(&document.key())) else {
        return Vec::new();
    };
    let mut needed: BTreeMap<&VersionName, String> = BTreeMap::new();
    if let Some(live) = world.live(&service) {
        needed.insert(live, "it is live; release another version first".to_owned());
    }
    let releases = world.releases_of(&service);
    for live in &releases {
        let why = format!("{} needs it; end that release first", live.release.name);
        for member in live.release.members().filter(|member| *member.service == service) {
            needed.entry(member.from).or_insert_with(|| why.clone());
            needed.entry(member.to).or_insert_with(|| why.clone());
        }
    }
    let announced = world.state(&service).map_or(&[][..], |state| &state.announced);
    let known = spec.versions.iter().chain(announced.iter().map(|version| &version.spec));
    needed.retain(|name, _| !known.clone().any(|version| version.name == **name));
    let lost = needed.into_iter().map(|(name, why)| {
        let message = format!("version {name} is missing, but {why}");
        problem(&document_key(&service), "version-in-use", "spec.versions".to_owned(), message, None)
    });
    lost.collect()
}

fn problem(
    key: &DocumentKey,
    code: &'static str,
    path: String,
    message: String,
    hint: Option<String>,
) -> Problem {
    Problem {
        code,
        document: Some(key.to_string()),
        path,
        at: None,
        given: None,
        message,
        accepted: None,
        hint,
    }
}
