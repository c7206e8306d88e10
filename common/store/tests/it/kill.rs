//! `kill -9` under concurrent writers: what was acknowledged is there, and nothing is there by half.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use common::{Clock as _, EventId, Ids, SystemClock, SystemRandom};
use store::{
    Collection, DocumentStore as _, Expected, IndexKey, IndexQuery, Order, OutboxEvent, Stored, Write,
    embedded::EmbeddedStore,
};

const THINGS: Collection = Collection("things");
const BY_VERSION: &str = "by_key";
const WRITERS: usize = 16;
const ROUNDS: usize = 3;
/// Acknowledgements after which the writers are killed.
const ACKS: usize = 1500;
/// Tells the test program that it is the process to be killed, and where it writes.
const FOLDER: &str = "STORE_KILL_FOLDER";

#[tokio::test]
async fn nothing_acknowledged_is_lost_and_nothing_is_torn_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = HashMap::new();
    for _ in 0..ROUNDS {
        let mut child = writers(folder.path());
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut told = 0;
        let acks = stdout.lines().map_while(Result::ok).filter_map(|line| ack(&line)).enumerate();
        for (count, (id, version)) in acks {
            acknowledged.insert(id, version);
            told = count;
            if count == ACKS {
                // What it had told before it died is still read from the pipe.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(told >= ACKS, "the writers were killed, they did not end before");
        let (store, _) = super::open(folder.path());
        check(&store, &acknowledged).await;
    }
    assert_eq!(acknowledged.len(), WRITERS);
}

fn writers(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writers_that_get_killed", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ack(line: &str) -> Option<(String, u64)> {
    let (id, version) = line.strip_prefix("ack ")?.split_once(' ')?;
    Some((id.to_owned(), version.parse().ok()?))
}

/// Every document is at least at its acknowledged version and agrees with its index entry and its events.
async fn check(store: &EmbeddedStore, acknowledged: &HashMap<String, u64>) {
    let mut events: HashMap<String, u64> = HashMap::new();
    for entry in store.claim_outbox(usize::MAX, Duration::from_secs(1)).await.unwrap() {
        let count = events.entry(entry.document_id).or_default();
        *count += 1;
        assert_eq!(entry.event.sequence, *count, "the events of a document come in order");
    }
    let query = IndexQuery {
        index: Some(BY_VERSION),
        prefix: String::new(),
        below: None,
        order: Order::Ascending,
        limit: 10 * WRITERS,
        cursor: None,
    };
    let page = store.list(THINGS, query).await.unwrap();
    let documents: HashMap<String, Stored> = page.entries.into_iter().map(|s| (s.id.clone(), s)).collect();
    for (id, version) in acknowledged {
        let stored = &documents[id];
        assert!(stored.version >= *version, "{id}: {} acknowledged, {} found", version, stored.version);
        assert_eq!(stored.body, body(id, stored.version));
        assert_eq!(events[id], stored.version);
        let under_its_key = store.count(THINGS, Some(BY_VERSION), &key(stored.version, id)).await.unwrap();
        assert_eq!(under_its_key, 1);
    }
    let entries = store.count(THINGS, Some(BY_VERSION), "").await.unwrap();
    assert_eq!(entries, store.count(THINGS, None, "").await.unwrap(), "one index entry for each document");
}

/// Not a test: the process that the test above kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs until it is killed; the test above starts it"]
async fn writers_that_get_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let store = Arc::new(super::open(Path::new(&folder)).0);
    let writers = (0..WRITERS).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let id = format!("thing-{number:02}");
            let mut version = store.load(THINGS, &id).await.unwrap().map_or(0, |stored| stored.version);
            loop {
                version = store.save(next(&id, version)).await.unwrap();
                writeln!(std::io::stdout().lock(), "ack {id} {version}").unwrap();
            }
        })
    });
    futures::future::join_all(writers.collect::<Vec<_>>()).await;
}

fn next(id: &str, version: u64) -> Write {
    let next = version + 1;
    Write {
        collection: THINGS,
        id: id.to_owned(),
        expected: if version == 0 { Expected::Absent } else { Expected::Version(version) },
        body: Some(body(id, next)),
        index_keys: vec![IndexKey::new(BY_VERSION, key(next, id))],
        events: vec![event(id, next)],
        handled: None,
    }
}

fn key(version: u64, id: &str) -> String {
    format!("{version:08}:{id}")
}

fn body(id: &str, version: u64) -> bytes::Bytes {
    format!(r#"{{"id":"{id}","padding":"{}"}}"#, version.to_string().repeat(100)).into()
}

fn event(id: &str, sequence: u64) -> OutboxEvent {
    OutboxEvent {
        id: Ids::new(Arc::new(SystemClock), Arc::new(SystemRandom)).mint::<EventId>(),
        event_type: "thing.changed".to_owned(),
        subject: id.to_owned(),
        sequence,
        at: SystemClock.now(),
        trace: None,
        data: serde_json::value::to_raw_value(&sequence).unwrap(),
    }
}
