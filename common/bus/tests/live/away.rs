//! What does not work says so, at once: no broker, no queue.

use std::time::Duration;

use bus::{DeadLetters as _, Publisher as _, Subscriber as _};
use common::Code;
use testkit::{
    bus::{ORDERS, sample::event},
    servers::free_ports,
};
use tokio::time::Instant;

use crate::mesh::{Mesh, counter};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_broker_everything_is_unavailable_at_once() {
    let [port] = free_ports();
    let bus = Mesh::on(format!("amqp://127.0.0.1:{port}")).process();
    let began = Instant::now();
    let published = bus.publish(&[event("order.paid", "a"), event("order.paid", "b")]).await;
    assert_eq!(published.len(), 2);
    for result in published {
        assert_eq!(result.unwrap_err().code(), Code::Unavailable);
    }
    assert_eq!(bus.subscribe(ORDERS, 1).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(bus.hints("order.*").await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(bus.depths().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(bus.list(ORDERS, 1).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(bus.server_version().await.unwrap_err().code(), Code::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    bus.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_no_queue_takes_is_counted_and_a_closed_bus_takes_nothing() {
    let mesh = Mesh::shared().await;
    let bus = mesh.process();
    let results = bus.publish(&[event("payment.failed", "nobody's"), event("order.paid", "a")]).await;
    let fault = results[0].as_ref().unwrap_err();
    assert_eq!(fault.code(), Code::Unavailable);
    assert!(fault.to_string().contains("payment.failed"), "{fault}");
    assert!(results[1].is_ok());
    assert_eq!(counter(&mesh.metrics, "bus_publishes_refused_total{reason=\"returned\"}"), 1);
    let version = bus.server_version().await.unwrap();
    assert!(version.starts_with("RabbitMQ "), "{version}");
    bus.close().await;
    assert!(bus.publish(&[event("order.paid", "late")]).await[0].is_err());
}
