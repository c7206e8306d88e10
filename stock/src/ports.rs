//! The driven ports: where stock keeps its records, and whom it asks about an order.

use std::fmt;

use async_trait::async_trait;
use common::{Call, Fault, ItemId, MovementId, OrderId, Timestamp};

use crate::domain::{
    event::Event, item::Item, movement::Entry, reservation::Reservation, restock::Restock, standing::Standing,
};

/// A record with the version it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    pub body: T,
    pub version: u64,
}

/// A record to be written.
#[derive(Clone, Debug)]
pub enum Record {
    Item(Item),
    Reservation(Reservation),
    Restock(Restock),
    Entry(Entry),
}

/// One write of one record, with the events that leave with it.
#[derive(Clone, Debug)]
pub struct Change {
    pub record: Record,
    /// The version that the writer read; `None`: there must be none yet.
    pub read_at: Option<u64>,
    pub events: Vec<Event>,
    /// The call that it is for; its trace goes with the events.
    pub call: Option<Call>,
}

impl Change {
    #[must_use]
    pub fn new(record: Record, read_at: Option<u64>) -> Self {
        Self { record, read_at, events: Vec::new(), call: None }
    }
}

/// Keeps the records. Every method returns `unavailable` when they cannot be reached; such a write is
/// indeterminate: it may be there afterwards.
#[async_trait]
pub trait Stockroom: Send + Sync + fmt::Debug {
    /// The items with these ids, in this order.
    async fn items(&self, ids: &[ItemId]) -> Result<Vec<Option<Versioned<Item>>>, Fault>;

    /// Every item, by id.
    async fn all_items(&self) -> Result<Vec<Versioned<Item>>, Fault>;

    /// How many items there are.
    async fn count_items(&self) -> Result<u64, Fault>;

    /// The reservations of these orders, in this order.
    async fn reservations(&self, orders: &[OrderId]) -> Result<Vec<Option<Versioned<Reservation>>>, Fault>;

    /// The restocks with these ids, in this order.
    async fn restocks(&self, ids: &[MovementId]) -> Result<Vec<Option<Versioned<Restock>>>, Fault>;

    /// Which of an item's movements the ledger has, in this order.
    async fn are_posted(&self, item: &ItemId, seqs: &[u64]) -> Result<Vec<bool>, Fault>;

    /// Writes the records in this order, each atomically; after a crash a prefix may be there.
    ///
    /// `version_conflict` at the first that was changed since it was read; those before it stay.
    async fn save_in_order(&self, changes: Vec<Change>) -> Result<(), Fault>;

    /// Reservations that are due before `now`, the longest overdue first.
    async fn due_reservations(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Reservation>>, Fault>;

    /// Restocks that stopped half-way and are due before `now`.
    async fn due_restocks(&self, now: Timestamp, limit: usize) -> Result<Vec<Versioned<Restock>>, Fault>;

    /// Items whose oldest unposted movement is older than `before`.
    async fn items_to_post(&self, before: Timestamp, limit: usize) -> Result<Vec<ItemId>, Fault>;
}

/// Knows what has become of an order.
#[async_trait]
pub trait Orders: Send + Sync + fmt::Debug {
    /// How the order stands; an order that does not exist is [`Standing::Unknown`]. Any fault means: not known now.
    async fn standing(&self, order: OrderId) -> Result<Standing, Fault>;
}
