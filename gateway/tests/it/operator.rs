//! What operators see and do: dead letters, and everything about one order.

use std::time::Duration;

use common::{Code, Fault};
use gateway::Config;
use serde_json::{Value, json};

use crate::{
    fake::{ORDER, TICKET},
    world::{World, config, request},
};

const LETTERS: &str = "/api/queues/stock.orders/dead-letters";

#[tokio::test]
async fn queues_and_their_dead_letters_are_shown_with_the_event_or_the_raw_message() {
    let world = World::start().await;
    let queues = world.get("/api/queues").await.json();
    let first = json!({"queue": "orders.payments", "ready": 1, "in_flight": 2, "dead_letters": 1});
    assert_eq!(queues["queues"][0], first);
    let listed = world.get(&format!("{LETTERS}?limit=2")).await.json();
    let letter = json!({"id": "7", "queue": "stock.orders", "reason": "invalid_request: the event cannot be read",
        "attempts": 1, "first_failed_at": "2026-09-21T14:13:20.000Z",
        "event": {"type": "order.paid", "sequence": 4}});
    assert_eq!(listed["dead_letters"][0], letter);
    let unreadable = &listed["dead_letters"][1];
    assert_eq!((&unreadable["raw"], unreadable.get("event")), (&json!("{\"half"), None));
    let asked = world.fake.asked("list_dead_letters").remove(0);
    assert!(asked.contains(r#"queue: "stock.orders", page_size: 2"#), "{asked}");
    assert_eq!(world.get(&format!("{LETTERS}/7")).await.json(), json!({"dead_letter": letter}));
}

#[tokio::test]
async fn replay_and_purge_answer_without_a_body() {
    let world = World::start().await;
    for (method, path, rpc) in [
        ("POST", format!("{LETTERS}/7/replay"), "replay_dead_letter"),
        ("DELETE", format!("{LETTERS}/7"), "purge_dead_letter"),
    ] {
        let reply = world.send(request(method, &path, &[], "")).await;
        assert_eq!((reply.status.as_u16(), reply.body.len()), (204, 0), "{method} {path}");
        let asked = world.fake.asked(rpc).remove(0);
        assert!(asked.contains(r#"queue: "stock.orders", id: "7""#), "{asked}");
    }
}

fn names(missing: &Value) -> Vec<(&str, &str)> {
    let parts = missing.as_array().unwrap().iter();
    parts.map(|part| (part["part"].as_str().unwrap(), part["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_order_comes_with_timeline_payment_and_ticket_of_whichever_customer() {
    let world = World::start().await;
    let file = world.get(&format!("/api/orders/{ORDER}")).await.json();
    assert_eq!((&file["order"]["id"], &file["order"]["customer_id"]), (&json!(ORDER), &json!("2")));
    assert_eq!(file["timeline"][0]["to"], "pending");
    let payment = &file["payment"];
    assert_eq!((&payment["state"], &payment["session_id"]), (&json!("succeeded"), &json!("cs_test_1")));
    assert_eq!(payment["checkout_attempts"], 1);
    assert_eq!((&file["ticket"]["id"], &file["missing"]), (&json!(TICKET), &json!([])));
    assert!(world.fake.asked("get_order")[0].contains(r#"customer_id: """#));
    assert!(world.fake.asked("get_ticket")[0].contains(TICKET));
}

#[tokio::test]
async fn a_part_that_is_missing_or_slow_says_why_and_the_others_are_there() {
    let short = Config { request_deadline: Duration::from_secs(1), ..config() };
    let world = World::with(short).await;
    let secret = "at 10.0.0.1:2000";
    world.fake.fail("get_ticket", Fault::new(Code::TicketNotFound, "there is no such ticket"));
    world.fake.fail("get_timeline", Fault::internal(secret));
    world.fake.delay("get_payment", Duration::from_secs(30));
    let reply = world.get(&format!("/api/orders/{ORDER}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let file = reply.json();
    assert_eq!(
        names(&file["missing"]),
        [("timeline", "internal"), ("payment", "deadline_exceeded"), ("ticket", "ticket_not_found")]
    );
    assert_eq!((file.get("payment"), file.get("ticket")), (None, None), "absent, never null");
    assert!(!reply.text().contains(secret));
}
