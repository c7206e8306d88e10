//! `ordermesh demo`: walks one order through every step against a running mesh, or against one of its own on free
//! ports and a temporary folder, printing each step as it happens.

use std::time::{Duration, Instant};

use common::Fault;
use runtime::Settings;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    all_in_one::{AllInOne, Options},
    client::{Client, base},
    failure::Failure,
    output::{amount, print, print_json},
};

/// How long an order may take from one state to the next before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const CUSTOMER: &str = "demo";
const ITEM: &str = "123";
const CARD: &str = "4242424242424242";

/// One step as it is printed.
#[derive(Debug, Serialize)]
struct Step {
    step: &'static str,
    result: String,
    duration_ms: u128,
}

/// Uses the mesh at `PUBLIC_URL` if it answers, else starts one.
pub async fn run(settings: Settings, json: bool) -> Result<(), Failure> {
    let base = base(&settings);
    let client = Client::new(&base).map_err(failed)?;
    if client.is_ready().await {
        return Walk::new(client, json).walk().await.map_err(failed);
    }
    let folder =
        tempfile::tempdir().map_err(|error| Failure::Running(format!("temporary folder: {error}")))?;
    let mesh = AllInOne::start(Options::new(own_settings(settings, folder.path()))).await?;
    if !json {
        print(&format!("no mesh answers at {base}: walking through one of our own\n\n"))?;
    }
    let client = Client::new(&format!("http://{}", mesh.addresses.gateway)).map_err(failed)?;
    let outcome = Walk::new(client, json).walk().await.map_err(failed);
    mesh.stop().await;
    outcome
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn failed(fault: Fault) -> Failure {
    Failure::Running(fault.detail().map_or_else(|| fault.to_string(), str::to_owned))
}

fn own_settings(settings: Settings, folder: &std::path::Path) -> Settings {
    let free = [
        "HTTP_ADDR",
        "ORDERS_GRPC_ADDR",
        "PAYMENTS_GRPC_ADDR",
        "STOCK_GRPC_ADDR",
        "KITCHEN_GRPC_ADDR",
        "SANDBOX_ADDR",
    ];
    free.into_iter()
        .fold(settings, |settings, name| settings.with(name, "127.0.0.1:0"))
        .with("PUBLIC_URL", "")
        .with("DATA_DIR", folder.display().to_string())
}

/// The walk and what it has printed.
struct Walk {
    client: Client,
    json: bool,
    steps: Vec<Step>,
}

impl Walk {
    fn new(client: Client, json: bool) -> Self {
        Self { client, json, steps: Vec::new() }
    }

    async fn walk(mut self) -> Result<(), Fault> {
        let begin = Instant::now();
        self.menu().await?;
        let (order, link) = self.place().await?;
        self.pay(&link, &order).await?;
        let ticket = self.ticket(&order).await?;
        self.cook("start cooking", &ticket, "start", &order, "preparing").await?;
        self.cook("call it ready", &ticket, "ready", &order, "ready").await?;
        self.cook("collect the meal", &ticket, "pickup", &order, "completed").await?;
        self.timeline(&order).await?;
        if self.json {
            print_json(&self.steps).map_err(|failure| Fault::internal(failure.to_string()))?;
        } else {
            print(&format!("\ndone in {} ms\n", begin.elapsed().as_millis()))
                .map_err(|f| Fault::internal(f.to_string()))?;
        }
        Ok(())
    }

    async fn menu(&mut self) -> Result<(), Fault> {
        let begin = Instant::now();
        let answer = self.client.get("/api/items").await?;
        let items = answer["items"].as_array().map_or(0, Vec::len);
        self.tell("read the menu", format!("{items} items"), begin)
    }

    async fn place(&mut self) -> Result<(String, String), Fault> {
        let begin = Instant::now();
        let body = json!({"items": [{"id": ITEM, "quantity": 2}]});
        let answer = self.client.post(&format!("/api/customers/{CUSTOMER}/orders"), &body).await?;
        let id = text(&answer["order"]["id"])?;
        let order = self.reach(&id, |order| order["payment_link"].is_string()).await?;
        let link = text(&order["payment_link"])?;
        self.tell("place the order", format!("{id}  {}  {link}", amount(&order["total"])), begin)?;
        Ok((id, link))
    }

    async fn pay(&mut self, link: &str, order: &str) -> Result<(), Fault> {
        let begin = Instant::now();
        self.client.submit(link, &[("card_number", CARD)]).await?;
        self.reach(order, |order| order["status"] == "paid").await?;
        self.tell("pay at the checkout page", "paid".to_owned(), begin)
    }

    async fn ticket(&mut self, order: &str) -> Result<String, Fault> {
        let begin = Instant::now();
        let ticket = order.replacen("ord_", "tkt_", 1);
        let patience = Instant::now() + PATIENCE;
        loop {
            let listed = self.client.get("/api/kitchen/tickets?state=queued&limit=100").await?;
            let found = listed["tickets"]
                .as_array()
                .is_some_and(|all| all.iter().any(|t| t["id"] == ticket.as_str()));
            if found {
                self.tell("the kitchen has a ticket", ticket.clone(), begin)?;
                return Ok(ticket);
            }
            wait_until(patience, "no ticket appeared").await?;
        }
    }

    async fn cook(
        &mut self,
        step: &'static str,
        ticket: &str,
        verb: &str,
        order: &str,
        status: &str,
    ) -> Result<(), Fault> {
        let begin = Instant::now();
        self.client.post(&format!("/api/kitchen/tickets/{ticket}/{verb}"), &json!({})).await?;
        self.reach(order, |order| order["status"] == status).await?;
        self.tell(step, status.to_owned(), begin)
    }

    async fn timeline(&mut self, order: &str) -> Result<(), Fault> {
        let begin = Instant::now();
        let answer = self.client.get(&format!("/api/customers/{CUSTOMER}/orders/{order}/timeline")).await?;
        let steps = answer["entries"].as_array().into_iter().flatten();
        let states: Vec<_> = steps.filter_map(|entry| entry["to"].as_str()).collect();
        self.tell("read the timeline", states.join(" → "), begin)
    }

    /// Waits until the order is as wanted.
    async fn reach(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value, Fault> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let mut answer = self.client.get(&format!("/api/customers/{CUSTOMER}/orders/{id}")).await?;
            if wanted(&answer["order"]) {
                return Ok(answer["order"].take());
            }
            wait_until(patience, &format!("the order stays {}", answer["order"]["status"])).await?;
        }
    }

    fn tell(&mut self, step: &'static str, result: String, begin: Instant) -> Result<(), Fault> {
        let duration_ms = begin.elapsed().as_millis();
        if !self.json {
            let line = format!("{step:26} {duration_ms:5} ms  {result}\n");
            print(&line).map_err(|failure| Fault::internal(failure.to_string()))?;
        }
        self.steps.push(Step { step, result, duration_ms });
        Ok(())
    }
}

async fn wait_until(patience: Instant, problem: &str) -> Result<(), Fault> {
    if Instant::now() >= patience {
        return Err(Fault::internal(format!("{problem} after {} s", PATIENCE.as_secs())));
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}

fn text(value: &Value) -> Result<String, Fault> {
    value.as_str().map(str::to_owned).ok_or_else(|| Fault::internal("the answer lacks a field"))
}
