//! `kill -9` of the server under concurrent writers: what was acknowledged is there, and nothing is there by half.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use store::{DocumentStore as _, Expected, IndexKey, Write, mongo::MongoStore};
use testkit::{clock::ManualClock, servers::Mongo};

use super::{PATIENCE, THINGS, event, insert, instance};

const WRITERS: usize = 16;
const ROUNDS: usize = 3;
/// Acknowledgements after which the server is killed.
const ACKS: usize = 400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let server = Mongo::start().await.unwrap();
    let (_connected, store) = instance(&server, "kill", Arc::new(ManualClock::default())).await;
    store.check().await.unwrap();
    let acknowledged = Arc::new(Mutex::new(HashMap::new()));
    for _ in 0..ROUNDS {
        let acks = Arc::new(AtomicUsize::new(0));
        let writers = (0..WRITERS).map(|number| {
            tokio::spawn(write(Arc::clone(&store), number, Arc::clone(&acknowledged), Arc::clone(&acks)))
        });
        let writers: Vec<_> = writers.collect();
        let enough = async {
            while acks.load(Ordering::Relaxed) < ACKS {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.expect("writers write");
        server.kill().await;
        for writer in writers {
            writer.await.unwrap();
        }
        server.restart().await.unwrap();
        let acknowledged = acknowledged.lock().unwrap().clone();
        check(&store, &acknowledged).await;
    }
}

/// Saves one document again and again, until the server is gone.
async fn write(
    store: Arc<MongoStore>,
    number: usize,
    acknowledged: Arc<Mutex<HashMap<String, u64>>>,
    acks: Arc<AtomicUsize>,
) {
    let id = format!("thing-{number:02}");
    let mut version = store.load(THINGS, &id).await.unwrap().map_or(0, |stored| stored.version);
    while let Ok(next) = store.save(next(&id, version)).await {
        version = next;
        acknowledged.lock().unwrap().insert(id.clone(), version);
        acks.fetch_add(1, Ordering::Relaxed);
    }
}

fn next(id: &str, version: u64) -> Write {
    let next = version + 1;
    Write {
        expected: if version == 0 { Expected::Absent } else { Expected::Version(version) },
        body: Some(body(next)),
        index_keys: vec![IndexKey::new("by_key", format!("{next:08}"))],
        events: vec![event(id, next)],
        ..insert(id)
    }
}

fn body(version: u64) -> bytes::Bytes {
    format!(r#"{{"made":{version}}}"#).into()
}

/// Every document is at least at its acknowledged version and agrees with its index entry and its events.
async fn check(store: &MongoStore, acknowledged: &HashMap<String, u64>) {
    let mut events: HashMap<String, Vec<u64>> = HashMap::new();
    let claimed = store.claim_outbox(100_000, Duration::ZERO).await.unwrap();
    for entry in claimed {
        events.entry(entry.document_id).or_default().push(entry.event.sequence);
    }
    for (id, version) in acknowledged {
        let stored = store.load(THINGS, id).await.unwrap().expect("an acknowledged document is there");
        assert!(stored.version >= *version, "{id}: {version} acknowledged, {} found", stored.version);
        assert_eq!(stored.body, body(stored.version));
        assert_eq!(
            events[id],
            (1..=stored.version).collect::<Vec<_>>(),
            "every save's event is there, in order"
        );
        let key = format!("{:08}", stored.version);
        assert!(store.count(THINGS, Some("by_key"), &key).await.unwrap() >= 1);
    }
}
