//! Policies that nothing is wrong with.

use std::collections::BTreeMap;

use sluice_core::builtin;
use sluice_core::document::check::references;
use sluice_core::document::{Document, DocumentKey, Spec};
use sluice_core::lint::Severity;

use crate::{SHOP, findings, read};

#[test]
fn nothing_is_wrong_with_the_built_in_policies() {
    let around = read(&format!(
        "{SHOP}---
kind: Environment
metadata: {{ name: production }}
spec:
  policies: [ {} ]
  windows: [ Mon-Fri 09:00-16:30 Europe/Amsterdam ]
  freezes: [ {{ from: 2026-12-20, to: 2027-01-02, reason: holidays }} ]
",
        builtin::policies()
            .keys()
            .map(|name| format!("{{ when: \"service.name == '{name}'\", use: {name} }}"))
            .collect::<Vec<_>>()
            .join(", ")
    ));
    for rate in [None, Some(20.0), Some(100.0), Some(5_000.0)] {
        for (name, policy) in builtin::policies() {
            let found = findings(name, policy, &around, rate);
            let bad: Vec<_> = found.iter().filter(|finding| finding.severity < Severity::Hint).collect();
            assert!(bad.is_empty(), "{name} at {rate:?}: {bad:#?}");
        }
    }
}

#[test]
fn the_examples_fit_together_and_nothing_is_wrong_with_their_policies() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut documents: BTreeMap<DocumentKey, Document> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        for document in read(&std::fs::read_to_string(&path).unwrap()) {
            let before = documents.insert(document.key(), document);
            assert!(
                before.is_none(),
                "{}: {} is in another example too",
                path.display(),
                before.unwrap().key()
            );
        }
    }
    let broken: Vec<String> =
        references(&documents).iter().map(|broken| broken.problem.to_string()).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));

    let around: Vec<Document> = documents.into_values().collect();
    let mut linted = 0;
    for document in &around {
        let Spec::Policy(policy) = &document.spec else { continue };
        linted += 1;
        for rate in [None, Some(50.0)] {
            let found = findings(&document.metadata.name, policy, &around, rate);
            let bad: Vec<_> = found.iter().filter(|finding| finding.severity < Severity::Hint).collect();
            assert!(bad.is_empty(), "{} at {rate:?}: {bad:#?}", document.metadata.name);
        }
    }
    assert!(linted >= 12, "{linted}");
}
