//! A steady load of orders: customers who order, pay and order again, each order with a key under which it is repeated
//! until it is answered for good.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{StatusCode, header::RETRY_AFTER};
use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{Order, People, within};

const GOOD_CARD: &str = "card_number=4242424242424242";
/// Burgers for any load.
const ENOUGH: u32 = 1_000_000;
/// How long one order may be repeated before the load calls it lost.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long the load may take to place what a test waits for.
const GOES_ON: Duration = Duration::from_secs(180);
/// Before a try that failed is repeated.
const COME_BACK: Duration = Duration::from_millis(200);

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    /// The status, and whether a refusal said when to come back.
    Answered { status: StatusCode, retry_after: bool },
    /// No answer of the gateway with this number (from 1): refused, or cut.
    Cut { gateway: usize },
}

/// One order and all tries that it took.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) order: Order,
    pub(crate) tries: Vec<Try>,
}

impl Placed {
    /// The tries before the last, which succeeded.
    pub(crate) fn failures(&self) -> &[Try] {
        &self.tries[..self.tries.len() - 1]
    }
}

/// A load that runs until it is told to stop.
pub(crate) struct Load {
    stop: CancellationToken,
    count: Arc<AtomicUsize>,
    customers: Vec<JoinHandle<Vec<Placed>>>,
}

impl Load {
    /// This many customers, who spread over the gateways and go to another when one gives no answer, as a load
    /// balancer would.
    pub(crate) async fn start(gateways: &[People], customers: usize) -> Self {
        let (status, answer) = gateways[0].post("/api/items/123/restock", json!({"quantity": ENOUGH})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let (stop, count) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let customer = |number| {
            let customer = Customer { number, gateways: gateways.to_vec(), count: Arc::clone(&count) };
            tokio::spawn(customer.order_until(stop.clone()))
        };
        let customers = (0..customers).map(customer).collect();
        Self { stop, count, customers }
    }

    /// Waits until this many more orders were answered.
    pub(crate) async fn goes_on(&self, orders: usize) {
        let wanted = self.count.load(Ordering::Relaxed) + orders;
        within(GOES_ON, &format!("{orders} more orders were placed"), || async {
            (self.count.load(Ordering::Relaxed) >= wanted).then_some(())
        })
        .await;
    }

    /// Lets everyone finish their order; all that was placed.
    pub(crate) async fn stop(self) -> Vec<Placed> {
        self.stop.cancel();
        let mut all = Vec::new();
        for customer in self.customers {
            all.append(&mut customer.await.expect("a customer gave up"));
        }
        all
    }
}

struct Customer {
    number: usize,
    gateways: Vec<People>,
    count: Arc<AtomicUsize>,
}

impl Customer {
    async fn order_until(self, stop: CancellationToken) -> Vec<Placed> {
        let mut placed = Vec::new();
        while !stop.is_cancelled() {
            let number = placed.len();
            let one = self.place(number).await;
            if let Some(link) = &one.order.link {
                self.pay(link).await;
            }
            self.count.fetch_add(1, Ordering::Relaxed);
            placed.push(one);
        }
        placed
    }

    /// Orders one burger, under the same key until there is a final answer.
    async fn place(&self, number: usize) -> Placed {
        let (customer, key) = (format!("load-{}", self.number), format!("order-{number}"));
        let (until, mut tries) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let gateway = (self.number + number + tries.len()) % self.gateways.len();
            let (outcome, answer) = self.try_at(gateway, &customer, &key).await;
            tries.push(outcome);
            if let Some(answer) = answer {
                let text = |value: &Value| value.as_str().map(str::to_owned);
                let id = text(&answer["order"]["id"]).expect("an id");
                let order = Order { customer, id, link: text(&answer["order"]["payment_link"]) };
                return Placed { order, tries };
            }
            assert!(Instant::now() < until, "{customer} {key} is never answered: {tries:?}");
            sleep(COME_BACK).await;
        }
    }

    async fn try_at(&self, gateway: usize, customer: &str, key: &str) -> (Try, Option<Value>) {
        let people = &self.gateways[gateway];
        let url = format!("{}/api/customers/{customer}/orders", people.base);
        let body = json!({"items": [{"id": "123", "quantity": 1}]});
        let cut = Try::Cut { gateway: gateway + 1 };
        let request = people.http.post(url).header("idempotency-key", key).json(&body);
        let Ok(response) = request.send().await else { return (cut, None) };
        let status = response.status();
        let retry_after = response.headers().contains_key(RETRY_AFTER);
        let Ok(answer) = response.json().await else { return (cut, None) };
        let placed = status == StatusCode::CREATED || status == StatusCode::ACCEPTED;
        (Try::Answered { status, retry_after }, placed.then_some(answer))
    }

    /// The hosted page is outside of the mesh and always there.
    async fn pay(&self, link: &str) {
        let form =
            self.gateways[0].http.post(link).header("content-type", "application/x-www-form-urlencoded");
        let paid = form.body(GOOD_CARD).send().await.expect("the sandbox answers");
        assert_eq!(paid.status(), StatusCode::SEE_OTHER, "{link}");
    }
}
