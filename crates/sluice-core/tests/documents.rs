//! Documents as people write them: what is taken, what is refused, and what is said then.

#![expect(clippy::disallowed_methods, reason = "the examples and expected messages are files")]
#![expect(clippy::unwrap_used, reason = "what fails in a test should stop it")]

#[path = "documents/bad.rs"]
mod bad;
#[path = "documents/environments.rs"]
mod environments;
#[path = "documents/generated.rs"]
mod generated;
#[path = "documents/references.rs"]
mod references;
#[path = "documents/robust.rs"]
mod robust;
#[path = "documents/schemas.rs"]
mod schemas;

use std::path::{Path, PathBuf};

/// The files of a folder with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|given| given == ending))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no .{ending}", folder.display());
    files
}

/// The workspace's own folder.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
