//! A crowd that goes on while the mesh dies under it: what was promised is remembered, what gets no answer is let go.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Order, People};

const GOOD_CARD: &str = "card_number=4242424242424242";
const BURGER: &str = "123";
/// An item whose price the provider does not know: it refuses the checkout for good.
const UNKNOWN_PRICE: &str = "unknown-price";
/// How long anyone in the crowd waits for the next step.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The orders whose ids were answered with 201 or 202, over all runs on one folder. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Promises(Arc<Mutex<Vec<Order>>>);

impl Promises {
    pub(crate) fn all(&self) -> Vec<Order> {
        self.0.lock().expect("nobody panics with it").clone()
    }

    pub(crate) fn add(&self, order: Order) {
        self.0.lock().expect("nobody panics with it").push(order);
    }
}

/// What somebody in the crowd does from beginning to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Flow {
    Eat,
    WalkAway,
    CancelWaiting,
    CancelPaid,
    RefundHalfThenAll,
    Reject,
    AskForTooMuch,
    OrderWhatTheProviderRefuses,
    Restock,
}

impl Flow {
    pub(crate) const ALL: [Self; 9] = [
        Self::Eat,
        Self::WalkAway,
        Self::CancelWaiting,
        Self::CancelPaid,
        Self::RefundHalfThenAll,
        Self::Reject,
        Self::AskForTooMuch,
        Self::OrderWhatTheProviderRefuses,
        Self::Restock,
    ];
}

/// Customers and staff who can do without an answer. In all their deeds `None` means that there was none, or not
/// the one that the next step needs.
#[derive(Clone)]
pub(crate) struct Crowd {
    people: People,
    promises: Promises,
}

impl Crowd {
    pub(crate) fn of(people: People, promises: &Promises) -> Self {
        Self { people, promises: promises.clone() }
    }

    /// Goes through one flow, as far as it goes.
    pub(crate) async fn go(&self, flow: Flow, customer: &str) -> Option<()> {
        match flow {
            Flow::Eat => self.eat(customer).await,
            Flow::WalkAway => self.order(customer, BURGER, 1).await.map(drop),
            Flow::CancelWaiting => {
                let order = self.order(customer, BURGER, 2).await?;
                self.cancel(&order).await
            }
            Flow::CancelPaid => self.cancel_paid(customer).await,
            Flow::RefundHalfThenAll => self.refund_half_then_all(customer).await,
            Flow::Reject => {
                let order = self.paid(customer).await?;
                self.cook(&order, "reject").await?;
                self.until(&order, "refunded").await
            }
            Flow::AskForTooMuch => self.order(customer, "2", 1000).await.map(drop),
            Flow::OrderWhatTheProviderRefuses => self.order_the_refused(customer).await,
            Flow::Restock => self.ok(&format!("/api/items/{BURGER}/restock"), json!({"quantity": 20})).await,
        }
    }

    /// Orders, and remembers the promise.
    pub(crate) async fn order(&self, customer: &str, item: &str, quantity: u32) -> Option<Order> {
        let body = json!({"items": [{"id": item, "quantity": quantity}]});
        let path = format!("/api/customers/{customer}/orders");
        let (status, answer) = self.ask(Method::POST, &path, Some(body)).await?;
        if status != StatusCode::CREATED && status != StatusCode::ACCEPTED {
            return None;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let id = text(&answer["order"]["id"]).expect("an id");
        let order = Order { customer: customer.to_owned(), id, link: text(&answer["order"]["payment_link"]) };
        self.promises.add(order.clone());
        Some(order)
    }

    /// Orders a burger and pays for it; the order is paid then.
    pub(crate) async fn paid(&self, customer: &str) -> Option<Order> {
        let mut order = self.order(customer, BURGER, 1).await?;
        if order.link.is_none() {
            let seen = self.look_until(&order, |seen| seen["payment_link"].is_string()).await?;
            order.link = seen["payment_link"].as_str().map(str::to_owned);
        }
        self.people.try_submit(&order, GOOD_CARD).await?;
        self.until(&order, "paid").await?;
        Some(order)
    }

    pub(crate) async fn cancel(&self, order: &Order) -> Option<()> {
        self.ok(&format!("{}/cancel", order.path()), json!({})).await
    }

    pub(crate) async fn cancel_paid(&self, customer: &str) -> Option<()> {
        let order = self.paid(customer).await?;
        self.cancel(&order).await?;
        self.until(&order, "refunded").await
    }

    /// The newest order of a customer, when it is pending.
    pub(crate) async fn pending(&self, customer: &str) -> Option<Order> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let path = format!("/api/customers/{customer}/orders?limit=1");
            let (_, page) = self.ask(Method::GET, &path, None).await?;
            let newest = &page["orders"][0];
            if newest["status"] == "pending" {
                let id = newest["id"].as_str().expect("an id").to_owned();
                return Some(Order { customer: customer.to_owned(), id, link: None });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        None
    }

    /// Switches a fault of the provider on.
    pub(crate) async fn trouble(&self, fault: Value) -> Option<()> {
        let url = format!("{}/sandbox/faults", self.people.sandbox);
        self.people.http.post(url).json(&fault).send().await.ok().map(drop)
    }

    async fn eat(&self, customer: &str) -> Option<()> {
        let order = self.paid(customer).await?;
        for (verb, status) in [("start", "preparing"), ("ready", "ready"), ("pickup", "completed")] {
            self.cook(&order, verb).await?;
            self.until(&order, status).await?;
        }
        Some(())
    }

    async fn refund_half_then_all(&self, customer: &str) -> Option<()> {
        let order = self.paid(customer).await?;
        let path = format!("/api/orders/{}/refund", order.id);
        self.ok(&path, json!({"amount": {"amount_minor": 450, "currency": "usd"}})).await?;
        self.ok(&path, json!({})).await?;
        self.until(&order, "refunded").await
    }

    async fn order_the_refused(&self, customer: &str) -> Option<()> {
        let item = json!({"name": "Soup of yesterday", "price": {"amount_minor": 100, "currency": "usd"},
            "on_hand": 1000, "stripe_price_id": "price_that_is_not_there"});
        self.ask(Method::PUT, &format!("/api/items/{UNKNOWN_PRICE}"), Some(item)).await?;
        self.order(customer, UNKNOWN_PRICE, 1).await.map(drop)
    }

    /// A kitchen verb, as soon as the ticket is there.
    async fn cook(&self, order: &Order, verb: &str) -> Option<()> {
        let path = format!("/api/kitchen/tickets/{}/{verb}", order.ticket());
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if self.ask(Method::POST, &path, Some(json!({}))).await?.0 == StatusCode::OK {
                return Some(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        None
    }

    async fn until(&self, order: &Order, status: &str) -> Option<()> {
        self.look_until(order, |seen| seen["status"] == status).await.map(drop)
    }

    async fn look_until(&self, order: &Order, is_so: impl Fn(&Value) -> bool) -> Option<Value> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let (_, mut answer) = self.ask(Method::GET, &order.path(), None).await?;
            if is_so(&answer["order"]) {
                return Some(answer["order"].take());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        None
    }

    async fn ok(&self, path: &str, body: Value) -> Option<()> {
        self.ask(Method::POST, path, Some(body)).await.filter(|(status, _)| status.is_success()).map(drop)
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Option<(StatusCode, Value)> {
        let response = self.people.try_send(method, path, body).await.ok()?;
        let status = response.status();
        Some((status, response.json().await.ok()?))
    }
}
