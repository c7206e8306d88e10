//! The store is away for a while: no event becomes a dead letter, and everything due happens afterwards.

use std::{sync::Arc, time::Duration};

use bus::{
    Consumer, DeadLetters as _, Event, Handler, Publisher as _, QueueSpec, Topology, embedded::EmbeddedBus,
};
use common::{OrderId, SystemClock, SystemRandom};
use contracts::{
    events::{PaymentEvent, TicketEvent},
    topics::{EXCHANGE, EventType, ORDERS_AUDIT, ORDERS_KITCHEN, ORDERS_PAYMENTS, QUEUES, Queue},
};
use orders::{
    domain::Status,
    inbound::events::{AuditTrail, PaymentEvents, TicketEvents},
};
use store::{Collection, DocumentStore as _};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::{
    histories::usd,
    world::{Life, World},
};

pub(crate) fn event(world: &World, kind: EventType, id: OrderId, data: &impl serde::Serialize) -> Event {
    Event {
        id: world.event(),
        event_type: kind.as_str().to_owned(),
        source: "/test".to_owned(),
        subject: id.to_string(),
        time: common::Clock::now(&*world.clock),
        sequence: 1,
        traceparent: None,
        data: Arc::from(serde_json::value::to_raw_value(data).unwrap()),
    }
}

fn history(world: &World, id: OrderId) -> Vec<Event> {
    let at = common::Clock::now(&*world.clock);
    let payment = PaymentEvent {
        order_id: id,
        payment_id: id.shown_as("pay"),
        captured: Some(usd(1000)),
        refund: None,
        at,
    };
    let ticket =
        |started| TicketEvent { order_id: id, ticket_id: id.shown_as("tkt"), started, reason: None, at };
    vec![
        event(world, EventType::PaymentSucceeded, id, &payment),
        event(world, EventType::TicketQueued, id, &ticket(false)),
        event(world, EventType::TicketPreparing, id, &ticket(true)),
        event(world, EventType::TicketReady, id, &ticket(true)),
        event(world, EventType::TicketPickedUp, id, &ticket(true)),
    ]
}

fn consume(life: &Life, bus: &Arc<EmbeddedBus>, stop: &CancellationToken) {
    let handlers: [(&'static str, Arc<dyn Handler>); 3] = [
        (ORDERS_PAYMENTS.name, Arc::new(PaymentEvents(life.app.clone()))),
        (ORDERS_KITCHEN.name, Arc::new(TicketEvents(life.app.clone()))),
        (ORDERS_AUDIT.name, Arc::new(AuditTrail(life.app.clone()))),
    ];
    for (queue, handler) in handlers {
        let consumer = Consumer {
            queue,
            subscriber: bus.clone(),
            handler,
            random: Arc::new(SystemRandom),
            metrics: Metrics::new(),
            spans: common::Spans::off(Arc::new(SystemRandom)),
        };
        tokio::spawn(consumer.run(stop.clone()));
    }
}

#[tokio::test]
async fn a_store_that_is_away_dead_letters_nothing_and_everything_happens_afterwards() {
    let world = World::new();
    let life = world.start();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(life.waiting(&world).await);
    }
    let queue = |queue: &Queue| QueueSpec { name: queue.name, bindings: queue.bindings };
    let topology = Topology { exchange: EXCHANGE, queues: QUEUES.iter().map(queue).collect() };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let bus = Arc::new(EmbeddedBus::open(&world.database, topology, clock, random).unwrap());
    let stop = CancellationToken::new();
    consume(&life, &bus, &stop);
    world.store.set_down(true);
    let events: Vec<Event> = ids.iter().flat_map(|id| history(&world, *id)).collect();
    for confirmed in bus.publish(&events).await {
        confirmed.unwrap();
    }
    // Longer than the first three steps of the retry ladder take.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let dead = async || bus.depths().await.unwrap().iter().map(|depth| depth.dead_letters).sum::<u64>();
    assert_eq!(dead().await, 0);
    world.store.set_down(false);
    for id in &ids {
        life.until_status(*id, Status::Completed).await;
    }
    let kept = async || world.store.count(Collection("audit"), None, "").await.unwrap();
    let end = tokio::time::Instant::now() + crate::world::PATIENCE;
    while kept().await < events.len() as u64 {
        assert!(tokio::time::Instant::now() < end, "not everything was audited");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((dead().await, kept().await), (0, 25));
    stop.cancel();
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_permanent_and_one_delivered_twice_is_audited_once() {
    let world = World::new();
    let life = world.start();
    let id = life.waiting(&world).await;
    let unreadable = event(&world, EventType::PaymentSucceeded, id, &"nonsense");
    let fault = PaymentEvents(life.app.clone()).handle(&unreadable).await.unwrap_err();
    assert_eq!(fault.kind(), common::Kind::Invalid);
    let audit = AuditTrail(life.app.clone());
    audit.handle(&unreadable).await.unwrap();
    audit.handle(&unreadable).await.unwrap();
    assert_eq!(world.store.count(Collection("audit"), None, "").await.unwrap(), 1);
}
