//! Seed: fill in what is missing of the sample menu, and never change an item that is there.

use common::Fault;
use futures::future::try_join_all;

use super::Stock;
use crate::domain::menu::menu;

impl Stock {
    /// Answers with how many items were created. Safe to repeat and to run in several processes.
    pub async fn seed(&self) -> Result<usize, Fault> {
        let placed = try_join_all(menu()?.into_iter().map(|item| self.desk.put(item))).await?;
        Ok(placed.into_iter().filter(|placed| placed.created).count())
    }
}
