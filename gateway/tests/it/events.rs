//! Event streams: present state first, resumed where they were left, the latest state only, bounded, ended at drain.

use std::{net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use contracts::orders::OrderStatus;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::{
    fake::{self, ORDER, TICKET},
    world::{PATIENCE, World, request},
};

/// Reads events out of a body that goes on.
struct Events {
    body: Body,
    text: String,
}

#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Events {
    async fn open(world: &World, last: Option<&str>) -> Self {
        let path = format!("/api/customers/2/orders/{ORDER}/events");
        let headers: Vec<_> = last.map(|id| ("last-event-id", id)).into_iter().collect();
        Self::of(world, request("GET", &path, &headers, "")).await
    }

    async fn of(world: &World, request: Request<Body>) -> Self {
        let response = world.stream(request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim_start().to_owned()).unwrap_or_default()
                };
                if block.contains("event:") {
                    let data = serde_json::from_str(&field("data:")).unwrap();
                    return Some(Event { name: field("event:"), id: field("id:"), data });
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("news in time")?;
            let data = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}

#[tokio::test]
async fn a_stream_starts_with_the_present_state_and_tells_each_change() {
    let world = World::start().await;
    let mut events = Events::open(&world, None).await;
    let first = events.next().await.unwrap();
    assert_eq!((first.name.as_str(), first.id.as_str()), ("order", "1"));
    assert_eq!(first.data["id"], ORDER);
    world.fake.order.send_replace(fake::order(OrderStatus::Paid, 4));
    let next = events.next().await.unwrap();
    assert_eq!((next.id.as_str(), &next.data["status"]), ("4", &Value::from("paid")));
}

#[tokio::test]
async fn a_stream_is_resumed_behind_the_version_seen_last() {
    let world = World::start().await;
    world.fake.order.send_replace(fake::order(OrderStatus::Paid, 4));
    let mut events = Events::open(&world, Some("4")).await;
    world.fake.order.send_replace(fake::order(OrderStatus::Preparing, 5));
    assert_eq!(events.next().await.unwrap().id, "5", "version 4 is not told again");
    let mut events = Events::open(&world, Some("3")).await;
    assert_eq!(events.next().await.unwrap().id, "5");
    let mut events = Events::open(&world, Some("99999999999999999999999")).await;
    assert_eq!(events.next().await.unwrap().id, "5", "a version that never was is no reason to be silent");
}

#[tokio::test]
async fn an_upstream_that_breaks_is_opened_again_where_it_was() {
    let world = World::start().await;
    let mut events = Events::open(&world, None).await;
    assert_eq!(events.next().await.unwrap().id, "1");
    world.fake.break_streams.notify_waiters();
    world.fake.order.send_replace(fake::order(OrderStatus::Paid, 2));
    assert_eq!(events.next().await.unwrap().id, "2");
    let asked = world.fake.asked("watch_order");
    assert!(asked.last().unwrap().contains("seen_version: "), "{asked:?}");
}

#[tokio::test]
async fn a_reader_who_has_seen_the_end_is_told_to_stop_asking() {
    let world = World::start().await;
    world.fake.order.send_replace(fake::order(OrderStatus::Refunded, 9));
    let path = format!("/api/customers/2/orders/{ORDER}/events");
    let reply = world.send(request("GET", &path, &[("last-event-id", "9")], "")).await;
    assert_eq!(reply.status, 204);
}

#[tokio::test]
async fn the_kitchen_is_followed_ticket_by_ticket() {
    let world = World::start().await;
    let mut events = Events::of(&world, request("GET", "/api/kitchen/events", &[], "")).await;
    let event = events.next().await.unwrap();
    assert_eq!((event.name.as_str(), &event.data["id"]), ("ticket", &Value::from(TICKET)));
    world.fake.ticket.send_modify(|_| {});
    world.fake.break_streams.notify_waiters();
    world.fake.ticket.send_modify(|ticket| ticket.version = 2);
    assert_eq!(events.next().await.unwrap().id, "2", "version 1 is told once");
}

#[tokio::test]
async fn a_twenty_first_stream_from_one_address_is_refused_until_one_ends() {
    let world = World::start().await;
    let from = |last: u8| {
        let mut request = request("GET", "/api/kitchen/events", &[("host", "localhost")], "");
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, last], 1))));
        request
    };
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Events::of(&world, from(1)).await);
    }
    assert_eq!(world.send(from(1)).await.problem(), (429, "too_many_streams".into()));
    open.push(Events::of(&world, from(2)).await);
    open.remove(0);
    open.push(Events::of(&world, from(1)).await);
}

#[tokio::test]
async fn drain_ends_every_stream() {
    let world = World::start().await;
    let mut events = Events::open(&world, None).await;
    assert!(events.next().await.is_some());
    world.platform.tasks.shutdown().cancel();
    assert!(events.next().await.is_none());
    assert!(world.platform.tasks.drained(Duration::from_secs(10)).await);
}
