//! Messages that never reach a handler's verdict: unreadable ones, and those that kill their consumer.

use bus::{DeadLetters as _, Subscriber as _};
use common::Code;
use lapin::{BasicProperties, Connection, ConnectionProperties, options::BasicPublishOptions};
use testkit::bus::{
    ORDERS,
    sample::{drain, event, events, nothing, publish, take, until_depth},
};

use crate::mesh::Mesh;

/// Publishes to a queue past the adapter, as someone else's program would.
async fn smuggle(mesh: &Mesh, queue: &str, body: &[u8]) {
    let connection = Connection::connect(&mesh.uri, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let name = mesh.name(queue);
    channel.basic_publish("".into(), name.as_str().into(), options, body, properties).await.unwrap();
    connection.close(200, "done".into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_message_is_a_dead_letter_that_can_only_be_purged() {
    let mesh = Mesh::shared().await;
    let bus = mesh.process();
    let mut orders = bus.subscribe(ORDERS, 4).await.unwrap();
    smuggle(&mesh, ORDERS, b"{ no event").await;
    publish(&bus, &events("order.ready", 5)).await;
    drain(&mut orders, 5).await;
    nothing(&mut orders).await;
    until_depth(&bus, ORDERS, |depth| depth.dead_letters == 1).await;
    let letter = bus.list(ORDERS, 10).await.unwrap().remove(0);
    assert_eq!((letter.raw.as_deref(), letter.attempts), (Some("{ no event"), 1));
    assert!(letter.reason.contains("specversion is missing"), "{}", letter.reason);
    assert_eq!(bus.replay(ORDERS, &letter.id).await.unwrap_err().code(), Code::InvalidRequest);
    assert!(bus.purge(ORDERS, &letter.id).await.unwrap());
    assert!(bus.list(ORDERS, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_delivered_again_and_again_without_an_answer_becomes_a_dead_letter() {
    /// The guard lets that many deliveries pass, and one more.
    const DELIVERIES: usize = 101;
    let mesh = Mesh::shared().await;
    let bus = mesh.process();
    let sent = event("order.ready", "deadly");
    publish(&bus, std::slice::from_ref(&sent)).await;
    let mut orders = bus.subscribe(ORDERS, 1).await.unwrap();
    for _ in 0..DELIVERIES {
        // As the crash of a consumer would, this gives it back without a word.
        drop(take(&mut orders).await);
    }
    until_depth(&bus, ORDERS, |depth| depth.dead_letters == 1).await;
    let letter = bus.list(ORDERS, 10).await.unwrap().remove(0);
    assert_eq!(letter.event.unwrap().id, sent.id);
    assert_eq!(letter.id, sent.id.to_string());
    assert!(letter.reason.contains("more than 100 times"), "{}", letter.reason);
    assert!(letter.attempts > 100 && letter.first_failed_at >= sent.time - std::time::Duration::from_secs(1));
    assert!(bus.replay(ORDERS, &letter.id).await.unwrap());
    drain(&mut orders, 1).await;
}
