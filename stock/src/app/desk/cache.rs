//! Items as the desk last saved or read them, so that a round need not read them again. A copy may be stale: then
//! the save loses its compare-and-swap, and the items are read anew.

use std::collections::HashMap;

use common::ItemId;

use crate::{
    domain::{catalogue::ITEMS_MAX, item::Item},
    ports::Versioned,
};

#[derive(Debug, Default)]
pub(super) struct Cache {
    items: HashMap<ItemId, Versioned<Item>>,
}

impl Cache {
    /// Takes the copies out: a round that fails leaves nothing behind that it does not know to be saved.
    pub(super) fn take(&mut self, id: &ItemId) -> Option<Versioned<Item>> {
        self.items.remove(id)
    }

    pub(super) fn put(&mut self, items: impl IntoIterator<Item = Versioned<Item>>) {
        for item in items {
            if self.items.len() < ITEMS_MAX {
                self.items.insert(item.body.id.clone(), item);
            }
        }
    }
}
