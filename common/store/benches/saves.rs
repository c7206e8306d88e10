//! Durable saves per second through the embedded store, against a bare twin: the same bytes through one fjall batch
//! and one sync per group, with no versions, indexes or outbox. Only the ratio of one run means anything.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints, and fails by panicking")]

use std::{
    future::Future,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use common::SystemClock;
use fjall::PersistMode;
use store::{
    Collection, CollectionSchema, DocumentStore as _, Expected, IndexKey, Schema, Write,
    embedded::{Database, EmbeddedStore, GROUP_MAX, QUEUE_MAX},
};
use tokio::sync::{mpsc, oneshot};

const THINGS: Collection = Collection("things");
static SCHEMA: Schema = Schema {
    service: "bench",
    collections: &[CollectionSchema { collection: THINGS, indexes: &["by_customer"], events: false }],
};
const WRITERS: usize = 64;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for round in 1..=ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let bare = runtime.block_on(bare(&folder.path().join("bare")));
        let ours = runtime.block_on(ours(&folder.path().join("ours")));
        println!("round {round}: bare {bare:.0}/s, ours {ours:.0}/s, ratio {:.2}", ours / bare);
    }
}

async fn ours(folder: &Path) -> f64 {
    let database = Database::open(folder).unwrap();
    let store = Arc::new(EmbeddedStore::open(&database, &SCHEMA, Arc::new(SystemClock)).unwrap());
    per_second(move |writer, number| {
        let store = Arc::clone(&store);
        let write = Write {
            collection: THINGS,
            id: id(writer, number),
            expected: Expected::Absent,
            body: Some(body(number).into()),
            index_keys: vec![IndexKey::new("by_customer", format!("c{writer}:{number:015}"))],
            events: Vec::new(),
            handled: None,
        };
        async move {
            store.save(write).await.unwrap();
        }
    })
    .await
}

type Insert = (Vec<u8>, Vec<u8>, oneshot::Sender<()>);

async fn bare(folder: &Path) -> f64 {
    let database = fjall::Database::builder(folder).worker_threads(1).open().unwrap();
    let tree = database.keyspace("bench", fjall::KeyspaceCreateOptions::default).unwrap();
    let (sender, mut queue) = mpsc::channel::<Insert>(QUEUE_MAX);
    let writer = std::thread::spawn(move || {
        let mut group = Vec::new();
        while queue.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
            let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
            let mut waiting = Vec::with_capacity(group.len());
            for (key, value, reply) in group.drain(..) {
                batch.insert(&tree, key, value);
                waiting.push(reply);
            }
            batch.commit().unwrap();
            waiting.into_iter().for_each(|reply| reply.send(()).unwrap());
        }
    });
    let rate = per_second(move |writer, number| {
        let sender = sender.clone();
        async move {
            let (reply, done) = oneshot::channel();
            sender.send((id(writer, number).into(), body(number).into(), reply)).await.unwrap();
            done.await.unwrap();
        }
    })
    .await;
    writer.join().unwrap();
    rate
}

/// Runs the writers for a round, each with one save at a time.
async fn per_second<F>(save: impl Fn(usize, usize) -> F + Send + Sync + 'static + Clone) -> f64
where
    F: Future<Output = ()> + Send,
{
    let start = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let save = save.clone();
        tokio::spawn(async move {
            let mut number = 0;
            while start.elapsed() < ROUND {
                save(writer, number).await;
                number += 1;
            }
            number
        })
    });
    let counts = futures::future::join_all(writers.collect::<Vec<_>>()).await;
    let saves: u32 = counts.into_iter().map(|count| u32::try_from(count.unwrap()).unwrap()).sum();
    f64::from(saves) / start.elapsed().as_secs_f64()
}

fn id(writer: usize, number: usize) -> String {
    format!("thing_{writer:04}_{number:027}")
}

fn body(number: usize) -> String {
    format!(r#"{{"number":{number},"padding":"{}"}}"#, "x".repeat(580))
}
