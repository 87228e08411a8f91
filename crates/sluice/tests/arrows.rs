//! Which crate may know of which. An arrow that is not listed here is a wall that was moved.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may depend on. The order of lines is the order of the building: nothing below is known above.
const ARROWS: [(&str, &[&str]); 9] = [
    ("sluice-stats", &[]),
    ("sluice-core", &["sluice-stats"]),
    ("sluice-engine", &["sluice-core"]),
    ("sluice-store", &["sluice-engine", "sluice-core"]),
    ("sluice-connect", &["sluice-engine", "sluice-core"]),
    // Never the engine or the store: it serves on when they are gone.
    ("sluice-gateway", &["sluice-core"]),
    ("sluice-server", &["sluice-engine", "sluice-core"]),
    ("sluice-sim", &["sluice-engine", "sluice-core"]),
    (
        "sluice",
        &[
            "sluice-connect",
            "sluice-core",
            "sluice-engine",
            "sluice-gateway",
            "sluice-server",
            // Rehearsals play releases in the simulated world.
            "sluice-sim",
            "sluice-stats",
            "sluice-store",
        ],
    ),
];

/// The seeded world may be used by everybody's tests.
const FOR_TESTS: &str = "sluice-sim";

#[test]
fn crates_know_only_what_they_may() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec();
    let metadata = metadata.expect("cargo reads the workspace");
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let Some(targets) = allowed.get(package.name.as_str()) else {
            wrong.push(format!("{} is not in the list of crates", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let is_test = dependency.kind == DependencyKind::Development && dependency.name == FOR_TESTS;
            if !is_test && !targets.contains(&dependency.name.as_str()) {
                wrong.push(format!("{} → {} ({:?})", package.name, dependency.name, dependency.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that must not be:\n{}", wrong.join("\n"));
    assert_eq!(metadata.packages.len(), ARROWS.len(), "a crate is listed that does not exist");
}
