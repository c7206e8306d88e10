//! The use cases over the embedded store in a temporary folder, a scripted provider and a clock that stands still.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{Clock, Currency, Fault, Ids, Money, OrderId, RefundId, report::Report};
use payments::{
    app::{Cashier, Intake, Reconciler},
    domain::{
        Alert, CheckoutLine, CheckoutOrder, Payment, ProviderEvent, RefundRequest, SessionStatus, State,
        Terms,
    },
    outbound::{cursors::CursorDocuments, inbox::InboxDocuments, repository::PaymentDocuments},
    ports::{Alerts, Kept, PaymentProcessor},
};
use store::{
    DocumentStore, Documents,
    embedded::{Database, EmbeddedStore},
};
use tempfile::TempDir;
use testkit::{clock::ManualClock, random::SeededRandom};

use crate::{
    fake_processor::FakeProcessor,
    faulty_store::{FaultyStore, When},
};

pub(crate) const TTL: Duration = Duration::from_secs(2700);

#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<Vec<Alert>>);

impl Alerts for Bell {
    fn raise(&self, _: OrderId, alert: &Alert) {
        self.0.lock().unwrap().push(alert.clone());
    }
}

pub(crate) struct Bench {
    pub(crate) cashier: Cashier,
    pub(crate) intake: Intake,
    pub(crate) reconciler: Reconciler,
    pub(crate) provider: Arc<FakeProcessor>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) ids: Ids,
    bell: Arc<Bell>,
    _folder: TempDir,
}

pub(crate) fn usd(amount_minor: i64) -> Money {
    Money::new(amount_minor, Currency::USD)
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_fault(None)
    }

    pub(crate) fn with_fault(fault: Option<(usize, When)>) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::default());
        let shared: Arc<dyn Clock> = clock.clone();
        let ids = Ids::new(Arc::clone(&shared), Arc::new(SeededRandom::new(7)));
        let database = Database::open(folder.path()).unwrap();
        let embedded =
            Arc::new(EmbeddedStore::open(&database, &payments::SCHEMA, Arc::clone(&shared)).unwrap());
        let store = Arc::new(FaultyStore::new(embedded, fault));
        let provider = Arc::new(FakeProcessor::new(Arc::clone(&clock)));
        let bell = Arc::new(Bell::default());
        let port: Arc<dyn DocumentStore> = store.clone();
        let (cashier, intake, reconciler) = wired(&port, &ids, &shared, provider.clone(), bell.clone());
        Self { cashier, intake, reconciler, provider, clock, store, ids, bell, _folder: folder }
    }

    /// A new order of 2 × 12.50 and 1 × 3.00.
    pub(crate) fn order(&self) -> CheckoutOrder {
        let line = |item: &str, quantity, unit| CheckoutLine {
            item_id: item.parse().unwrap(),
            name: format!("Item {item}"),
            quantity,
            unit_price: usd(unit),
            price_id: None,
        };
        CheckoutOrder {
            order_id: self.ids.mint(),
            customer_id: "2".parse().unwrap(),
            email: Some("a@example.com".into()),
            lines: vec![line("1", 2, 1250), line("2", 1, 300)],
            total: usd(2800),
        }
    }

    /// An order with its link.
    pub(crate) async fn open(&self) -> OrderId {
        let order = self.order();
        self.cashier.create_checkout(order.clone()).await.unwrap();
        order.order_id
    }

    /// An order that is paid, and knows it.
    pub(crate) async fn paid(&self) -> OrderId {
        let order = self.open().await;
        let event = self.turn(order, SessionStatus::Paid).await;
        self.deliver(&event).await.unwrap();
        order
    }

    /// Moves the order's session at the provider.
    pub(crate) async fn turn(&self, order: OrderId, status: SessionStatus) -> ProviderEvent {
        let session = self.payment(order).await.session.unwrap();
        self.provider.turn(&session.id, status)
    }

    pub(crate) async fn payment(&self, order: OrderId) -> Payment {
        self.cashier.get_payment(order).await.unwrap().value
    }

    pub(crate) async fn state(&self, order: OrderId) -> State {
        self.payment(order).await.state
    }

    /// Brings an event as a webhook and lets it take effect.
    pub(crate) async fn deliver(&self, event: &ProviderEvent) -> Result<(), Fault> {
        let headers = HashMap::from([("signature".to_owned(), "good".to_owned())]);
        match self.intake.take_webhook("fake", &headers, event.id.as_bytes()).await? {
            Some(entry) => self.cashier.process_event(entry).await,
            None => Ok(()),
        }
    }

    pub(crate) fn refund(&self, amount: Option<i64>) -> RefundRequest {
        let id: RefundId = self.ids.mint();
        RefundRequest { id, amount: amount.map(usd), attempt: 1, reason: None }
    }

    /// One round of each sweep. Faults are what the sweeps log.
    pub(crate) async fn sweep(&self) {
        for (order, _) in self.cashier.due_payments(64).await.unwrap() {
            let _ = self.cashier.revisit(order).await;
        }
        for entry in self.cashier.due_entries(64).await.unwrap() {
            let _ = self.cashier.process_event(entry).await;
        }
    }

    /// Lets time pass in steps, with the sweeps at work.
    pub(crate) async fn sweep_for(&self, time: Duration) {
        let step = Duration::from_secs(30);
        let mut passed = Duration::ZERO;
        while passed < time {
            self.clock.advance(step);
            passed += step;
            self.sweep().await;
        }
    }

    /// Reads the provider's events to the end, as the reconciler's sweep does, and lets them take effect.
    pub(crate) async fn reconcile(&self) -> Result<usize, Fault> {
        let mut fresh = 0;
        loop {
            let read = self.reconciler.read_page().await?;
            fresh += read.fresh.len();
            for entry in read.fresh {
                self.cashier.process_event(entry).await?;
            }
            if !read.more {
                return Ok(fresh);
            }
        }
    }

    /// The types of the events that left, oldest first.
    pub(crate) async fn told(&self) -> Vec<String> {
        let entries = self.store.claim_outbox(1000, Duration::from_secs(1)).await.unwrap();
        let types = entries.iter().map(|entry| entry.event.event_type.clone()).collect();
        self.store.unclaim_outbox(&entries).await.unwrap();
        types
    }

    pub(crate) fn alerts(&self) -> Vec<Alert> {
        self.bell.0.lock().unwrap().clone()
    }

    pub(crate) async fn verify(&self) -> Report {
        payments::verify::check(&*self.store).await.unwrap()
    }

    /// How many sessions of the order are, or were, paid at the provider.
    pub(crate) fn charges(&self, order: OrderId) -> usize {
        let paid = |view: &payments::domain::SessionView| view.status == SessionStatus::Paid;
        self.provider.sessions().iter().filter(|view| view.order_id == Some(order) && paid(view)).count()
    }
}

fn wired(
    store: &Arc<dyn DocumentStore>,
    ids: &Ids,
    clock: &Arc<dyn Clock>,
    processor: Arc<dyn PaymentProcessor>,
    alerts: Arc<dyn Alerts>,
) -> (Cashier, Intake, Reconciler) {
    let inbox = Arc::new(InboxDocuments::new(documents(store, ids, clock)));
    let payments =
        PaymentDocuments::new(Arc::clone(store), documents(store, ids, clock), documents(store, ids, clock));
    let cashier = Cashier {
        payments: Arc::new(payments),
        inbox: inbox.clone(),
        processor: Arc::clone(&processor),
        alerts,
        clock: Arc::clone(clock),
        ids: ids.clone(),
        terms: Terms { ttl: TTL, public_url: "http://shop.example/".into() },
    };
    let intake = Intake { inbox: inbox.clone(), processor: Arc::clone(&processor), clock: Arc::clone(clock) };
    let cursors = Arc::new(CursorDocuments::new(documents(store, ids, clock), "fake"));
    let reconciler = Reconciler { inbox, cursors, processor, clock: Arc::clone(clock) };
    (cashier, intake, reconciler)
}

fn documents<T: store::Document>(
    store: &Arc<dyn DocumentStore>,
    ids: &Ids,
    clock: &Arc<dyn Clock>,
) -> Documents<T> {
    Documents::new(Arc::clone(store), ids.clone(), Arc::clone(clock))
}

/// The value of something that was kept.
pub(crate) fn value(kept: Kept<Payment>) -> Payment {
    kept.value
}
