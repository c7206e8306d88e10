//! What must be true once a mesh was left to itself after whatever happened to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Order, People, Promises, within};

/// How long the sweeps may take: a dead owner's lease, the longest wait before a peer is asked, and a round.
const SWEPT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Lets the mesh come to rest by itself, pays for or cancels what waits: nothing promised is lost, nothing is charged
/// twice, nothing paid is forgotten, nothing is held for nobody. The mesh goes on; its books are not opened.
pub(crate) async fn assert_all_ends_well(people: &People, promises: &Promises) {
    for order in promises.all() {
        people.look(&order).await;
    }
    end_all(people).await;
    people.assert_money_is_right().await;
    people.come_to_rest().await;
}

/// Every order comes to where its customer decides, and then to its end.
async fn end_all(people: &People) {
    people.leave_none_of(&["pending", "refunding"]).await;
    for (i, order) in people.all_orders().await.iter().enumerate() {
        if order["status"] == "waiting_payment" {
            people.pay_or_cancel(order, i % 2 == 0).await;
        }
    }
    people.leave_none_of(&["pending", "refunding", "waiting_payment"]).await;
}

impl People {
    /// Every order there is.
    async fn all_orders(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut path = "/api/orders?limit=100".to_owned();
        loop {
            let mut page = self.get(&path).await;
            all.append(page["orders"].as_array_mut().expect("orders"));
            let Some(cursor) = page["next_cursor"].as_str() else { return all };
            path = format!("/api/orders?limit=100&cursor={cursor}");
        }
    }

    async fn leave_none_of(&self, statuses: &[&str]) {
        within(SWEPT, &format!("no order is {statuses:?}"), || async {
            let orders = self.all_orders().await;
            let open = orders.iter().any(|o| statuses.iter().any(|status| o["status"] == *status));
            (!open).then_some(())
        })
        .await;
    }

    /// A link may have been used already: then the payment is on its way.
    async fn pay_or_cancel(&self, order: &Value, pay: bool) {
        let text = |name: &str| order[name].as_str().map(str::to_owned);
        let customer = text("customer_id").expect("a customer");
        let link = text("payment_link").map(|link| self.at_this_sandbox(&link));
        let order = Order { customer, id: text("id").expect("an id"), link };
        if pay {
            self.pay(&order, "4242424242424242").await;
        } else {
            let (status, answer) = self.post(&format!("{}/cancel", order.path()), json!({})).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
    }

    /// The same page where the sandbox listens now: its port is another one after each start.
    fn at_this_sandbox(&self, link: &str) -> String {
        let path = link.splitn(4, '/').nth(3).expect("scheme, host and path");
        format!("{}/{path}", self.sandbox)
    }

    /// Waits until whoever paid has a ticket or the money back, and nobody else was charged.
    async fn assert_money_is_right(&self) {
        let until = Instant::now() + SWEPT;
        loop {
            let wrong = self.wrong_money().await;
            if wrong.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "the money is still wrong: {wrong:#?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn wrong_money(&self) -> Vec<String> {
        let charges = self.charges_by_order().await;
        let orders = self.all_orders().await;
        let tickets = self.all_tickets().await;
        let mut wrong = Vec::new();
        for order in &orders {
            let id = order["id"].as_str().expect("an id");
            let (charged, returned) = charges.get(id).copied().unwrap_or_default();
            let status = order["status"].as_str().expect("a status");
            let right = match status {
                "cancelled" | "expired" => charged == 0,
                "refunded" => charged == returned,
                _ => {
                    Some(charged) == order["total"]["amount_minor"].as_i64()
                        && tickets.contains(&id.replacen("ord_", "tkt_", 1))
                }
            };
            if !right {
                wrong.push(format!("{id} is {status}, charged {charged}, returned {returned}"));
            }
        }
        for id in charges.keys().filter(|id| orders.iter().all(|order| order["id"] != id.as_str())) {
            wrong.push(format!("charged for nothing: {id}"));
        }
        wrong
    }

    /// What was charged and returned; two charges of one order are an error.
    async fn charges_by_order(&self) -> BTreeMap<String, (i64, i64)> {
        let url = format!("{}/sandbox/charges", self.sandbox);
        let answer: Value = self.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        let mut by_order = BTreeMap::new();
        for charge in answer["charges"].as_array().expect("charges") {
            let order = charge["client_reference_id"].as_str().expect("a reference").to_owned();
            let number = |name: &str| charge[name].as_i64().expect("a number");
            let (charged, returned) = (number("amount_minor"), number("refunded_minor"));
            assert!(returned <= charged, "more went back than came: {charge}");
            let twice = by_order.insert(order, (charged, returned));
            assert!(twice.is_none(), "charged twice: {charge}");
        }
        by_order
    }

    async fn all_tickets(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut path = "/api/kitchen/tickets?limit=100".to_owned();
        loop {
            let page = self.get(&path).await;
            let tickets = page["tickets"].as_array().expect("tickets").iter();
            all.extend(tickets.map(|ticket| ticket["id"].as_str().expect("an id").to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { return all };
            path = format!("/api/kitchen/tickets?limit=100&cursor={cursor}");
        }
    }

    /// Waits until every queue is empty and no stock is held; nothing may have become a dead letter.
    async fn come_to_rest(&self) {
        within(SWEPT, "the queues are empty and nothing is held", || async {
            let stats = self.get("/stats").await;
            assert_eq!(stats["dead_letters"], 0, "{stats:#}");
            let queues = stats["queues"].as_array().expect("queues");
            let empty = queues.iter().all(|q| q["ready"] == 0 && q["in_flight"] == 0);
            let menu = self.get("/api/items").await;
            let free = menu["items"].as_array().expect("items").iter().all(|item| item["held"] == 0);
            (empty && free).then_some(())
        })
        .await;
    }
}
