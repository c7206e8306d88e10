//! A dead letter on the real broker: seen with its reason, and brought through once its cause is mended.

use std::{sync::Arc, time::Duration};

use common::{SystemClock, SystemRandom};
use reqwest::StatusCode;
use serde_json::Value;
use store::{Collection, DocumentStore, Expected, Write, mongo::MongoServer};

use crate::support::{Cluster, Order, Servers, within};

const ORDERS: Collection = Collection("orders");
const QUEUE: &str = "orders.payments";
/// The retry ladder takes 43 s.
const LADDER: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_whose_cause_was_mended_is_replayed_and_takes_effect() {
    let servers = Servers::start().await;
    let cluster = Cluster::start(&servers, 1, &[]).await;
    let people = cluster.people(1);
    let order = people.order("2", "123", 1).await;
    let books = Books::open(&servers).await;
    let whole = books.damage(&order).await;
    assert_eq!(people.pay(&order, "4242424242424242").await, StatusCode::SEE_OTHER);
    let letter = within(LADDER, "the event is a dead letter", || async {
        let (code, listed) = cluster.run(&["dlq", "list", QUEUE, "--json"]).await;
        assert_eq!(code, Some(0), "{listed}");
        let listed: Value = serde_json::from_str(&listed).unwrap();
        listed["dead_letters"].as_array().and_then(|letters| letters.first().cloned())
    })
    .await;
    assert_eq!(letter["event"]["type"], "payment.succeeded", "{letter:#}");
    assert_eq!(letter["attempts"], 6, "{letter:#}");
    assert!(letter["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{letter:#}");
    books.mend(&order, whole).await;
    let id = letter["id"].as_str().unwrap();
    let (code, said) = cluster.run(&["dlq", "replay", QUEUE, id]).await;
    assert_eq!(code, Some(0), "{said}");
    people.reach(&order, "paid").await;
    people.ticket(&order, "queued").await;
    let (_, listed) = cluster.run(&["dlq", "list", QUEUE, "--json"]).await;
    assert!(!listed.contains(id), "{listed}");
}

/// The orders' database, reached beside the service.
struct Books {
    server: MongoServer,
    store: Arc<dyn DocumentStore>,
}

impl Books {
    async fn open(servers: &Servers) -> Self {
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let server = MongoServer::connect(&servers.database.uri(), "ordermesh", clock, random).await.unwrap();
        let store = Arc::new(server.store(&orders::SCHEMA));
        Self { server, store }
    }

    /// Makes the order unreadable for its service; answers with the body as it was.
    async fn damage(&self, order: &Order) -> Vec<u8> {
        let stored = self.store.load(ORDERS, &order.id).await.unwrap().expect("the order");
        self.write(order, stored.version, br#"{"status": "nonsense"}"#.to_vec()).await;
        stored.body.to_vec()
    }

    async fn mend(&self, order: &Order, body: Vec<u8>) {
        let stored = self.store.load(ORDERS, &order.id).await.unwrap().expect("the order");
        self.write(order, stored.version, body).await;
        self.server.clone().close().await;
    }

    /// The index keys come back with the service's next save.
    async fn write(&self, order: &Order, version: u64, body: Vec<u8>) {
        let write = Write {
            collection: ORDERS,
            id: order.id.clone(),
            expected: Expected::Version(version),
            body: Some(body.into()),
            index_keys: Vec::new(),
            events: Vec::new(),
            handled: None,
        };
        self.store.save(write).await.unwrap();
    }
}
