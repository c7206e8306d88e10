//! Revenue: captured minus refunded per currency, counted once from the store and kept up by each save that moves
//! money. With several processes on one store, what the others moved shows at the next count.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use common::{Currency, Fault, Limit, Money};
use tokio::{sync::RwLock, time::Instant};

use crate::{
    domain::Order,
    ports::{Filter, Orders},
};

/// After this long the store is counted again, for what other processes moved.
const COUNT_EVERY: Duration = Duration::from_secs(600);

/// The totals and when they were counted.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Saves that move money share it, a count has it alone: what is saved during a count is counted once.
    gate: RwLock<()>,
    counted: Mutex<Option<Counted>>,
}

#[derive(Clone, Debug)]
struct Counted {
    totals: BTreeMap<Currency, i64>,
    at: Instant,
}

impl Counted {
    fn add(&mut self, money: Money) {
        let total = self.totals.entry(money.currency).or_default();
        *total = total.saturating_add(money.amount_minor);
    }
}

/// What the house keeps of an order.
fn kept(order: &Order) -> Option<Money> {
    let captured = order.captured?;
    let kept = captured.amount_minor.saturating_sub(order.returned_minor());
    Some(Money::new(kept, captured.currency))
}

impl Books {
    /// What a save moves; `None` for the most of them, which move nothing.
    pub(super) fn entry(&self, before: &Order, after: &Order) -> Option<Money> {
        let new = kept(after)?;
        let old = kept(before).map_or(0, |old| old.amount_minor);
        Some(Money::new(new.amount_minor.saturating_sub(old), new.currency)).filter(|moved| !moved.is_zero())
    }

    /// Makes the save and writes down what it moved.
    pub(super) async fn post<T>(
        &self,
        moved: Money,
        save: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let _shared = self.gate.read().await;
        let saved = save.await?;
        if let Some(counted) = self.lock().as_mut() {
            counted.add(moved);
        }
        Ok(saved)
    }

    /// The totals, counted first if they never were or long ago. Waits for the saves under way, so that whoever has
    /// seen a save sees what it moved.
    pub(super) async fn totals(&self, orders: &dyn Orders) -> Result<Vec<Money>, Fault> {
        let _alone = self.gate.write().await;
        let is_fresh = self.lock().as_ref().is_some_and(|counted| counted.at.elapsed() < COUNT_EVERY);
        if !is_fresh {
            let counted = count(orders).await?;
            *self.lock() = Some(counted);
        }
        let totals = self.lock().as_ref().map(|counted| counted.totals.clone()).unwrap_or_default();
        Ok(totals.into_iter().map(|(currency, minor)| Money::new(minor, currency)).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads every order by id: an order keeps its place whatever happens to it, so none is seen twice.
async fn count(orders: &dyn Orders) -> Result<Counted, Fault> {
    let mut counted = Counted { totals: BTreeMap::new(), at: Instant::now() };
    let everything = Filter { customer: None, status: None };
    let limit = Limit::new(u64::from(Limit::MAX))?;
    let mut cursor = None;
    loop {
        let page = orders.list(&everything, limit, cursor).await?;
        page.entries.iter().filter_map(|stored| kept(&stored.body)).for_each(|money| counted.add(money));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(counted);
        }
    }
}
