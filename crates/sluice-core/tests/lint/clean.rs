//! Policies that nothing is wrong with.

use sluice_core::builtin;
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
