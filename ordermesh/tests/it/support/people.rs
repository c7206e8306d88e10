//! What people do with a mesh over HTTP: order, pay, cook, look.

use std::{future::Future, time::Duration};

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

/// How long anything may take that should happen by itself.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Asks until there is an answer; panics, saying what was expected, when there is none in time.
pub(crate) async fn eventually<T, F>(expected: &str, ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    within(PATIENCE, expected, ask).await
}

/// The same with a limit of its own.
pub(crate) async fn within<T, F>(limit: Duration, expected: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let until = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < until, "in {limit:?} it never came to this: {expected}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// An order as its customer knows it.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) customer: String,
    pub(crate) id: String,
    pub(crate) link: Option<String>,
}

impl Order {
    pub(crate) fn path(&self) -> String {
        format!("/api/customers/{}/orders/{}", self.customer, self.id)
    }

    pub(crate) fn ticket(&self) -> String {
        self.id.replacen("ord_", "tkt_", 1)
    }
}

/// Customers and staff of one running mesh.
#[derive(Clone)]
pub(crate) struct People {
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) sandbox: String,
}

impl People {
    pub(crate) fn at(gateway: &str, sandbox: &str) -> Self {
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = builder.timeout(Duration::from_secs(20)).build().expect("a client");
        Self { http, base: gateway.to_owned(), sandbox: sandbox.to_owned() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        self.try_send(method, path, body).await.expect("the gateway answers")
    }

    /// The same of a mesh that may be dying.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Response> {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body { request.json(&body) } else { request }.send().await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = self.send(Method::GET, path, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.expect("JSON")
    }

    /// Posts JSON and answers with status and body.
    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let response = self.send(Method::POST, path, Some(body)).await;
        (response.status(), response.json().await.expect("JSON"))
    }

    /// Orders one item; the answer must be 201.
    pub(crate) async fn order(&self, customer: &str, item: &str, quantity: u32) -> Order {
        let body = json!({"items": [{"id": item, "quantity": quantity}]});
        let (status, answer) = self.post(&format!("/api/customers/{customer}/orders"), body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let link = text(&answer["order"]["payment_link"]);
        Order { customer: customer.to_owned(), id: text(&answer["order"]["id"]).expect("an id"), link }
    }

    /// Pays by card on the hosted page as a browser would; answers with the page's status.
    pub(crate) async fn pay(&self, order: &Order, card: &str) -> StatusCode {
        self.submit(order, &format!("card_number={card}")).await
    }

    /// Submits the form of the hosted page; answers with the status of what it leads to.
    pub(crate) async fn submit(&self, order: &Order, form: &str) -> StatusCode {
        self.try_submit(order, form).await.expect("the sandbox answers")
    }

    /// The same of a mesh that may be dying.
    pub(crate) async fn try_submit(&self, order: &Order, form: &str) -> Option<StatusCode> {
        let link = order.link.as_deref().expect("a payment link");
        let request = self.http.post(link).header("content-type", "application/x-www-form-urlencoded");
        request.body(form.to_owned()).send().await.ok().map(|response| response.status())
    }

    /// The order as it is now.
    pub(crate) async fn look(&self, order: &Order) -> Value {
        self.get(&order.path()).await["order"].take()
    }

    /// Waits until the order has this status.
    pub(crate) async fn reach(&self, order: &Order, status: &str) -> Value {
        eventually(&format!("{} is {status}", order.id), || async {
            let seen = self.look(order).await;
            (seen["status"] == status).then_some(seen)
        })
        .await
    }

    /// Waits until the kitchen has the order's ticket in this state.
    pub(crate) async fn ticket(&self, order: &Order, state: &str) -> Value {
        let wanted = order.ticket();
        eventually(&format!("{wanted} is {state}"), || async {
            let all = self.get(&format!("/api/kitchen/tickets?state={state}&limit=100")).await;
            all["tickets"]
                .as_array()
                .and_then(|tickets| tickets.iter().find(|t| t["id"] == wanted.as_str()).cloned())
        })
        .await
    }

    /// A kitchen verb: `start`, `ready`, `pickup`, `reject`.
    pub(crate) async fn cook(&self, order: &Order, verb: &str) -> (StatusCode, Value) {
        self.post(&format!("/api/kitchen/tickets/{}/{verb}", order.ticket()), json!({})).await
    }

    /// The states that the order went through.
    pub(crate) async fn states(&self, order: &Order) -> Vec<String> {
        let timeline = self.get(&format!("{}/timeline", order.path())).await;
        let entries = timeline["entries"].as_array().expect("entries").iter();
        entries.map(|entry| entry["to"].as_str().expect("a state").to_owned()).collect()
    }

    /// Switches a fault of the sandbox on, such as `{"operation":"create_session","fault":"500_after_commit","times":1}`.
    pub(crate) async fn sandbox_fault(&self, fault: Value) {
        let answer = self.http.post(format!("{}/sandbox/faults", self.sandbox)).json(&fault).send().await;
        assert!(answer.expect("the sandbox answers").status().is_success(), "{fault}");
    }

    /// What the provider charged for the order.
    pub(crate) async fn charges(&self, order: &Order) -> Vec<Value> {
        let url = format!("{}/sandbox/charges?client_reference_id={}", self.sandbox, order.id);
        let mut answer: Value =
            self.http.get(url).send().await.expect("an answer").json().await.expect("JSON");
        answer["charges"].as_array_mut().map(std::mem::take).expect("charges")
    }
}
