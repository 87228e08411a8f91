//! The history on disk does what every history does, and what only one on disk can.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod damage;
mod size;

use std::sync::Arc;

use sluice_engine::port::History;
use sluice_sim::history_conformance;
use sluice_store::{HISTORY_SIZE, SqliteHistory};
use tempfile::TempDir;

fn open() -> (Arc<dyn History>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let history = SqliteHistory::open(folder.path(), HISTORY_SIZE).unwrap();
    (Arc::new(history), folder)
}

history_conformance!(open);
