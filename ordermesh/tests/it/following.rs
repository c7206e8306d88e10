//! Watching a mesh: event streams, a kitchen that cooks by itself, and what operators read.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Order, People, Program};

const GOOD_CARD: &str = "4242424242424242";
const PATIENCE: Duration = Duration::from_secs(30);

/// One event of a stream.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

/// A reader of Server-Sent Events.
struct Reader {
    response: reqwest::Response,
    text: String,
}

impl Reader {
    async fn open(people: &People, path: &str, last: Option<&str>) -> Self {
        let request = people.http.get(format!("{}{path}", people.base)).timeout(PATIENCE * 4);
        let request = if let Some(last) = last { request.header("last-event-id", last) } else { request };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert_eq!(response.headers()["content-type"], "text/event-stream", "{path}");
        Self { response, text: String::new() }
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let event = parsed(block);
                self.text = rest.to_owned();
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("an event in time").expect("a stream that does not break")?;
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Reads until an event fits.
    async fn until(&mut self, expected: &str, fits: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before: {expected}"));
            if fits(&event) {
                return event;
            }
        }
    }
}

/// `None` for a block of comments.
fn parsed(block: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Event {
        name: field("event:")?.to_owned(),
        id: field("id:")?.to_owned(),
        data: serde_json::from_str(field("data:")?).unwrap(),
    })
}

#[tokio::test]
async fn streams_show_every_step_and_resume_where_a_reader_left() {
    let program = Program::new();
    let mesh = program.start();
    let people = People::of(&mesh);
    let order = people.order("2", "123", 1).await;
    let path = format!("{}/events", order.path());
    let mut stream = Reader::open(&people, &path, None).await;
    let mut kitchen = Reader::open(&people, "/api/kitchen/events", None).await;
    let first = stream.next().await.unwrap();
    assert_eq!((first.name.as_str(), &first.data["status"]), ("order", &json!("waiting_payment")));
    assert_eq!(first.id, first.data["version"].to_string());
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    let mut last = see(&mut stream, "paid", &first).await;
    see_ticket(&mut kitchen, &order, "queued").await;
    let steps = [
        ("start", "preparing", "preparing"),
        ("ready", "ready", "ready"),
        ("pickup", "completed", "picked_up"),
    ];
    for (verb, status, state) in steps {
        assert_eq!(people.cook(&order, verb).await.0, StatusCode::OK);
        see_ticket(&mut kitchen, &order, state).await;
        last = see(&mut stream, status, &last).await;
    }
    assert!(stream.next().await.is_none(), "nothing follows the end");
    let mut resumed = Reader::open(&people, &path, Some(&first.id)).await;
    assert_eq!(resumed.next().await.unwrap().data["status"], "completed");
    let over = people.http.get(format!("{}{path}", people.base)).header("last-event-id", &last.id);
    assert_eq!(over.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    observe(&people).await;
}

/// Waits for the order's next status; versions grow.
async fn see(stream: &mut Reader, status: &str, last: &Event) -> Event {
    let event = stream.until(status, |event| event.data["status"] == status).await;
    let version = |event: &Event| event.id.parse::<u64>().unwrap();
    assert!(version(&event) > version(last), "{event:?} after {last:?}");
    event
}

async fn see_ticket(kitchen: &mut Reader, order: &Order, state: &str) {
    let ticket = order.ticket();
    let fits = |event: &Event| event.data["id"] == ticket.as_str() && event.data["state"] == state;
    let event = kitchen.until(&format!("{ticket} is {state}"), fits).await;
    assert_eq!(event.name, "ticket");
}

/// What operators read after one order was collected.
async fn observe(people: &People) {
    let stats = people.get("/stats").await;
    assert_eq!(stats["orders"]["completed"], 1, "{stats}");
    assert_eq!(stats["revenue"], json!([{"amount_minor": 900, "currency": "usd"}]));
    assert_eq!(stats["dead_letters"], 0);
    let ready = people.get("/ready").await;
    assert_eq!(ready["ready"], true);
    assert!(ready["mode"].as_str().unwrap().starts_with("TEST MODE"), "{ready}");
    let mesh = people.get("/api/mesh").await;
    for name in ["orders", "payments", "stock", "kitchen"] {
        let service = mesh["services"].as_array().unwrap().iter().find(|s| s["service"] == name);
        assert_eq!(service.unwrap()["endpoints"].as_array().unwrap().len(), 1, "{name}: {mesh}");
    }
    assert_eq!(people.get("/health").await["status"], "ok");
    let document = people.get("/openapi.json").await;
    assert!(document["paths"]["/api/customers/{customer_id}/orders"]["post"].is_object());
    let metrics = text(people, "/metrics").await;
    let counted = "ordermesh_http_requests_total{method=\"POST\",route=\"/api/customers/{customer_id}/orders\",status=\"2xx\"} 1";
    assert!(metrics.contains(counted) && metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(text(people, "/docs/").await.contains("swagger"));
}

async fn text(people: &People, path: &str) -> String {
    let answer = people.send(Method::GET, path, None).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn on_autopilot_a_paid_order_is_cooked_and_collected_by_itself() {
    let program = Program::new().with("KITCHEN_AUTOPILOT", "1");
    let mesh = program.start();
    let people = People::of(&mesh);
    let order = people.order("2", "123", 1).await;
    assert_eq!(people.pay(&order, GOOD_CARD).await, StatusCode::SEE_OTHER);
    people.reach(&order, "completed").await;
    let expected = ["pending", "waiting_payment", "paid", "preparing", "ready", "completed"];
    assert_eq!(people.states(&order).await, expected);
}
