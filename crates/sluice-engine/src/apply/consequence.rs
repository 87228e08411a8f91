//! What follows from applying a document, in words.

use std::collections::BTreeSet;

use sluice_core::VersionName;
use sluice_core::document::{Document, DocumentKey, ServiceSpec, Spec};

use crate::prospect::Prospect;
use crate::world::{Stored, service_key};

/// What follows from a change, in one plain sentence; empty when nothing does.
pub(super) fn consequence(
    key: &DocumentKey,
    document: &Document,
    before: Option<&Stored>,
    prospect: &Prospect<'_>,
) -> String {
    let words = match (&document.spec, before.map(|before| &before.document.spec)) {
        (Spec::Service(spec), None) => service_key(key)
            .and_then(|service| prospect.state(&service)?.live.as_ref())
            .map(|live| first_words(spec, live)),
        (Spec::Service(spec), Some(Spec::Service(before))) => changed_words(spec, before),
        _ => None,
    };
    words.unwrap_or_default()
}

fn first_words(spec: &ServiceSpec, live: &VersionName) -> String {
    let dark: Vec<&str> = spec
        .versions
        .iter()
        .map(|version| version.name.as_str())
        .filter(|name| *name != live.as_str())
        .collect();
    match dark.as_slice() {
        [] => format!("{live} is live"),
        [one] => format!("{live}, the first version, is live; {one} is dark until it is released"),
        more => format!(
            "{live}, the first version, is live; {} are dark until they are released",
            more.join(", ")
        ),
    }
}

fn changed_words(spec: &ServiceSpec, before: &ServiceSpec) -> Option<String> {
    let names = |spec: &ServiceSpec| -> BTreeSet<VersionName> {
        spec.versions.iter().map(|version| version.name.clone()).collect()
    };
    let (now, then) = (names(spec), names(before));
    let list =
        |names: Vec<&VersionName>| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
    let added = list(now.difference(&then).collect());
    let removed = list(then.difference(&now).collect());
    match (added.is_empty(), removed.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("added {added}, dark until released")),
        (true, false) => Some(format!("removed {removed}")),
        (false, false) => Some(format!("added {added}, dark until released; removed {removed}")),
    }
}
