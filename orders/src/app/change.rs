//! Read, decide, compare-and-swap: the one way in which an order changes after it was made.

use common::{Code, CustomerId, EventId, Fault, OrderId, Timestamp};

use super::App;
use crate::{domain::Order, ports::Stored};

/// How often a lost compare-and-swap is decided again before the caller is told to come back.
const TRIES_MAX: usize = 8;

/// Whether a decision changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<T> {
    Save(T),
    Keep(T),
}

/// What a decision may look at besides the order.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub now: Timestamp,
    /// The order's version after the save.
    pub next_version: u64,
}

impl App {
    /// The order, if it is this customer's; `None` is any customer. `order_not_found` otherwise.
    pub(super) async fn find(
        &self,
        id: OrderId,
        customer: Option<&CustomerId>,
    ) -> Result<Stored<Order>, Fault> {
        let stored = self.parts.orders.load(id).await?;
        stored
            .filter(|stored| customer.is_none_or(|customer| stored.body.customer_id == *customer))
            .ok_or_else(|| Fault::new(Code::OrderNotFound, "there is no such order"))
    }

    /// Decides on the order and saves the outcome; on a lost race reads it again and decides anew.
    pub(super) async fn change<T>(
        &self,
        mut stored: Stored<Order>,
        handled: Option<EventId>,
        mut decide: impl FnMut(&mut Order, At) -> Result<Step<T>, Fault>,
    ) -> Result<(Stored<Order>, T), Fault> {
        let id = stored.body.id;
        for _ in 0..TRIES_MAX {
            let mut next = stored.body.clone();
            let at = At { now: self.now(), next_version: stored.version + 1 };
            let outcome = match decide(&mut next, at)? {
                Step::Keep(outcome) => return Ok((stored, outcome)),
                Step::Save(outcome) => outcome,
            };
            match self.save(&stored, next, handled).await {
                Ok(saved) => return Ok((saved, outcome)),
                Err(fault) if fault.is_version_conflict() => stored = self.find(id, None).await?,
                Err(fault) => return Err(fault),
            }
        }
        Err(Fault::unavailable(format!("order {id} changed each time it was decided on")))
    }

    /// Replaces the order that was read as `before`; keeps the books and wakes watchers.
    pub(super) async fn save(
        &self,
        before: &Stored<Order>,
        next: Order,
        handled: Option<EventId>,
    ) -> Result<Stored<Order>, Fault> {
        let moved = self.books.entry(&before.body, &next);
        let save = self.parts.orders.save(next, before.version, handled);
        let saved = match moved {
            Some(entry) => self.books.post(entry, save).await?,
            None => save.await?,
        };
        self.watchers.notify(saved.body.id);
        Ok(saved)
    }
}
