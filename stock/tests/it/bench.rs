//! A stock service on the bench: its own folder, a clock that stands still, a store that breaks on command, orders
//! that stand as they are told.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use common::{Clock, Currency, Fault, Ids, Money, OrderId, Random, Report, SystemRandom, Timestamp};
use stock::{
    app::Stock,
    domain::{
        catalogue::{Details, Mode, PutItem},
        counters::Counters,
        item::Item,
        standing::Standing,
        wanted::Wanted,
    },
    ports::{Orders, Stockroom},
};
use store::embedded::{Database, EmbeddedStore};
use telemetry::Metrics;
use testkit::{clock::ManualClock, faulty::FaultyStore};

/// Orders that stand as they are told; `Open` unless told.
#[derive(Debug, Default)]
pub(crate) struct TheirOrders {
    standings: Mutex<HashMap<OrderId, Standing>>,
    pub(crate) away: Mutex<bool>,
}

impl TheirOrders {
    pub(crate) fn say(&self, order: OrderId, standing: Standing) {
        self.standings.lock().unwrap().insert(order, standing);
    }
}

#[async_trait]
impl Orders for TheirOrders {
    async fn standing(&self, order: OrderId) -> Result<Standing, Fault> {
        if *self.away.lock().unwrap() {
            return Err(Fault::unavailable("orders is away"));
        }
        Ok(self.standings.lock().unwrap().get(&order).copied().unwrap_or(Standing::Open))
    }
}

pub(crate) struct Bench {
    pub(crate) stock: Stock,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) orders: Arc<TheirOrders>,
    pub(crate) ids: Ids,
    _folder: Option<tempfile::TempDir>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self::on(folder.path());
        Self { _folder: Some(folder), ..bench }
    }

    /// On a folder that may hold what another process left, and that stays.
    pub(crate) fn on(folder: &Path) -> Self {
        let clock = Arc::new(ManualClock::default());
        let database = Database::open(folder).unwrap();
        let inner = EmbeddedStore::open(&database, &stock::SCHEMA, clock.clone()).unwrap();
        let store = Arc::new(FaultyStore::new(Arc::new(inner)));
        let orders = Arc::new(TheirOrders::default());
        let ids = Ids::new(clock.clone(), Arc::new(SystemRandom));
        let stock = process(&store, &clock, &orders, &ids);
        Self { stock, store, clock, orders, ids, _folder: None }
    }

    /// With items `a`, `b`, … of these quantities.
    pub(crate) async fn with(on_hand: &[u64]) -> Self {
        let bench = Self::new();
        for (name, on_hand) in ["a", "b", "c"].into_iter().zip(on_hand) {
            bench.stock.put_item(item(name, 400, Some(*on_hand))).await.unwrap();
        }
        bench
    }

    /// Another process on the same store.
    pub(crate) fn another(&self) -> Stock {
        process(&self.store, &self.clock, &self.orders, &self.ids)
    }

    /// The process dies and starts anew: nothing but the store is left.
    pub(crate) fn restart(&mut self) {
        self.store.heal();
        self.stock = self.another();
    }

    pub(crate) fn stockroom(&self) -> Arc<dyn Stockroom> {
        stockroom(&self.store, &self.clock, &self.ids)
    }

    pub(crate) fn order(&self) -> OrderId {
        self.ids.mint()
    }

    pub(crate) fn later(&self) -> Timestamp {
        self.clock.now() + Duration::from_secs(3600)
    }

    pub(crate) async fn reserve(&self, order: OrderId, lines: &[(&str, u32)]) -> Result<(), Fault> {
        self.stock.reserve(order, wanted(lines), self.later()).await.map(drop)
    }

    pub(crate) async fn item(&self, id: &str) -> Item {
        let found = self.stockroom().items(&[id.parse().unwrap()]).await.unwrap();
        found.into_iter().next().unwrap().unwrap().body
    }

    pub(crate) async fn counters(&self, id: &str) -> Counters {
        self.item(id).await.counters
    }

    /// (on hand, held, committed)
    pub(crate) async fn counts(&self, id: &str) -> (u64, u64, u64) {
        let Counters { on_hand, held, committed, .. } = self.counters(id).await;
        (on_hand, held, committed)
    }

    /// Lets enough time pass for everything to be due, and sweeps until all is at rest.
    pub(crate) async fn sweep(&self) {
        for _ in 0..3 {
            self.clock.advance(Duration::from_secs(60));
            self.stock.settle_due().await.unwrap();
        }
        self.stock.post_movements().await.unwrap();
    }

    pub(crate) async fn verify(&self) -> Report {
        stock::verify::check(&*self.store).await.unwrap()
    }

    /// No invariant is broken and nothing is left to do.
    pub(crate) async fn assert_at_rest(&self, context: &str) {
        let report = self.verify().await;
        assert_eq!(report, Report::default(), "{context}");
    }

    pub(crate) async fn assert_sound(&self, context: &str) {
        let report = self.verify().await;
        assert!(report.is_clean(), "{context}: {report:?}");
    }
}

fn process(
    store: &Arc<FaultyStore>,
    clock: &Arc<ManualClock>,
    orders: &Arc<TheirOrders>,
    ids: &Ids,
) -> Stock {
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    Stock::new(stockroom(store, clock, ids), orders.clone(), clock.clone(), random, &Metrics::new())
}

fn stockroom(store: &Arc<FaultyStore>, clock: &Arc<ManualClock>, ids: &Ids) -> Arc<dyn Stockroom> {
    let (store, clock): (Arc<dyn store::DocumentStore>, Arc<dyn Clock>) = (store.clone(), clock.clone());
    stock::wire::stockroom(&store, ids, &clock)
}

pub(crate) fn wanted(lines: &[(&str, u32)]) -> Vec<Wanted> {
    let wanted = |(id, quantity): &(&str, u32)| Wanted { item_id: id.parse().unwrap(), quantity: *quantity };
    lines.iter().map(wanted).collect()
}

pub(crate) fn item(id: &str, cents: i64, on_hand: Option<u64>) -> PutItem {
    priced(id, Money::new(cents, Currency::USD), on_hand).unwrap()
}

pub(crate) fn priced(id: &str, price: Money, on_hand: Option<u64>) -> Result<PutItem, Fault> {
    let details = Details { name: format!("Item {id}"), price, description: None, stripe_price_id: None };
    PutItem::new(id.parse()?, details, on_hand, Mode::Put)
}
