//! The items that one round of work has in hand: working copies, and which of them have to be saved.

use std::collections::BTreeMap;

use common::ItemId;

use super::item::Item;

/// Working copies in the order of their ids, which is the order in which they are saved.
#[derive(Debug, Default)]
pub struct Bench {
    places: BTreeMap<ItemId, Place>,
}

#[derive(Debug)]
struct Place {
    item: Item,
    touched: bool,
}

impl Bench {
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = Item>) -> Self {
        let place = |item: Item| (item.id.clone(), Place { item, touched: false });
        Self { places: items.into_iter().map(place).collect() }
    }

    #[must_use]
    pub fn item(&self, id: &ItemId) -> Option<&Item> {
        self.places.get(id).map(|place| &place.item)
    }

    /// Puts an item that has to be saved, changed or not.
    pub fn put(&mut self, item: Item) {
        self.places.insert(item.id.clone(), Place { item, touched: true });
    }

    /// The items that have to be saved.
    pub fn touched(&mut self) -> impl Iterator<Item = &mut Item> {
        self.places.values_mut().filter(|place| place.touched).map(|place| &mut place.item)
    }

    /// All items, and whether each has to be saved.
    pub fn into_items(self) -> impl Iterator<Item = (Item, bool)> {
        self.places.into_values().map(|place| (place.item, place.touched))
    }
}
