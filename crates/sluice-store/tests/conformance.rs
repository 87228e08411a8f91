//! The store on disk does what every store does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use sluice_engine::port::Store;
use sluice_sim::store_conformance;
use sluice_store::{Options, SqliteStore};
use tempfile::TempDir;

fn open() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), Options::default()).unwrap();
    (Arc::new(store), folder)
}

store_conformance!(open);
