//! The gRPC edge: what crosses the wire, and that the whole service can be put together.

use std::sync::Arc;

use bus::{DeadLetters as _, Nack, Publisher as _, Subscriber as _, embedded::EmbeddedBus};
use common::{Code, Fault, SystemClock, SystemRandom};
use contracts::{
    orders::{self as proto, OrderStatus, order_service_server::OrderService as _},
    status::to_fault,
    topics::{EventType, STOCK_ORDERS},
};
use futures::StreamExt as _;
use orders::{config::Config, inbound::grpc::Grpc, outbound::queues::BusQueues};
use runtime::platform::Opened;
use tonic::Request;

use crate::world::{Life, World};

fn request(world: &World, lines: &[(&str, u32)], key: Option<&str>) -> proto::CreateOrderRequest {
    let line = |(item, quantity): &(&str, u32)| proto::LineRequest {
        item_id: (*item).to_owned(),
        quantity: *quantity,
    };
    proto::CreateOrderRequest {
        order_id: world.draft().order_id.to_string(),
        customer_id: "2".to_owned(),
        lines: lines.iter().map(line).collect(),
        note: Some("no onions".to_owned()),
        email: None,
        idempotency_key: key.map(str::to_owned),
    }
}

async fn create(
    life: &Life,
    request: proto::CreateOrderRequest,
) -> Result<proto::CreateOrderResponse, Fault> {
    let answer = Grpc(life.app.clone()).create_order(Request::new(request)).await;
    answer.map(tonic::Response::into_inner).map_err(|status| to_fault(&status))
}

#[tokio::test]
async fn an_order_crosses_the_wire_with_prices_link_and_version() {
    let world = World::new();
    let life = world.start();
    let answer = create(&life, request(&world, &[("1", 2)], None)).await.unwrap();
    let order = answer.order.unwrap();
    assert!(answer.link_ready && !answer.replayed);
    assert_eq!((order.status(), order.version), (OrderStatus::WaitingPayment, 2));
    assert_eq!(order.total.unwrap().amount_minor, 1000);
    assert_eq!(order.lines[0].subtotal.as_ref().unwrap().amount_minor, 1000);
    assert_eq!((order.note.as_deref(), order.email), (Some("no onions"), None));
    assert_eq!(order.trace_id.len(), 32);
    let timeline = proto::GetTimelineRequest { order_id: order.id, customer_id: String::new() };
    let entries =
        Grpc(life.app.clone()).get_timeline(Request::new(timeline)).await.unwrap().into_inner().entries;
    let steps: Vec<_> =
        entries.iter().map(|entry| (entry.from(), entry.to(), entry.actor.as_str())).collect();
    assert_eq!(
        steps,
        [
            (OrderStatus::Unspecified, OrderStatus::Pending, "customer"),
            (OrderStatus::Pending, OrderStatus::WaitingPayment, "orders"),
        ]
    );
}

#[tokio::test]
async fn refusals_name_their_lines_and_say_when_they_are_replayed() {
    let world = World::new();
    let life = world.start();
    world.peers.world.lock().unwrap().unknown = vec!["9".parse().unwrap()];
    let unknown = create(&life, request(&world, &[("1", 2), ("9", 1)], Some("a"))).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidOrder);
    assert_eq!(unknown.metadata()["items"], r#"["9"]"#);
    assert_eq!(unknown.violations()[0].pointer, "/items/1");
    assert!(!unknown.metadata().contains_key("replayed"));
    world.peers.world.lock().unwrap().short = true;
    let wanted = || request(&world, &[("1", 2)], Some("b"));
    create(&life, wanted()).await.unwrap_err();
    let short = create(&life, wanted()).await.unwrap_err();
    assert_eq!((short.code(), short.metadata()["replayed"].as_str()), (Code::InsufficientStock, "true"));
    assert_eq!(short.metadata()["lines"], r#"[{"id":"1","wanted":2,"available":0}]"#);
}

#[tokio::test]
async fn wrong_input_is_refused_before_anything_is_stored() {
    let world = World::new();
    let life = world.start();
    let wrong: [&[(&str, u32)]; 5] = [&[], &[("1", 0)], &[("1", 1001)], &[("1", 1), ("1", 1)], &[("a b", 1)]];
    for lines in wrong {
        let fault = create(&life, request(&world, lines, None)).await.unwrap_err();
        assert_eq!(fault.code(), Code::InvalidOrder, "{lines:?}");
        assert!(!fault.violations().is_empty(), "{lines:?}");
    }
    let foreign = proto::CreateOrderRequest { order_id: "7".into(), ..request(&world, &[("1", 1)], None) };
    assert_eq!(create(&life, foreign).await.unwrap_err().code(), Code::OrderNotFound);
    assert_eq!(world.store.saves(), 0);
}

#[tokio::test]
async fn a_watch_is_a_stream_that_ends_with_the_order() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    let watch =
        proto::WatchOrderRequest { order_id: id.to_string(), customer_id: "2".into(), seen_version: 0 };
    let mut stream = Grpc(life.app.clone()).watch_order(Request::new(watch)).await.unwrap().into_inner();
    let first = stream.next().await.unwrap().unwrap().order.unwrap();
    assert_eq!(first.status(), OrderStatus::WaitingPayment);
    life.app.cancel_order(id, None, None).await.unwrap();
    let mut last = first;
    while let Some(next) = stream.next().await {
        last = next.unwrap().order.unwrap();
    }
    assert_eq!((last.status(), last.cause.as_deref()), (OrderStatus::Cancelled, Some("staff")));
}

/// A bus on which these orders' `order.paid` are dead letters of stock.
async fn bus_with_dead_letters(world: &World, count: usize) -> Arc<EmbeddedBus> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let topology = runtime::platform::topology();
    let bus = Arc::new(EmbeddedBus::open(&world.database, topology, clock, random).unwrap());
    let mut stock = bus.subscribe(STOCK_ORDERS.name, count).await.unwrap();
    for _ in 0..count {
        let order = world.draft().order_id;
        let paid = crate::outage::event(world, EventType::OrderPaid, order, &"nonsense");
        bus.publish(&[paid]).await.remove(0).unwrap();
        let fault = Fault::new(Code::InvalidRequest, "the event cannot be read");
        stock.next().await.unwrap().nack(Nack::DeadLetter(fault)).await.unwrap();
    }
    bus
}

#[tokio::test]
async fn dead_letters_of_any_queue_are_listed_shown_replayed_and_purged() {
    let mut world = World::new();
    let bus = bus_with_dead_letters(&world, 3).await;
    world.queues = Arc::new(BusQueues(bus.clone()));
    let grpc = Grpc(world.start().app.clone());
    let (queue, named) =
        (STOCK_ORDERS.name.to_owned(), |id: &str| (STOCK_ORDERS.name.to_owned(), id.to_owned()));
    let list = proto::ListDeadLettersRequest { queue: queue.clone(), page_size: 2 };
    let listed = grpc.list_dead_letters(Request::new(list)).await.unwrap().into_inner().dead_letters;
    assert_eq!(listed.len(), 2, "at most as many as asked for");
    assert!(listed[0].reason.contains("cannot be read"), "{listed:?}");
    assert!(listed[0].event_json.as_ref().unwrap().contains(r#""type":"order.paid""#), "{listed:?}");
    let show = async |id: &str| {
        let (queue, id) = named(id);
        grpc.get_dead_letter(Request::new(proto::GetDeadLetterRequest { queue, id })).await
    };
    assert_eq!(show(&listed[1].id).await.unwrap().into_inner().dead_letter.unwrap(), listed[1]);
    let replay = async |id: &str| {
        let (queue, id) = named(id);
        let request = proto::ReplayDeadLetterRequest { queue, id };
        grpc.replay_dead_letter(Request::new(request)).await.unwrap().into_inner().found
    };
    let purge = async |id: &str| {
        let (queue, id) = named(id);
        let request = proto::PurgeDeadLetterRequest { queue, id };
        grpc.purge_dead_letter(Request::new(request)).await.unwrap().into_inner().found
    };
    assert!(replay(&listed[0].id).await);
    assert!(!replay(&listed[0].id).await, "a repeat succeeds and changes nothing");
    assert!(purge(&listed[1].id).await);
    assert!(!purge(&listed[1].id).await);
    assert_eq!(to_fault(&show(&listed[1].id).await.unwrap_err()).code(), Code::DeadLetterNotFound);
    let depths = bus.depths().await.unwrap();
    let depth = depths.iter().find(|depth| depth.queue == queue).unwrap();
    assert_eq!((depth.ready, depth.dead_letters), (1, 1), "{depth:?}");
    let nowhere = proto::ListDeadLettersRequest { queue: "nowhere".into(), page_size: 0 };
    let fault = to_fault(&grpc.list_dead_letters(Request::new(nowhere)).await.unwrap_err());
    assert_eq!(fault.code(), Code::InvalidParameter);
}

#[tokio::test]
async fn the_service_is_wired_on_the_embedded_platform() {
    let folder = tempfile::tempdir().unwrap();
    let embedded =
        Opened::embedded(folder.path(), Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap();
    let service = orders::wire::wire(Config::default(), &embedded.platform).unwrap();
    assert_eq!(service.proto_services, ["ordermesh.orders.v1.OrderService"]);
    let workers: Vec<_> = service.workers.iter().map(|(name, _)| *name).collect();
    for queue in ["orders.payments", "orders.kitchen", "orders.notifications", "orders.audit"] {
        assert!(workers.contains(&queue), "{workers:?}");
    }
    embedded.close().await;
}
