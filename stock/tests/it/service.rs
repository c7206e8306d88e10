//! The wired service over real gRPC and the embedded bus.

use std::{sync::Arc, time::Duration};

use common::{Code, Ids, OrderId, SystemClock, SystemRandom, Timestamp};
use contracts::{
    convert::timestamp,
    events::{OrderEvent, OrderEventLine},
    service::STOCK,
    status::to_fault,
    stock::{self as proto, stock_service_client::StockServiceClient},
    topics::{EventType, STOCK_ORDERS},
};
use mesh::MeshChannel;
use runtime::platform::Opened;
use stock::Config;
use tokio::net::TcpListener;

struct Mesh {
    client: StockServiceClient<MeshChannel>,
    embedded: Opened,
    ids: Ids,
    _folder: tempfile::TempDir,
}

async fn start() -> Mesh {
    let folder = tempfile::tempdir().unwrap();
    let embedded =
        Opened::embedded(folder.path(), Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap();
    let platform = embedded.platform.clone();
    let service = stock::wire(Config { seed: true }, &platform).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = runtime::server::start(service, listener, &platform).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), running.ready()).await.unwrap();
    let client = StockServiceClient::new(platform.mesh.channel(STOCK));
    let ids = platform.ids.clone();
    Mesh { client, embedded, ids, _folder: folder }
}

impl Mesh {
    async fn reserve(
        &self,
        order: OrderId,
        item: &str,
        quantity: u32,
    ) -> Result<proto::Reservation, tonic::Status> {
        let later = Timestamp::from(std::time::SystemTime::now()) + Duration::from_secs(600);
        let request = proto::ReserveRequest {
            order_id: order.to_string(),
            lines: vec![proto::Line { item_id: item.to_owned(), quantity }],
            expires_at: Some(timestamp(later)),
        };
        let answer = self.client.clone().reserve(request).await?;
        Ok(answer.into_inner().reservation.unwrap())
    }

    async fn item(&self, id: &str) -> proto::Item {
        let request = proto::GetItemsRequest { item_ids: vec![id.to_owned(), "no such/id".to_owned()] };
        self.client.clone().get_items(request).await.unwrap().into_inner().items.remove(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ready_service_serves_the_menu_and_moves_its_items() {
    let mesh = start().await;
    let items = mesh.client.clone().list_items(proto::ListItemsRequest {}).await.unwrap().into_inner().items;
    assert_eq!(items.len(), 20);

    let order: OrderId = mesh.ids.mint();
    let reservation = mesh.reserve(order, "1", 3).await.unwrap();
    assert_eq!(reservation.id, order.shown_as("rsv"));
    assert_eq!(
        (reservation.state(), reservation.lines[0].name.as_str()),
        (proto::ReservationState::Held, "Cheese")
    );
    let cheese = mesh.item("1").await;
    assert_eq!((cheese.on_hand, cheese.held, cheese.available), (20, 3, 17));

    let fault = to_fault(&mesh.reserve(mesh.ids.mint(), "2", 11).await.unwrap_err());
    assert_eq!(fault.code(), Code::InsufficientStock);
    assert_eq!(fault.metadata()["lines"], r#"[{"id":"2","wanted":11,"available":10}]"#);
    let fault = to_fault(&mesh.reserve(mesh.ids.mint(), "nope", 1).await.unwrap_err());
    assert_eq!((fault.code(), fault.metadata()["items"].as_str()), (Code::ItemNotFound, r#"["nope"]"#));

    let commit = proto::CommitRequest { order_id: order.to_string() };
    let committed = mesh.client.clone().commit(commit).await.unwrap().into_inner().reservation.unwrap();
    assert_eq!(committed.state(), proto::ReservationState::Committed);
    let release = proto::ReleaseRequest { order_id: order.to_string(), ticket_started: false };
    let returned = mesh.client.clone().release(release).await.unwrap().into_inner().reservation.unwrap();
    assert_eq!(returned.state(), proto::ReservationState::Returned);
    assert_eq!(mesh.item("1").await.available, 20);
    mesh.embedded.platform.tasks.shutdown().cancel();
}

impl Mesh {
    /// What orders publishes of an order of three cheeses.
    async fn publish(&self, order: OrderId, event_type: EventType) {
        let now = Timestamp::from(std::time::SystemTime::now());
        let line =
            OrderEventLine { item_id: "1".parse().unwrap(), quantity: 3, name: None, unit_price: None };
        let data = OrderEvent {
            order_id: order,
            customer_id: "2".parse().unwrap(),
            status: event_type.as_str().trim_start_matches("order.").to_owned(),
            lines: vec![line],
            total: None,
            note: None,
            email: None,
            cause: None,
            payment_link: None,
            ticket_started: false,
            refunds: Vec::new(),
            at: now,
        };
        let event = bus::Event {
            id: self.ids.mint(),
            event_type: event_type.as_str().to_owned(),
            source: "/orders".to_owned(),
            subject: order.to_string(),
            time: now,
            sequence: 1,
            traceparent: None,
            data: Arc::from(serde_json::value::to_raw_value(&data).unwrap()),
        };
        self.embedded.platform.bus.publish(&[event]).await.pop().unwrap().unwrap();
    }

    /// How many dead letters stock's queue has once nothing waits in it, ten seconds at most.
    async fn dead_letters_once_drained(&self) -> u64 {
        let look = async {
            loop {
                let depths = self.embedded.platform.bus.depths().await.unwrap();
                let queue = depths.into_iter().find(|depth| depth.queue == STOCK_ORDERS.name).unwrap();
                if queue.ready + queue.in_flight == 0 {
                    return queue.dead_letters;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), look).await.expect("the queue drains")
    }

    /// Until (on hand, held) of the cheese are these, ten seconds at most.
    async fn comes_to(&self, expected: (u64, u64)) {
        let look = async {
            loop {
                let item = self.item("1").await;
                if (item.on_hand, item.held) == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), look).await.expect("the event takes effect");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_an_order_settle_its_hold() {
    let mesh = start().await;
    let [paid, off]: [OrderId; 2] = [mesh.ids.mint(), mesh.ids.mint()];
    mesh.reserve(paid, "1", 3).await.unwrap();
    mesh.reserve(off, "1", 3).await.unwrap();
    mesh.comes_to((20, 6)).await;
    mesh.publish(paid, EventType::OrderPaid).await;
    mesh.comes_to((17, 3)).await;
    mesh.publish(off, EventType::OrderExpired).await;
    mesh.comes_to((17, 0)).await;
    mesh.publish(paid, EventType::OrderRefunding).await;
    mesh.comes_to((20, 0)).await;
    // Late and unfounded news are taken and change nothing.
    mesh.publish(off, EventType::OrderPaid).await;
    mesh.publish(mesh.ids.mint(), EventType::OrderPaid).await;
    mesh.publish(paid, EventType::OrderPaid).await;
    assert_eq!(mesh.dead_letters_once_drained().await, 0);
    mesh.comes_to((20, 0)).await;
    mesh.embedded.platform.tasks.shutdown().cancel();
}
