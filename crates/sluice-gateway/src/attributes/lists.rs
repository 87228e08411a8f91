//! Lists of ids, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sluice_core::Name;
use sluice_core::id_set::IdSet;

/// Lists of ids. A list that is not there holds nobody.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    by_name: Arc<ArcSwap<BTreeMap<Name, IdSet>>>,
}

impl Lists {
    /// Puts these in place of all that are there.
    pub fn replace(&self, lists: BTreeMap<Name, IdSet>) {
        self.by_name.store(Arc::new(lists));
    }

    /// Whether a list holds an id.
    pub fn contains(&self, list: &Name, id: &str) -> bool {
        self.by_name.load().get(list).is_some_and(|list| list.contains(id))
    }
}
