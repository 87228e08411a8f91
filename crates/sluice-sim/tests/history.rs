//! The history in memory does what every history does.

use std::sync::Arc;

use sluice_engine::port::History;
use sluice_sim::{MemoryHistory, history_conformance};

history_conformance!(|| (Arc::new(MemoryHistory::new()) as Arc<dyn History>, ()));
