//! Lists of ids, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sluice_core::Name;
use sluice_core::id_set::IdSet;

/// Lists of ids. Of a list that is not there nobody knows whom it holds.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    by_name: Arc<ArcSwap<BTreeMap<Name, IdSet>>>,
}

impl Lists {
    /// Puts these in place of all that are there.
    pub fn replace(&self, lists: BTreeMap<Name, IdSet>) {
        self.by_name.store(Arc::new(lists));
    }

    /// Whether a list holds an id; `None` when it is not there.
    pub fn contains(&self, list: &Name, id: &str) -> Option<bool> {
        self.by_name.load().get(list).map(|list| list.contains(id))
    }
}
