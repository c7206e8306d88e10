//! A stockroom in memory that lets others in between any two reads and writes, and breaks off at random: what a
//! networked store may do to several processes, decided by a seed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use common::{Fault, ItemId, MovementId, OrderId, Random as _, Report, Timestamp};
use stock::{
    domain::{audit::Books, item::Item, movement::Entry, reservation::Reservation, restock::Restock},
    ports::{Change, Record, Stockroom, Versioned},
};
use testkit::random::SeededRandom;

/// One call in so many breaks off while there is trouble.
const TROUBLE: u64 = 40;
/// Others get up to this many turns before each step.
const TURNS_MAX: u64 = 6;

#[derive(Debug, Default)]
struct Shelves {
    items: BTreeMap<ItemId, Versioned<Item>>,
    reservations: HashMap<OrderId, Versioned<Reservation>>,
    restocks: HashMap<MovementId, Versioned<Restock>>,
    ledger: BTreeMap<(ItemId, u64), Versioned<Entry>>,
}

#[derive(Debug)]
pub(crate) struct Memory {
    shelves: Mutex<Shelves>,
    random: SeededRandom,
    trouble: AtomicBool,
}

impl Memory {
    pub(crate) fn new(seed: u64) -> Self {
        let shelves = Mutex::default();
        Self { shelves, random: SeededRandom::new(seed), trouble: AtomicBool::new(false) }
    }

    pub(crate) fn trouble(&self, trouble: bool) {
        self.trouble.store(trouble, Ordering::SeqCst);
    }

    pub(crate) fn audit(&self) -> Report {
        let shelves = self.shelves.lock().unwrap();
        Books {
            items: shelves.items.values().map(|v| v.body.clone()).collect(),
            reservations: shelves.reservations.values().map(|v| v.body.clone()).collect(),
            restocks: shelves.restocks.values().map(|v| v.body.clone()).collect(),
            ledger: shelves.ledger.values().map(|v| v.body.clone()).collect(),
        }
        .audit()
    }

    /// What holds at every read, whatever is half-done.
    pub(crate) fn assert_counters_sound(&self, context: &str) {
        for item in self.shelves.lock().unwrap().items.values() {
            assert!(item.body.counters.is_sound(), "{context}: {:?}", item.body);
        }
    }

    async fn others(&self) {
        for _ in 0..self.random.below(TURNS_MAX) {
            tokio::task::yield_now().await;
        }
    }

    fn breaks(&self) -> bool {
        self.trouble.load(Ordering::SeqCst) && self.random.below(TROUBLE) == 0
    }

    async fn read<T>(&self, read: impl FnOnce(&Shelves) -> T) -> Result<T, Fault> {
        self.others().await;
        if self.breaks() {
            return Err(trouble());
        }
        let found = read(&self.shelves.lock().unwrap());
        self.others().await;
        Ok(found)
    }
}

fn trouble() -> Fault {
    Fault::unavailable("trouble by seed")
}

fn put<K: Ord, T>(
    shelf: &mut BTreeMap<K, Versioned<T>>,
    key: K,
    body: T,
    read_at: Option<u64>,
) -> Result<(), Fault> {
    if shelf.get(&key).map(|found| found.version) != read_at {
        return Err(Fault::version_conflict("in memory"));
    }
    shelf.insert(key, Versioned { body, version: read_at.unwrap_or(0) + 1 });
    Ok(())
}

fn put_hashed<K: std::hash::Hash + Eq, T>(
    shelf: &mut HashMap<K, Versioned<T>>,
    key: K,
    body: T,
    read_at: Option<u64>,
) -> Result<(), Fault> {
    if shelf.get(&key).map(|found| found.version) != read_at {
        return Err(Fault::version_conflict("in memory"));
    }
    shelf.insert(key, Versioned { body, version: read_at.unwrap_or(0) + 1 });
    Ok(())
}

impl Shelves {
    fn apply(&mut self, change: Change) -> Result<(), Fault> {
        let read_at = change.read_at;
        match change.record {
            Record::Item(item) => put(&mut self.items, item.id.clone(), item, read_at),
            Record::Entry(entry) => {
                put(&mut self.ledger, (entry.item_id.clone(), entry.movement.seq), entry, read_at)
            }
            Record::Reservation(r) => put_hashed(&mut self.reservations, r.order_id, r, read_at),
            Record::Restock(r) => put_hashed(&mut self.restocks, r.movement_id, r, read_at),
        }
    }
}

#[async_trait]
impl Stockroom for Memory {
    async fn items(&self, ids: &[ItemId]) -> Result<Vec<Option<Versioned<Item>>>, Fault> {
        self.read(|s| ids.iter().map(|id| s.items.get(id).cloned()).collect()).await
    }

    async fn all_items(&self) -> Result<Vec<Versioned<Item>>, Fault> {
        self.read(|s| s.items.values().cloned().collect()).await
    }

    async fn count_items(&self) -> Result<u64, Fault> {
        self.read(|s| s.items.len() as u64).await
    }

    async fn reservations(&self, orders: &[OrderId]) -> Result<Vec<Option<Versioned<Reservation>>>, Fault> {
        self.read(|s| orders.iter().map(|id| s.reservations.get(id).cloned()).collect()).await
    }

    async fn restocks(&self, ids: &[MovementId]) -> Result<Vec<Option<Versioned<Restock>>>, Fault> {
        self.read(|s| ids.iter().map(|id| s.restocks.get(id).cloned()).collect()).await
    }

    async fn are_posted(&self, item: &ItemId, seqs: &[u64]) -> Result<Vec<bool>, Fault> {
        self.read(|s| seqs.iter().map(|seq| s.ledger.contains_key(&(item.clone(), *seq))).collect()).await
    }

    async fn save_in_order(&self, changes: Vec<Change>) -> Result<(), Fault> {
        for change in changes {
            self.others().await;
            if self.breaks() {
                return Err(trouble());
            }
            self.shelves.lock().unwrap().apply(change)?;
            if self.breaks() {
                return Err(trouble());
            }
        }
        self.others().await;
        Ok(())
    }

    async fn due_reservations(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Reservation>>, Fault> {
        self.read(|s| s.reservations.values().filter(|r| r.body.due_at < now).take(limit).cloned().collect())
            .await
    }

    async fn due_restocks(&self, now: Timestamp, limit: usize) -> Result<Vec<Versioned<Restock>>, Fault> {
        self.read(|s| s.restocks.values().filter(|r| r.body.due_at < now).take(limit).cloned().collect())
            .await
    }

    async fn items_to_post(&self, before: Timestamp, limit: usize) -> Result<Vec<ItemId>, Fault> {
        let old = |item: &&Versioned<Item>| item.body.unposted.first().is_some_and(|m| m.at < before);
        let id = |item: &Versioned<Item>| item.body.id.clone();
        self.read(|s| s.items.values().filter(old).take(limit).map(id).collect()).await
    }
}
