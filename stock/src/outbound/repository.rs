//! The stockroom over the service's document store: items, reservations, restocks and the ledger as documents.

use std::sync::Arc;

use async_trait::async_trait;
use common::{Clock, Fault, Ids, ItemId, MovementId, OrderId, Spans, Timestamp, TraceContext};
use contracts::{
    events::{StockEvent, StockEventLine, StockLow},
    topics::EventType,
};
use store::{
    Collection, Document, DocumentStore, Documents, Expected, IndexKey, IndexQuery, Loaded, Order, Save,
    Write,
};

use crate::{
    domain::{
        catalogue::ITEMS_MAX,
        event::{Event, OrderLines},
        item::Item,
        movement::Entry,
        reservation::Reservation,
        restock::Restock,
    },
    ports::{Change, Record, Stockroom, Versioned},
};

/// Of reservations and restocks: when the sweep should look at them.
const DUE: &str = "due";
/// Of items: the time of the oldest movement that may not be in the ledger.
const UNPOSTED: &str = "unposted";
/// Items read at a time.
const PAGE: usize = 200;

impl Document for Item {
    const COLLECTION: Collection = Collection("items");
    const INDEXES: &'static [&'static str] = &[UNPOSTED];
    const EVENTS: bool = true;

    fn document_id(&self) -> String {
        self.id.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let oldest = self.unposted.first();
        oldest.map(|movement| IndexKey::new(UNPOSTED, movement.at.sort_key())).into_iter().collect()
    }
}

impl Document for Reservation {
    const COLLECTION: Collection = Collection("reservations");
    const INDEXES: &'static [&'static str] = &[DUE];
    const EVENTS: bool = true;

    fn document_id(&self) -> String {
        self.order_id.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        due_key(self.due_at)
    }

    fn trace(&self) -> Option<TraceContext> {
        self.trace
    }
}

impl Document for Restock {
    const COLLECTION: Collection = Collection("restocks");
    const INDEXES: &'static [&'static str] = &[DUE];

    fn document_id(&self) -> String {
        self.movement_id.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        due_key(self.due_at)
    }
}

impl Document for Entry {
    const COLLECTION: Collection = Collection("ledger");

    fn document_id(&self) -> String {
        Self::id(&self.item_id, self.movement.seq)
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        Vec::new()
    }
}

fn due_key(due_at: Timestamp) -> Vec<IndexKey> {
    if due_at == Timestamp::NEVER { Vec::new() } else { vec![IndexKey::new(DUE, due_at.sort_key())] }
}

/// The repository over the service's document store.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    store: Arc<dyn DocumentStore>,
    items: Documents<Item>,
    reservations: Documents<Reservation>,
    restocks: Documents<Restock>,
    ledger: Documents<Entry>,
}

impl Repository {
    pub(crate) fn new(store: &Arc<dyn DocumentStore>, ids: &Ids, clock: &Arc<dyn Clock>) -> Self {
        fn documents<T: Document>(
            store: &Arc<dyn DocumentStore>,
            ids: &Ids,
            clock: &Arc<dyn Clock>,
        ) -> Documents<T> {
            Documents::new(Arc::clone(store), ids.clone(), Arc::clone(clock))
        }
        Self {
            store: Arc::clone(store),
            items: documents(store, ids, clock),
            reservations: documents(store, ids, clock),
            restocks: documents(store, ids, clock),
            ledger: documents(store, ids, clock),
        }
    }

    /// The same with spans for the events of reservations.
    pub(crate) fn traced(self, spans: Spans) -> Self {
        Self { reservations: self.reservations.traced(spans), ..self }
    }

    fn write(&self, change: &Change) -> Result<Write, Fault> {
        let expected = change.read_at.map_or(Expected::Absent, Expected::Version);
        let save = change.events.iter().try_fold(Save::new(), told)?;
        let write = || match &change.record {
            Record::Item(item) => self.items.write(item, expected, save),
            Record::Reservation(reservation) => self.reservations.write(reservation, expected, save),
            Record::Restock(restock) => self.restocks.write(restock, expected, save),
            Record::Entry(entry) => self.ledger.write(entry, expected, save),
        };
        match change.call {
            Some(call) => call.enter(write),
            None => write(),
        }
    }
}

#[async_trait]
impl Stockroom for Repository {
    async fn items(&self, ids: &[ItemId]) -> Result<Vec<Option<Versioned<Item>>>, Fault> {
        Ok(versioned(self.items.load_many(&texts(ids)).await?))
    }

    async fn all_items(&self) -> Result<Vec<Versioned<Item>>, Fault> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.items.list(IndexQuery { cursor, ..query(None, None, PAGE) }).await?;
            all.extend(page.entries.into_iter().map(one));
            cursor = page.next_cursor;
            if cursor.is_none() || all.len() >= ITEMS_MAX {
                return Ok(all);
            }
        }
    }

    async fn count_items(&self) -> Result<u64, Fault> {
        self.items.count(None, "").await
    }

    async fn reservations(&self, orders: &[OrderId]) -> Result<Vec<Option<Versioned<Reservation>>>, Fault> {
        Ok(versioned(self.reservations.load_many(&texts(orders)).await?))
    }

    async fn restocks(&self, ids: &[MovementId]) -> Result<Vec<Option<Versioned<Restock>>>, Fault> {
        Ok(versioned(self.restocks.load_many(&texts(ids)).await?))
    }

    async fn are_posted(&self, item: &ItemId, seqs: &[u64]) -> Result<Vec<bool>, Fault> {
        let ids: Vec<String> = seqs.iter().map(|seq| Entry::id(item, *seq)).collect();
        let found = self.store.load_many(Entry::COLLECTION, &ids).await?;
        Ok(found.iter().map(Option::is_some).collect())
    }

    async fn save_in_order(&self, changes: Vec<Change>) -> Result<(), Fault> {
        let writes = changes.iter().map(|change| self.write(change)).collect::<Result<Vec<_>, _>>()?;
        self.store.save_in_order(writes).await.map(drop)
    }

    async fn due_reservations(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Reservation>>, Fault> {
        let page = self.reservations.list(query(Some(DUE), Some(now), limit)).await?;
        Ok(page.map(one).entries)
    }

    async fn due_restocks(&self, now: Timestamp, limit: usize) -> Result<Vec<Versioned<Restock>>, Fault> {
        let page = self.restocks.list(query(Some(DUE), Some(now), limit)).await?;
        Ok(page.map(one).entries)
    }

    async fn items_to_post(&self, before: Timestamp, limit: usize) -> Result<Vec<ItemId>, Fault> {
        let page = self.items.list(query(Some(UNPOSTED), Some(before), limit)).await?;
        Ok(page.map(|item| item.body.id).entries)
    }
}

fn query(index: Option<&'static str>, below: Option<Timestamp>, limit: usize) -> IndexQuery {
    IndexQuery {
        index,
        prefix: String::new(),
        below: below.map(Timestamp::sort_key),
        order: Order::Ascending,
        limit,
        cursor: None,
    }
}

fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

fn one<T>(loaded: Loaded<T>) -> Versioned<T> {
    Versioned { version: loaded.version, body: loaded.body }
}

fn versioned<T>(loaded: Vec<Option<Loaded<T>>>) -> Vec<Option<Versioned<T>>> {
    loaded.into_iter().map(|loaded| loaded.map(one)).collect()
}

/// Adds what the event says, in the contract's words.
fn told(save: Save, event: &Event) -> Result<Save, Fault> {
    match event {
        Event::Reserved(lines) => save.event(EventType::StockReserved.as_str(), &data(lines)),
        Event::Released(lines) => save.event(EventType::StockReleased.as_str(), &data(lines)),
        Event::Committed(lines) => save.event(EventType::StockCommitted.as_str(), &data(lines)),
        Event::Low { item_id, name, available, at } => {
            let (item_id, name) = (item_id.clone(), name.clone());
            let low = StockLow { item_id, name, available: *available, at: *at };
            save.event(EventType::StockLow.as_str(), &low)
        }
    }
}

fn data(told: &OrderLines) -> StockEvent {
    let lines = told.lines.iter();
    let lines = lines.map(|line| StockEventLine { item_id: line.item_id.clone(), quantity: line.quantity });
    StockEvent { order_id: told.order_id, lines: lines.collect(), at: told.at }
}
