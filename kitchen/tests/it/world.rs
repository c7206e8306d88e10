//! A kitchen that runs on a folder of its own.

use std::{sync::Arc, time::Duration};

use bus::Event;
use common::{Call, OrderId, SystemRandom};
use contracts::{
    events::{OrderEvent, OrderEventLine},
    kitchen::{self as proto, kitchen_service_client::KitchenServiceClient},
    service::KITCHEN,
    topics::EventType,
};
use mesh::MeshChannel;
use runtime::{platform::Opened, server::Running};
use testkit::clock::ManualClock;
use tokio::{net::TcpListener, time::Instant};

/// How long anything may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) embedded: Opened,
    _service: Running,
    _folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(kitchen::Config::default()).await
    }

    pub(crate) async fn with(config: kitchen::Config) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let embedded = Opened::embedded(folder.path(), clock.clone(), Arc::new(SystemRandom)).await.unwrap();
        let service = kitchen::wire(config, &embedded.platform).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let running = runtime::server::start(service, listener, &embedded.platform).await.unwrap();
        running.ready().await;
        Self { clock, embedded, _service: running, _folder: folder }
    }

    pub(crate) fn client(&self) -> KitchenServiceClient<MeshChannel> {
        KitchenServiceClient::new(self.embedded.platform.mesh.channel(KITCHEN))
    }

    pub(crate) fn order(&self) -> OrderId {
        self.embedded.platform.ids.mint()
    }

    /// Publishes an event of an order, as `orders` would.
    pub(crate) async fn publish(&self, event_type: EventType, order: OrderId) {
        let event = self.event(event_type, order);
        self.embedded.platform.bus.publish(&[event]).await.remove(0).unwrap();
    }

    pub(crate) fn event(&self, event_type: EventType, order: OrderId) -> Event {
        let data = OrderEvent {
            order_id: order,
            customer_id: "2".parse().unwrap(),
            status: event_type.as_str().trim_start_matches("order.").to_owned(),
            lines: vec![OrderEventLine {
                item_id: "123".parse().unwrap(),
                quantity: 2,
                name: Some("House burger".to_owned()),
                unit_price: None,
            }],
            total: None,
            note: Some("no onions".to_owned()),
            email: None,
            cause: None,
            payment_link: None,
            ticket_started: false,
            refunds: Vec::new(),
            at: common::Timestamp::EPOCH,
        };
        Event {
            id: self.embedded.platform.ids.mint(),
            event_type: event_type.as_str().to_owned(),
            source: "/orders".to_owned(),
            subject: order.to_string(),
            time: common::Timestamp::EPOCH,
            sequence: 1,
            traceparent: None,
            data: serde_json::value::to_raw_value(&data).unwrap().into(),
        }
    }

    /// The ticket of an order, if it has one.
    pub(crate) async fn ticket(&self, order: OrderId) -> Option<proto::Ticket> {
        let request = proto::GetTicketRequest { ticket_id: order.shown_as("tkt") };
        self.client().get_ticket(request).await.ok().and_then(|answer| answer.into_inner().ticket)
    }

    /// Waits until the order's ticket is in this state.
    pub(crate) async fn reaches(&self, order: OrderId, state: proto::TicketState) -> proto::Ticket {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(ticket) = self.ticket(order).await.filter(|ticket| ticket.state() == state) {
                return ticket;
            }
            assert!(Instant::now() < until, "the ticket of {order} never became {state:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until every event that was published has been handled.
    pub(crate) async fn drained(&self) {
        let until = Instant::now() + PATIENCE;
        while self.waiting().await > 0 {
            assert!(Instant::now() < until, "the queue never drained");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn waiting(&self) -> u64 {
        let depths = self.embedded.platform.bus.depths().await.unwrap();
        depths.iter().filter(|d| d.queue == "kitchen.orders").map(|d| d.ready + d.in_flight).sum()
    }
}

/// Runs as a call of its own, with a deadline.
pub(crate) async fn call<T>(future: impl Future<Output = T>) -> T {
    Call::begin(PATIENCE, &SystemRandom).scope(future).await
}

/// The stable code of a refused call.
pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) -> common::Code {
    contracts::status::to_fault(&answer.unwrap_err()).code()
}
