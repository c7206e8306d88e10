//! Wrong requests and silent peers: every code of the error table, met over HTTP.

use std::net::TcpListener;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{People, Program, eventually};

const GOOD_CARD: &str = "4242424242424242";
const ORDERS: &str = "/api/customers/2/orders";
const JSON: (&str, &str) = ("content-type", "application/json");

/// What is sent.
type Asked<'a> = (Method, &'a str, &'a [(&'a str, &'a str)], &'a str);

/// Sends it and expects a problem document with this status and code; answers with that.
async fn refused(people: &People, asked: Asked<'_>, status: u16, code: &str) -> Value {
    let (method, path, headers, body) = asked;
    let request = people.http.request(method.clone(), format!("{}{path}", people.base));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let what = format!("{method} {path} {}", body.chars().take(80).collect::<String>());
    let found = answer.status().as_u16();
    let media = answer.headers().get("content-type").cloned();
    let again = answer.headers().get("retry-after").is_some();
    let text = answer.text().await.unwrap();
    assert_eq!(found, status, "{what}: {text}");
    assert_eq!(media.unwrap(), "application/problem+json", "{what}");
    assert!(again || !matches!(code, "unavailable" | "idempotency_in_flight" | "too_many_streams"), "{what}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["code"], code, "{what}: {problem}");
    problem
}

#[tokio::test]
async fn every_code_of_the_table_is_met_over_http() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    refuse_by_form(&people).await;
    refuse_by_content(&people).await;
    refuse_by_state(&people).await;
    refuse_while_in_flight(&people).await;
    refuse_streams(&people).await;
    let metrics = people.send(Method::GET, "/metrics", None).await.text().await.unwrap();
    assert!(!metrics.contains("status=\"5xx\""), "none of it was our fault: {metrics}");
}

/// What is wrong before anything is asked of a service.
async fn refuse_by_form(people: &People) {
    let large = " ".repeat(256 * 1024 + 1);
    let deep = format!("{}1{}", "[".repeat(33), "]".repeat(33));
    let line = r#"{"ID": 123, "Quantity": 2}"#;
    let cases: [(Asked<'_>, u16, &str); 15] = [
        ((Method::POST, ORDERS, &[], "{"), 400, "malformed_json"),
        ((Method::POST, ORDERS, &[], ""), 400, "malformed_json"),
        ((Method::POST, ORDERS, &[], &deep), 400, "malformed_json"),
        ((Method::GET, "/api/customers//orders", &[], ""), 400, "invalid_parameter"),
        ((Method::GET, "/api/orders?limit=101", &[], ""), 400, "invalid_parameter"),
        ((Method::GET, "/api/orders?cursor=nonsense", &[], ""), 400, "invalid_parameter"),
        ((Method::POST, ORDERS, &[("idempotency-key", "")], line), 400, "invalid_parameter"),
        ((Method::POST, "/webhook", &[("stripe-signature", "t=1,v1=00")], "{}"), 400, "invalid_signature"),
        ((Method::POST, ORDERS, &[("origin", "https://evil.example")], line), 403, "foreign_origin"),
        ((Method::GET, "/api/nothing", &[], ""), 404, "route_not_found"),
        ((Method::PATCH, "/api/items/2", &[], ""), 405, "method_not_allowed"),
        ((Method::POST, ORDERS, &[], &large), 413, "body_too_large"),
        ((Method::POST, "/webhook", &[], &large[..64 * 1024 + 1]), 413, "body_too_large"),
        ((Method::PUT, "/api/items/2", &[], line), 415, "unsupported_media_type"),
        ((Method::PUT, "/api/items/2", &[JSON], line), 422, "invalid_request"),
    ];
    for (asked, status, code) in cases {
        refused(people, asked, status, code).await;
    }
}

/// What only a service can know to be wrong.
async fn refuse_by_content(people: &People) {
    let unknown = r#"{"items": [{"id": "2", "quantity": 1}, {"id": "none", "quantity": 1}]}"#;
    let problem = refused(people, (Method::POST, ORDERS, &[], unknown), 422, "invalid_order").await;
    assert_eq!(problem["errors"][0]["pointer"], "/items/1/id", "{problem}");
    for (body, at) in [("7", ""), (r#"[{"id": "2", "quantity": 0}]"#, "/0/quantity")] {
        let problem = refused(people, (Method::POST, ORDERS, &[], body), 422, "invalid_order").await;
        assert_eq!(problem["errors"][0]["pointer"], at, "{problem}");
    }
    let much = r#"{"id": "2", "quantity": 11}"#;
    let problem = refused(people, (Method::POST, ORDERS, &[], much), 409, "insufficient_stock").await;
    assert_eq!(problem["lines"], json!([{"id": "2", "wanted": 11, "available": 10}]));
    let foreign = "/api/customers/2/orders/ord_00000000000070008000000000000000";
    refused(people, (Method::GET, foreign, &[], ""), 404, "order_not_found").await;
    refused(people, (Method::GET, "/api/items/none", &[], ""), 404, "item_not_found").await;
    let ticket = "/api/kitchen/tickets/tkt_00000000000070008000000000000000/start";
    refused(people, (Method::POST, ticket, &[], ""), 404, "ticket_not_found").await;
    let gold =
        json!({"name": "Gold", "price": {"amount_minor": 99_999_999, "currency": "usd"}, "on_hand": 10});
    let put = people.send(Method::PUT, "/api/items/gold", Some(gold)).await;
    assert_eq!(put.status(), StatusCode::CREATED);
    let dear = r#"{"id": "gold", "quantity": 2}"#;
    refused(people, (Method::POST, ORDERS, &[], dear), 422, "payment_rejected").await;
    let keyed = [("idempotency-key", "k")];
    let sent = people.http.post(format!("{}{ORDERS}", people.base)).header("idempotency-key", "k");
    let sent = sent.body(r#"{"id": "1", "quantity": 1}"#).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::CREATED);
    let other = r#"{"id": "1", "quantity": 2}"#;
    refused(people, (Method::POST, ORDERS, &keyed, other), 422, "idempotency_key_reused").await;
}

/// What is right, but not now.
async fn refuse_by_state(people: &People) {
    let order = people.order("2", "123", 1).await;
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    people.ticket(&order, "queued").await;
    let verb = |verb: &str| format!("/api/kitchen/tickets/{}/{verb}", order.ticket());
    refused(people, (Method::POST, &verb("pickup"), &[], ""), 409, "invalid_transition").await;
    assert_eq!(people.cook(&order, "start").await.0, StatusCode::OK);
    let cancel = format!("{}/cancel", order.path());
    refused(people, (Method::POST, &cancel, &[], ""), 409, "order_not_cancellable").await;
    let refund = format!("/api/orders/{}/refund", people.order("2", "123", 1).await.id);
    refused(people, (Method::POST, &refund, &[], ""), 409, "invalid_transition").await;
}

async fn refuse_while_in_flight(people: &People) {
    people
        .sandbox_fault(json!({"operation": "create_session", "fault": "delay", "delay_ms": 3000, "times": 1}))
        .await;
    let body = r#"{"id": "123", "quantity": 1}"#;
    let path = "/api/customers/slow/orders";
    let first =
        people.http.post(format!("{}{path}", people.base)).header("idempotency-key", "slow").body(body);
    let first = tokio::spawn(first.send());
    eventually("the first try is under way", || async {
        let orders = people.get(path).await;
        orders["orders"].as_array().is_some_and(|orders| !orders.is_empty()).then_some(())
    })
    .await;
    let asked: Asked<'_> = (Method::POST, path, &[("idempotency-key", "slow")], body);
    refused(people, asked, 409, "idempotency_in_flight").await;
    assert!(first.await.unwrap().unwrap().status().is_success());
}

async fn refuse_streams(people: &People) {
    let path = "/api/kitchen/events";
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(people.send(Method::GET, path, None).await);
    }
    assert!(open.iter().all(|stream| stream.status() == StatusCode::OK));
    refused(people, (Method::GET, path, &[], ""), 429, "too_many_streams").await;
    drop(open);
    eventually("there is room for streams again", || async {
        (people.send(Method::GET, path, None).await.status() == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_is_gone_is_a_503_and_one_that_is_silent_a_504() {
    // Connections to it open, and nothing ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_at = silent.local_addr().unwrap().to_string();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let program = Program::new().with("REQUEST_DEADLINE_MS", "3000");
    let peers = [
        ("ORDERS_ADDRS", silent_at.as_str()),
        ("PAYMENTS_ADDRS", &gone),
        ("STOCK_ADDRS", &gone),
        ("KITCHEN_ADDRS", &gone),
    ];
    let gateway = program.start_role("gateway", &peers);
    let people = People::of_gateway(&gateway);
    refused(&people, (Method::GET, "/api/items", &[], ""), 503, "unavailable").await;
    refused(&people, (Method::GET, ORDERS, &[], ""), 504, "deadline_exceeded").await;
    let ready = people.send(Method::GET, "/ready", None).await;
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(people.get("/health").await["status"], "ok");
}
