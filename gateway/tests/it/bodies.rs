//! The order body in all its forms, and the staff bodies.

use serde_json::json;

use crate::{
    errors::pointers,
    fake::ORDER,
    world::{World, request},
};

const PLACE: &str = "/api/customers/2/orders";

#[tokio::test]
async fn every_form_of_an_order_says_the_same() {
    let world = World::start().await;
    for (content_type, body) in [
        ("application/json", r#"{"items": [{"id": "2", "quantity": 2}]}"#),
        ("application/json", r#"{"ITEMS": [{"Id": 2, "QUANTITY": 2, "colour": "red"}], "note": null}"#),
        ("text/plain", r#"[{"id": "2", "quantity": 2}]"#),
        ("application/x-www-form-urlencoded", r#"{"ID": 2, "Quantity": 2}"#),
        ("", r#"{"id": "2", "quantity": 2, "sauce": {"hot": true}}"#),
        ("application/json", r#"[{"id": 2, "quantity": 1}, {"id": "2", "quantity": 1}]"#),
    ] {
        let headers: &[_] = if content_type.is_empty() { &[] } else { &[("content-type", content_type)] };
        let reply = world.send(request("POST", PLACE, headers, body)).await;
        assert_eq!(reply.status, 201, "{body}: {reply:?}");
        let lines = world.fake.created().lines;
        assert_eq!(lines.len(), 1, "{body}");
        assert_eq!((lines[0].item_id.as_str(), lines[0].quantity), ("2", 2), "{body}");
    }
}

#[tokio::test]
async fn an_order_with_note_and_address_keeps_them_and_the_order_of_its_lines() {
    let world = World::start().await;
    let body = json!({"email": "a@example.com", "note": "ö".repeat(500),
        "items": [{"id": "9", "quantity": 1}, {"id": "2", "quantity": 1000}, {"id": "9", "quantity": 4}]});
    assert_eq!(world.post(PLACE, &body.to_string()).await.status, 201);
    let created = world.fake.created();
    assert_eq!(
        (created.email.as_deref(), created.note.map(|n| n.chars().count())),
        (Some("a@example.com"), Some(500))
    );
    let lines: Vec<_> = created.lines.iter().map(|l| (l.item_id.as_str(), l.quantity)).collect();
    assert_eq!(lines, [("9", 5), ("2", 1000)]);
}

#[tokio::test]
async fn each_fault_of_an_order_is_named_at_its_place() {
    let world = World::start().await;
    let long_note = json!({"items": [{"id": "2", "quantity": 1}], "note": "x".repeat(501)}).to_string();
    let many = json!(vec![json!({"id": "2", "quantity": 1}); 51]).to_string();
    for (body, expected) in [
        ("7", vec![""]),
        ("null", vec![""]),
        ("[]", vec![""]),
        ("{}", vec![""]),
        (r#"{"items": []}"#, vec!["/items"]),
        (r#"{"Items": 7}"#, vec!["/Items"]),
        (r#"{"items": [7]}"#, vec!["/items/0"]),
        (r#"{"items": [{"id": "2"}]}"#, vec!["/items/0"]),
        (
            r#"{"items": [{"id": "2", "quantity": 0}, {"id": "a b", "quantity": 1001}]}"#,
            vec!["/items/0/quantity", "/items/1/id", "/items/1/quantity"],
        ),
        (r#"[{"id": "2", "Quantity": 1.5}]"#, vec!["/0/Quantity"]),
        (r#"[{"id": "2", "quantity": 2.0}]"#, vec!["/0/quantity"]),
        (r#"[{"id": "2", "quantity": "2"}]"#, vec!["/0/quantity"]),
        (r#"[{"id": "2", "quantity": -1}]"#, vec!["/0/quantity"]),
        (r#"[{"id": 1.5, "quantity": 1}]"#, vec!["/0/id"]),
        (r#"[{"id": true, "quantity": 1}]"#, vec!["/0/id"]),
        (r#"[{"id": "", "quantity": 1}]"#, vec!["/0/id"]),
        (r#"[{"id": "2", "quantity": 600}, {"id": 2, "quantity": 401}]"#, vec!["/1/quantity"]),
        (r#"[{"id": "2", "ID": "3", "quantity": 1}]"#, vec!["/0/ID"]),
        (r#"{"id": "2", "quantity": 1, "Quantity": 1}"#, vec!["/Quantity"]),
        (r#"{"items": [{"id": "2", "quantity": 1}], "extra": 1, "a/b": 2}"#, vec!["/extra", "/a~1b"]),
        (r#"{"items": [{"id": "2", "quantity": 1}], "id": "2"}"#, vec!["/id"]),
        (r#"{"items": [{"id": "2", "quantity": 1}], "email": "nobody"}"#, vec!["/email"]),
        (r#"{"items": [{"id": "2", "quantity": 1}], "note": 5}"#, vec!["/note"]),
        (long_note.as_str(), vec!["/note"]),
        (many.as_str(), vec![""]),
    ] {
        let reply = world.post(PLACE, body).await;
        assert_eq!(reply.problem(), (422, "invalid_order".into()), "{body}");
        assert_eq!(pointers(&reply.json()), expected, "{body}");
    }
}

#[tokio::test]
async fn what_is_not_json_is_malformed_whatever_it_is() {
    let world = World::start().await;
    let deep = "[".repeat(33) + &"]".repeat(33);
    for body in
        ["", " ", "{", "nul", "{'id': 2}", r#"{"id": "\ud800", "quantity": 1}"#, "[1,]", "1 2", deep.as_str()]
    {
        assert_eq!(world.post(PLACE, body).await.problem(), (400, "malformed_json".into()), "{body}");
    }
}

#[tokio::test]
async fn staff_bodies_are_checked_field_by_field() {
    let world = World::start().await;
    let refund = format!("/api/orders/{ORDER}/refund");
    let item = "/api/items/2";
    for (method, path, body, expected) in [
        ("PUT", item, r#"{"name": "x"}"#, vec![""]),
        (
            "PUT",
            item,
            r#"{"name": "x", "price": {"amount_minor": 0, "currency": "usd"}}"#,
            vec!["/price/amount_minor"],
        ),
        (
            "PUT",
            item,
            r#"{"name": "x", "price": {"amount_minor": 100000000, "currency": "dollar"}}"#,
            vec!["/price/amount_minor", "/price/currency"],
        ),
        (
            "PUT",
            item,
            r#"{"name": "x", "price": {"amount_minor": 1, "currency": "usd"}, "on_hand": 1000000001}"#,
            vec!["/on_hand"],
        ),
        (
            "PUT",
            item,
            r#"{"name": "x", "name": "y", "price": {"amount_minor": 1, "currency": "usd"}}"#,
            vec!["/name"],
        ),
        ("POST", "/api/items/2/restock", r#"{"quantity": 0}"#, vec!["/quantity"]),
        ("POST", "/api/items/2/restock", r#"{"quantity": 1000000001}"#, vec!["/quantity"]),
        ("POST", "/api/items/2/restock", "[]", vec![""]),
        ("POST", &refund, r#"{"amount": {"amount_minor": 1}}"#, vec!["/amount"]),
        ("POST", &refund, r#"{"reason": 7}"#, vec!["/reason"]),
    ] {
        let reply = world.send(request(method, path, &[("content-type", "application/json")], body)).await;
        assert_eq!(reply.problem(), (422, "invalid_request".into()), "{path} {body}");
        assert_eq!(pointers(&reply.json()), expected, "{path} {body}");
    }
}
