//! What a folder holds after the process that wrote it is gone.

use std::time::Duration;

use common::{Clock as _, EventId, Ids};
use store::{
    Collection, DocumentStore as _, Expected, IndexKey, IndexQuery, Order, OutboxEntry, OutboxEvent, Write,
};
use testkit::{clock::ManualClock, random::SeededRandom};

const THINGS: Collection = Collection("things");
const LEASE: Duration = Duration::from_secs(10);

fn write(ids: &Ids, id: &str, expected: Expected) -> Write {
    let event = OutboxEvent {
        id: ids.mint(),
        event_type: "thing.changed".to_owned(),
        subject: id.to_owned(),
        sequence: expected.next(),
        at: ManualClock::default().now(),
        trace: None,
        data: serde_json::value::to_raw_value(id).unwrap(),
    };
    Write {
        collection: THINGS,
        id: id.to_owned(),
        expected,
        body: Some(format!("{{\"id\":\"{id}\"}}").into()),
        index_keys: vec![IndexKey::new("by_key", id)],
        handled: Some(event.id),
        events: vec![event],
    }
}

fn event_ids(entries: &[OutboxEntry]) -> Vec<EventId> {
    entries.iter().map(|entry| entry.event.id).collect()
}

#[tokio::test]
async fn versions_indexes_and_unpublished_events_survive_a_restart_and_claims_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let ids =
        Ids::new(std::sync::Arc::new(ManualClock::default()), std::sync::Arc::new(SeededRandom::new(7)));
    let (claimed, cursor, page_query) = {
        let (store, _) = super::open(folder.path());
        for id in ["a", "b", "c"] {
            store.save(write(&ids, id, Expected::Absent)).await.unwrap();
        }
        store.save(write(&ids, "a", Expected::Version(1))).await.unwrap();
        let claimed = store.claim_outbox(10, LEASE).await.unwrap();
        store.trim_outbox(&claimed[..1]).await.unwrap();
        assert!(store.lease("sweep", "before", LEASE).await.unwrap());
        let query = IndexQuery {
            index: Some("by_key"),
            prefix: String::new(),
            below: None,
            order: Order::Descending,
            limit: 2,
            cursor: None,
        };
        let page = store.list(THINGS, query.clone()).await.unwrap();
        (claimed, page.next_cursor, query)
    };
    let (store, _) = super::open(folder.path());
    let stored = store.load(THINGS, "a").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.handled), (2, vec![claimed[0].event.id, claimed[3].event.id]));
    let rest = store.list(THINGS, IndexQuery { cursor, ..page_query }).await.unwrap();
    assert_eq!(rest.entries.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(store.lease("sweep", "after", LEASE).await.unwrap());

    store.save(write(&ids, "b", Expected::Version(1))).await.unwrap();
    assert_eq!(store.outbox_depth().await.unwrap(), 4);
    let again = store.claim_outbox(10, LEASE).await.unwrap();
    assert_eq!(event_ids(&again)[..3], event_ids(&claimed)[1..]);
    assert_eq!((again[3].document_id.as_str(), again[3].event.sequence), ("b", 2));
}
