//! One fault of the payment provider at a time: one charge, one ticket, one refund, whatever it does.

use std::time::Duration;

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Order, People, Program, eventually, within};

const GOOD_CARD: &str = "4242424242424242";
const BURGER: &str = "123";
/// A sweep finds what was never answered after this long.
const SWEPT: Duration = Duration::from_secs(60);
/// A refund that failed is tried again after a minute, by a sweep.
const TRIED_AGAIN: Duration = Duration::from_secs(120);

fn program() -> Program {
    Program::new().with("RECONCILE_INTERVAL_S", "1")
}

#[tokio::test]
async fn whatever_the_provider_does_to_a_checkout_the_order_becomes_payable_and_is_charged_once() {
    let program = program();
    let mesh = program.start();
    let people = People::of(&mesh);
    for fault in [
        json!({"fault": "drop_reply_before_commit"}),
        json!({"fault": "drop_reply_after_commit", "times": 2}),
        json!({"fault": "500_before_commit"}),
        json!({"fault": "500_after_commit"}),
        json!({"fault": "429", "times": 2}),
        json!({"fault": "delay", "delay_ms": 6000}),
    ] {
        people.strike("create_session", &fault).await;
        let order = people.become_payable(&fault).await;
        people.pays_once_and_eats(&order, &fault).await;
        people.calm().await;
    }
    assert_clean(&program, mesh.terminate().success());
}

#[tokio::test]
async fn whatever_happens_to_webhooks_a_payment_is_heard_of_once() {
    let program = program();
    let mesh = program.start();
    let people = People::of(&mesh);
    for fault in [
        json!({"fault": "lose", "times": 100}),
        json!({"fault": "duplicate", "copies": 100, "times": 5}),
        json!({"fault": "reorder", "window_ms": 2000, "times": 20}),
        json!({"fault": "delay", "delay_ms": 3000, "times": 5}),
    ] {
        let order = people.order("2", BURGER, 1).await;
        people.strike("webhook", &fault).await;
        people.pays_once_and_eats(&order, &fault).await;
        people.calm().await;
    }
    people.strike("webhook", &json!({"fault": "lose"})).await;
    let order = people.order("2", BURGER, 1).await;
    people.strike("list_events", &json!({"fault": "500_before_commit", "times": 2})).await;
    people.pays_once_and_eats(&order, &json!("webhook and list lost")).await;
    assert_clean(&program, mesh.terminate().success());
}

#[tokio::test]
async fn whatever_the_provider_does_to_a_refund_the_money_goes_back_once() {
    let program = program();
    let mesh = program.start();
    let people = People::of(&mesh);
    let faults = [
        json!({"fault": "drop_reply_before_commit", "times": 2}),
        json!({"fault": "drop_reply_after_commit"}),
        json!({"fault": "500_before_commit"}),
        json!({"fault": "500_after_commit"}),
        json!({"fault": "429"}),
        json!({"fault": "succeed_later"}),
        json!({"fault": "fail"}),
        json!({"fault": "fail_later"}),
    ];
    let mut waiting = Vec::new();
    for fault in faults {
        let order = people.order("2", BURGER, 1).await;
        people.pay(&order, GOOD_CARD).await;
        people.reach(&order, "paid").await;
        people.strike("refund", &fault).await;
        let (status, answer) = people.post(&format!("{}/cancel", order.path()), json!({})).await;
        assert_eq!(status, StatusCode::OK, "{fault}: {answer}");
        people.have_struck(&fault).await;
        waiting.push((order, fault));
    }
    join_all(waiting.iter().map(|(order, fault)| people.refunded_once(order, fault))).await;
    assert_clean(&program, mesh.terminate().success());
}

#[tokio::test]
async fn a_session_that_could_not_be_expired_is_expired_later() {
    let program = program();
    let mesh = program.start();
    let people = People::of(&mesh);
    let order = people.order("2", BURGER, 1).await;
    people.strike("expire_session", &json!({"fault": "drop_reply_before_commit", "times": 4})).await;
    assert_eq!(people.post(&format!("{}/cancel", order.path()), json!({})).await.0, StatusCode::OK);
    within(SWEPT, "the link of a cancelled order no longer takes money", || async {
        let page = people.http.get(order.link.as_deref().expect("a link")).send().await.expect("a page");
        page.text().await.expect("text").contains("has expired").then_some(())
    })
    .await;
    assert_ne!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    assert!(people.charges(&order).await.is_empty());
    assert_clean(&program, mesh.terminate().success());
}

fn assert_clean(program: &Program, stopped: bool) {
    assert!(stopped, "{}", program.log());
    program.assert_books_are_clean();
}

impl People {
    async fn strike(&self, operation: &str, fault: &Value) {
        let mut rule = fault.clone();
        rule["operation"] = json!(operation);
        self.sandbox_fault(rule).await;
    }

    /// Switches every fault off.
    async fn calm(&self) {
        let cleared = self.http.delete(format!("{}/sandbox/faults", self.sandbox)).send().await;
        assert!(cleared.expect("the sandbox answers").status().is_success());
    }

    /// Waits until the faults that are on have done their worst.
    async fn have_struck(&self, fault: &Value) {
        within(SWEPT, &format!("{fault} strikes"), || async {
            let armed = self.http.get(format!("{}/sandbox/faults", self.sandbox)).send().await;
            let armed: Value = armed.expect("the sandbox answers").json().await.expect("JSON");
            (armed["faults"] == json!([])).then_some(())
        })
        .await;
    }

    /// Orders; the answer is 201, or 202 and a link later.
    async fn become_payable(&self, fault: &Value) -> Order {
        let body = json!({"items": [{"id": BURGER, "quantity": 1}]});
        let (status, answer) = self.post("/api/customers/2/orders", body).await;
        assert!([StatusCode::CREATED, StatusCode::ACCEPTED].contains(&status), "{fault}: {answer}");
        let id = answer["order"]["id"].as_str().expect("an id").to_owned();
        let mut order = Order { customer: "2".to_owned(), id, link: None };
        let seen = self.reach(&order, "waiting_payment").await;
        order.link = seen["payment_link"].as_str().map(str::to_owned);
        order
    }

    async fn pays_once_and_eats(&self, order: &Order, fault: &Value) {
        assert_eq!(self.pay(order, GOOD_CARD).await, StatusCode::SEE_OTHER, "{fault}");
        self.reach(order, "paid").await;
        self.ticket(order, "queued").await;
        assert_eq!(self.cook(order, "start").await.0, StatusCode::OK, "{fault}");
        self.reach(order, "preparing").await;
        assert_eq!(self.charges(order).await.len(), 1, "{fault}");
        assert_eq!(self.states(order).await, ["pending", "waiting_payment", "paid", "preparing"], "{fault}");
    }

    async fn refunded_once(&self, order: &Order, fault: &Value) {
        within(TRIED_AGAIN, &format!("{} is refunded in spite of {fault}", order.id), || async {
            (self.look(order).await["status"] == "refunded").then_some(())
        })
        .await;
        let charges = self.charges(order).await;
        assert_eq!(charges.len(), 1, "{fault}");
        assert_eq!(charges[0]["refunded_minor"], charges[0]["amount_minor"], "{fault}");
        let told = self.look(order).await;
        assert_eq!(told["refunded_total"]["amount_minor"], charges[0]["amount_minor"], "{fault}");
        eventually("the stock is back", || async {
            let item = self.get(&format!("/api/items/{BURGER}")).await;
            (item["item"]["held"] == 0).then_some(())
        })
        .await;
    }
}
