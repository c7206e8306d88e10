//! A store in a folder of its own, scripted peers, and processes that live on it one after the other.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use common::{Call, CustomerId, EventId, Fault, Ids, Limit, OrderId, RefundId};
use orders::{
    app::{App, Parts, Placed, SweepDue, SweepSagas, Timing},
    domain::{Claim, ClaimKey, Draft, Fact, Line, Order, Status, fingerprint},
    outbound::{audit::AuditStore, log_notifier::LogNotifier, repository::Repository},
    ports::{Alerts, Background, DeadLetter, QueueDepth, Queues, Stored, Work},
};
use store::{
    DocumentStore, Documents, Save,
    embedded::{Database, EmbeddedStore},
};
use testkit::{clock::ManualClock, random::SeededRandom};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{peers::Peers, shaky_store::ShakyStore};

/// Longest wait for anything in these tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The deadline of a call unless a test wants another.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<ShakyStore>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) alerts: Arc<CountedAlerts>,
    pub(crate) random: Arc<SeededRandom>,
    pub(crate) database: Database,
    /// None, unless a test brings a bus.
    pub(crate) queues: Arc<dyn Queues>,
    _folder: tempfile::TempDir,
}

/// Alerts, counted.
#[derive(Debug, Default)]
pub(crate) struct CountedAlerts {
    pub(crate) refunds: Mutex<Vec<u32>>,
    pub(crate) sagas: Mutex<usize>,
}

impl Alerts for CountedAlerts {
    fn refund_failed(&self, _: OrderId, _: RefundId, attempt: u32) {
        self.refunds.lock().unwrap().push(attempt);
    }

    fn saga_gave_up(&self, _: OrderId, _: &str) {
        *self.sagas.lock().unwrap() += 1;
    }
}

#[derive(Debug)]
struct NoQueues;

#[async_trait]
impl Queues for NoQueues {
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault> {
        Ok(Vec::new())
    }

    async fn dead_letters(&self, _: &str, _: Limit) -> Result<Vec<DeadLetter>, Fault> {
        Ok(Vec::new())
    }

    async fn dead_letter(&self, _: &str, _: &str) -> Result<Option<DeadLetter>, Fault> {
        Ok(None)
    }

    async fn replay(&self, _: &str, _: &str) -> Result<bool, Fault> {
        Ok(false)
    }

    async fn purge(&self, _: &str, _: &str) -> Result<bool, Fault> {
        Ok(false)
    }
}

/// The background tasks of one process, which die with it.
#[derive(Debug, Default)]
struct Crew {
    tasks: Mutex<Vec<JoinHandle<()>>>,
    stopping: CancellationToken,
}

#[async_trait]
impl Background for Crew {
    fn spawn(&self, _: &'static str, work: Work) {
        self.tasks.lock().unwrap().push(tokio::spawn(work));
    }

    async fn stopping(&self) {
        self.stopping.cancelled().await;
    }
}

/// One process.
pub(crate) struct Life {
    pub(crate) app: Arc<App>,
    crew: Arc<Crew>,
    random: Arc<SeededRandom>,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let database = Database::open(folder.path()).unwrap();
        let store = EmbeddedStore::open(&database, &orders::SCHEMA, clock.clone()).unwrap();
        Self {
            store: Arc::new(ShakyStore::new(Arc::new(store))),
            clock,
            peers: Arc::default(),
            alerts: Arc::default(),
            random: Arc::new(SeededRandom::new(7)),
            database,
            queues: Arc::new(NoQueues),
            _folder: folder,
        }
    }

    pub(crate) fn ids(&self) -> Ids {
        Ids::new(self.clock.clone(), self.random.clone())
    }

    fn documents<T: store::Document>(&self) -> Documents<T> {
        Documents::new(self.store.clone(), self.ids(), self.clock.clone())
    }

    /// Starts a process on the store as it is.
    pub(crate) fn start(&self) -> Life {
        let crew = Arc::new(Crew::default());
        let repository =
            Repository { store: self.store.clone(), orders: self.documents(), claims: self.documents() };
        let app = App::new(Parts {
            orders: Arc::new(repository),
            stock: self.peers.clone(),
            payments: self.peers.clone(),
            kitchen: self.peers.clone(),
            notifier: Arc::new(LogNotifier),
            audit: Arc::new(AuditStore(self.documents())),
            alerts: self.alerts.clone(),
            queues: self.queues.clone(),
            background: crew.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            // Not the seeded one: how long sagas back off must not depend on how many spans there are.
            spans: common::Spans::off(Arc::new(common::SystemRandom)),
            timing: Timing {
                checkout_ttl: Duration::from_secs(2700),
                request_deadline: Duration::from_secs(5),
            },
        });
        Life { app, crew, random: self.random.clone() }
    }

    /// An order of two cheese for customer 2 under a new id.
    pub(crate) fn draft(&self) -> Draft {
        self.draft_of(&[("1", 2)])
    }

    pub(crate) fn draft_of(&self, lines: &[(&str, u32)]) -> Draft {
        self.clock.advance(Duration::from_millis(1));
        Draft {
            order_id: self.ids().mint(),
            customer_id: customer("2"),
            lines: lines.iter().map(|(id, quantity)| Line::new(id.parse().unwrap(), *quantity)).collect(),
            note: None,
            email: None,
        }
    }

    /// Stores a claim without its order, as a crash between the two leaves it.
    pub(crate) async fn lay_claim(&self, draft: &Draft, key: &str) {
        let now = common::Clock::now(&*self.clock);
        let fingerprint = fingerprint::of(&draft.lines, None, None);
        let key = ClaimKey::new(&draft.customer_id, &key.parse().unwrap());
        let claim = Claim::new(key, draft.order_id, fingerprint, now + Duration::from_secs(10), now);
        self.documents().insert(&claim, Save::new()).await.unwrap();
    }

    pub(crate) fn event(&self) -> EventId {
        self.ids().mint()
    }

    /// Whatever the store has waiting for the bus, by type, oldest first.
    pub(crate) async fn events(&self) -> Vec<String> {
        let entries = self.store.claim_outbox(1000, Duration::from_millis(1)).await.unwrap();
        let types = entries.iter().map(|entry| entry.event.event_type.clone()).collect();
        self.store.unclaim_outbox(&entries).await.unwrap();
        types
    }
}

pub(crate) fn customer(text: &str) -> CustomerId {
    text.parse().unwrap()
}

impl Life {
    /// Runs a call with this deadline.
    pub(crate) async fn within<F: Future>(&self, deadline: Duration, call: F) -> F::Output {
        Call::begin(deadline, &*self.random).scope(call).await
    }

    pub(crate) async fn place(&self, draft: &Draft) -> Result<Placed, Fault> {
        self.within(DEADLINE, self.app.place_order(draft.clone(), None)).await
    }

    pub(crate) async fn place_with(&self, draft: &Draft, key: &str) -> Result<Placed, Fault> {
        let key = Some(key.parse().unwrap());
        self.within(DEADLINE, self.app.place_order(draft.clone(), key)).await
    }

    /// A call that can go into a task of its own.
    pub(crate) fn place_with_owned(
        &self,
        draft: Draft,
        key: &str,
    ) -> impl Future<Output = Result<Placed, Fault>> + use<> {
        let (app, key) = (Arc::clone(&self.app), Some(key.parse().unwrap()));
        let call = Call::begin(DEADLINE, &*self.random);
        async move { call.scope(app.place_order(draft, key)).await }
    }

    /// Places an order in a task of its own, as a connection would.
    pub(crate) fn place_apart(&self, draft: &Draft) -> JoinHandle<Result<Placed, Fault>> {
        let (app, draft) = (Arc::clone(&self.app), draft.clone());
        let call = Call::begin(DEADLINE, &*self.random);
        tokio::spawn(async move { call.scope(app.place_order(draft, None)).await })
    }

    /// A placed order that was paid.
    pub(crate) async fn paid(&self, world: &World) -> OrderId {
        let id = self.waiting(world).await;
        world.peers.pay(id, 1000);
        self.app.merge_facts(id, &[crate::histories::succeeded()], world.event()).await.unwrap();
        id
    }

    /// A placed order.
    pub(crate) async fn waiting(&self, world: &World) -> OrderId {
        let draft = world.draft();
        link_of(self.place(&draft).await);
        draft.order_id
    }

    pub(crate) async fn merge(&self, world: &World, id: OrderId, fact: Fact) {
        self.app.merge_facts(id, &[fact], world.event()).await.unwrap();
    }

    pub(crate) async fn order(&self, id: OrderId) -> Stored<Order> {
        self.app.get_order(id, None).await.unwrap()
    }

    /// Waits until the order is as wanted.
    pub(crate) async fn until(&self, id: OrderId, wanted: impl Fn(&Order) -> bool) -> Order {
        let end = Instant::now() + PATIENCE;
        loop {
            let seen = self.app.get_order(id, None).await.map(|stored| stored.body);
            match seen {
                Ok(order) if wanted(&order) => return order,
                seen => assert!(Instant::now() < end, "not as wanted in time: {seen:?}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn until_status(&self, id: OrderId, status: Status) -> Order {
        self.until(id, |order| order.status == status).await
    }

    pub(crate) async fn sweep(&self) {
        SweepSagas(Arc::clone(&self.app)).round().await.unwrap();
        SweepDue(Arc::clone(&self.app)).round().await.unwrap();
    }

    /// Dies at once, with everything it was doing.
    pub(crate) fn crash(self) {
        for task in self.crew.tasks.lock().unwrap().drain(..) {
            task.abort();
        }
    }

    pub(crate) fn stop(&self) {
        self.crew.stopping.cancel();
    }
}

/// The link that the caller was told.
pub(crate) fn link_of(answer: Result<Placed, Fault>) -> String {
    match answer {
        Ok(Placed::Order { order, link_ready: true, .. }) => order.body.checkout.clone().unwrap().link,
        other => panic!("there is no link: {other:?}"),
    }
}
