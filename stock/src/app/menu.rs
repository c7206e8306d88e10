//! Read the menu: items, and whether lines could be reserved now.

use common::{Fault, ItemId};

use super::Stock;
use crate::{
    domain::{
        item::Item,
        wanted::{self, Wanted},
    },
    ports::Versioned,
};

/// How a line stands now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineAvailability {
    pub wanted: Wanted,
    /// `None`: there is no such item.
    pub available: Option<u64>,
}

impl Stock {
    /// Every item, by id.
    pub async fn items(&self) -> Result<Vec<Versioned<Item>>, Fault> {
        self.stockroom.all_items().await
    }

    /// The items that there are among these.
    pub async fn items_among(&self, ids: &[ItemId]) -> Result<Vec<Versioned<Item>>, Fault> {
        Ok(self.stockroom.items(ids).await?.into_iter().flatten().collect())
    }

    /// What is available of each line, merged; promises nothing. `invalid_request` for lines out of bounds.
    pub async fn check(&self, lines: Vec<Wanted>) -> Result<Vec<LineAvailability>, Fault> {
        let lines = wanted::merge(lines)?;
        let ids: Vec<ItemId> = lines.iter().map(|line| line.item_id.clone()).collect();
        let items = self.stockroom.items(&ids).await?;
        let available = items.into_iter().map(|item| item.map(|item| item.body.available()));
        let lines = lines.into_iter().zip(available);
        Ok(lines.map(|(wanted, available)| LineAvailability { wanted, available }).collect())
    }
}
