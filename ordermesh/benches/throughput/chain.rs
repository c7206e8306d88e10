//! The twins: axum → A → (B, then C) over tonic in one process, no domain logic. Bare: nothing is stored. Durable: six
//! waits for an fsync one after the other, a provider call over a pooled connection, and six more saves per order for
//! the consumers of its events.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use contracts::orders::Order;
use tokio::net::TcpListener;

use crate::{disk::Disk, echo};

/// Which twin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bare,
    Durable,
}

/// Bytes of a document.
const DOCUMENT: usize = 700;
/// Saves per order that stand for the consumers of its events.
const CONSUMER_SAVES: u64 = 6;

/// A store that may be absent.
#[derive(Clone)]
struct Saves {
    disk: Option<Disk>,
    next: Arc<AtomicU64>,
    pending: Arc<AtomicU64>,
}

impl Saves {
    fn new(disk: Option<Disk>) -> Self {
        Self { disk, next: Arc::default(), pending: Arc::default() }
    }

    async fn save(&self, documents: usize) {
        let Some(disk) = &self.disk else { return };
        let make = |_| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            (number.to_be_bytes().to_vec(), document(number))
        };
        disk.save((0..documents).map(make).collect()).await;
    }

    fn save_later(&self) {
        if self.disk.is_none() {
            return;
        }
        for _ in 0..CONSUMER_SAVES {
            self.pending.fetch_add(1, Ordering::Relaxed);
            let saves = self.clone();
            tokio::spawn(async move {
                saves.save(1).await;
                saves.pending.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}

fn document(number: u64) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({"id": number, "body": "x".repeat(DOCUMENT - 30)}))
        .expect("plain JSON")
}

/// Serves until killed; prints the address.
pub(crate) async fn serve(kind: Kind) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let disk = |name: &str| (kind == Kind::Durable).then(|| Disk::open(&folder.path().join(name)));
    let (mesh, outside) = (Saves::new(disk("mesh")), Saves::new(disk("provider")));
    let provider = provider(outside).await;
    let stock = stock(mesh.clone()).await;
    let payments = payments(mesh.clone(), (kind == Kind::Durable).then_some(provider)).await;
    let orders = orders(mesh.clone(), stock, payments).await;
    let pending = Arc::clone(&mesh.pending);
    let router = Router::new()
        .route("/", post(place).with_state(orders))
        .route("/pending", get(move || async move { pending.load(Ordering::Relaxed).to_string() }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("{}", listener.local_addr().expect("bound"));
    axum::serve(listener, router).await.expect("served until killed");
}

async fn place(State(orders): State<echo::Caller>, body: Bytes) -> (StatusCode, String) {
    let order = Order { note: Some(String::from_utf8_lossy(&body).into_owned()), ..Order::default() };
    let placed = orders.call(order).await;
    (StatusCode::CREATED, placed.id)
}

/// A: two documents, B, C, one document; the events' consumers behind that.
async fn orders(saves: Saves, stock: echo::Caller, payments: echo::Caller) -> echo::Caller {
    echo::serve(move |order: Order| {
        let (saves, stock, payments) = (saves.clone(), stock.clone(), payments.clone());
        async move {
            saves.save(2).await;
            let order = stock.call(order).await;
            let order = payments.call(order).await;
            saves.save(1).await;
            saves.save_later();
            Order { id: "ord_00000000000000000000000000000000".to_owned(), ..order }
        }
    })
    .await
}

/// B: four documents in one batch.
async fn stock(saves: Saves) -> echo::Caller {
    echo::serve(move |order: Order| {
        let saves = saves.clone();
        async move {
            saves.save(4).await;
            order
        }
    })
    .await
}

/// C: one document, the provider, one document.
async fn payments(saves: Saves, provider: Option<String>) -> echo::Caller {
    let http = reqwest::Client::new();
    echo::serve(move |order: Order| {
        let (saves, provider, http) = (saves.clone(), provider.clone(), http.clone());
        async move {
            saves.save(1).await;
            if let Some(provider) = provider {
                let answer = http
                    .post(provider)
                    .body("mode=payment&quantity=2")
                    .send()
                    .await
                    .expect("the provider answers");
                answer.bytes().await.expect("a whole answer");
            }
            saves.save(1).await;
            order
        }
    })
    .await
}

/// The outside: two documents in its own database, a session-sized answer.
async fn provider(saves: Saves) -> String {
    let router = Router::new().route(
        "/v1/checkout/sessions",
        post(move || async move {
            saves.save(2).await;
            String::from_utf8(document(0)).expect("JSON is UTF-8")
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/v1/checkout/sessions")
}
