//! Cards that decide, cancellations that give back, and refunds by staff.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Order, People, Program, eventually};

const GOOD_CARD: &str = "4242424242424242";
const DECLINED_CARD: &str = "4000000000000002";
const POOR_CARD: &str = "4000000000009995";
const BURGER: &str = "123";

#[tokio::test]
async fn only_a_payment_that_succeeds_pays_and_a_delayed_one_decides_later() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    let (late, never) = (people.order("2", BURGER, 1).await, people.order("2", BURGER, 1).await);
    assert_eq!(people.submit(&late, "method=delayed_success").await, StatusCode::SEE_OTHER);
    assert_eq!(people.submit(&never, "method=delayed_failure").await, StatusCode::SEE_OTHER);
    let order = people.order("2", BURGER, 1).await;
    for card in [DECLINED_CARD, POOR_CARD, "1234567812345678"] {
        assert_eq!(people.pay(&order, card).await, StatusCode::PAYMENT_REQUIRED, "{card}");
        assert_eq!(people.look(&order).await["status"], "waiting_payment", "{card}");
    }
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    people.reach(&order, "paid").await;
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::CONFLICT, "paid twice");
    people.reach(&late, "paid").await;
    people.reach(&never, "cancelled").await;
    for (order, charges) in [(&order, 1), (&late, 1), (&never, 0)] {
        assert_eq!(people.charges(order).await.len(), charges, "{order:?}");
    }
    assert!(mesh.terminate().success());
    program.assert_books_are_clean();
}

/// An order that is paid and has its ticket.
async fn paid(people: &People) -> Order {
    let order = people.order("2", BURGER, 2).await;
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    people.reach(&order, "paid").await;
    people.ticket(&order, "queued").await;
    order
}

async fn cancel(people: &People, order: &Order) -> (StatusCode, Value) {
    people.post(&format!("{}/cancel", order.path()), json!({"reason": "changed my mind"})).await
}

/// Waits until the provider has given this much of the order back.
async fn given_back(people: &People, order: &Order, minor: i64) {
    eventually(&format!("{minor} of {} came back", order.id), || async {
        (people.charges(order).await[0]["refunded_minor"] == minor).then_some(())
    })
    .await;
}

#[tokio::test]
async fn cancelling_gives_everything_back_until_the_kitchen_has_begun() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    cancel_before_payment(&people).await;
    let refunded = paid(&people).await;
    assert_eq!(cancel(&people, &refunded).await.0, StatusCode::OK);
    let rejected = paid(&people).await;
    assert_eq!(people.cook(&rejected, "reject").await.0, StatusCode::OK);
    for order in [&refunded, &rejected] {
        people.reach(order, "refunded").await;
        given_back(&people, order, 1800).await;
        let expected = ["pending", "waiting_payment", "paid", "refunding", "refunded"];
        assert_eq!(people.states(order).await, expected);
    }
    people.ticket(&refunded, "cancelled").await;
    people.ticket(&rejected, "rejected").await;
    let cooked = paid(&people).await;
    assert_eq!(people.cook(&cooked, "start").await.0, StatusCode::OK);
    let (status, problem) = cancel(&people, &cooked).await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("order_not_cancellable")));
    let (status, problem) = people.cook(&cooked, "reject").await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("invalid_transition")));
    people.reach(&cooked, "preparing").await;
    eventually("the burgers that nobody cooked are there again", || async {
        let item = people.get("/api/items/123").await["item"].take();
        (item["held"] == 0 && item["on_hand"] == 998 && item["available"] == 998).then_some(())
    })
    .await;
    assert!(mesh.terminate().success());
    program.assert_books_are_clean();
}

async fn cancel_before_payment(people: &People) {
    let order = people.order("2", BURGER, 1).await;
    let (status, answer) = cancel(people, &order).await;
    assert_eq!((status, &answer["order"]["status"]), (StatusCode::OK, &json!("cancelled")), "{answer}");
    eventually("the link of a cancelled order is closed", || async {
        (people.pay(&order, DECLINED_CARD).await == StatusCode::GONE).then_some(())
    })
    .await;
    let deleted = people.order("2", BURGER, 1).await;
    assert_eq!(people.send(Method::DELETE, &deleted.path(), None).await.status(), StatusCode::OK);
    people.reach(&deleted, "cancelled").await;
}

#[tokio::test]
async fn staff_give_back_a_part_or_all_and_once_per_key() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    let order = paid(&people).await;
    let part = json!({"amount": {"amount_minor": 500, "currency": "usd"}, "reason": "cold"});
    let first = refund(&people, &order, Some("part"), &part).await;
    assert_eq!((first.0, first.1), (200, false), "{first:?}");
    given_back(&people, &order, 500).await;
    eventually("the order knows what was given back", || async {
        let order = people.look(&order).await;
        (order["refunded_total"]["amount_minor"] == 500 && order["status"] == "paid").then_some(())
    })
    .await;
    let replay = refund(&people, &order, Some("part"), &part).await;
    assert_eq!(replay, (200, true, first.2.clone()));
    let other = json!({"amount": {"amount_minor": 600, "currency": "usd"}, "reason": "cold"});
    let reused = refund(&people, &order, Some("part"), &other).await;
    assert!(reused.0 == 422 && reused.2.contains("idempotency_key_reused"), "{reused:?}");
    let too_much = json!({"amount": {"amount_minor": 1301, "currency": "usd"}});
    let refused = refund(&people, &order, None, &too_much).await;
    assert!(refused.0 == 422 && refused.2.contains("invalid_request"), "{refused:?}");
    let rest = refund(&people, &order, Some("rest"), &json!({})).await;
    assert_eq!((rest.0, rest.1), (200, false), "{rest:?}");
    people.reach(&order, "refunded").await;
    given_back(&people, &order, 1800).await;
    let replay = refund(&people, &order, Some("part"), &part).await;
    assert_eq!(replay, (200, true, first.2), "a replay is told as it was");
    let (status, problem) = people.cook(&order, "start").await;
    assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("invalid_transition")), "no meal");
    assert!(mesh.terminate().success());
    program.assert_books_are_clean();
}

/// Status, whether it is a replay, and the body as it came.
async fn refund(people: &People, order: &Order, key: Option<&str>, body: &Value) -> (u16, bool, String) {
    let request = people.http.post(format!("{}/api/orders/{}/refund", people.base, order.id)).json(body);
    let request = if let Some(key) = key { request.header("idempotency-key", key) } else { request };
    let answer = request.send().await.unwrap();
    let replayed = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    (answer.status().as_u16(), replayed, answer.text().await.unwrap())
}
