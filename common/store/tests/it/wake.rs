//! How soon the relay learns of an event: at once, where the port would allow a second.

use std::time::{Duration, Instant};

use common::{EventId, Timestamp, id::Id as _};
use store::{Collection, DocumentStore as _, Expected, OutboxEvent, Write};

const ROUNDS: u8 = 6;

fn write(number: u8) -> Write {
    let event = OutboxEvent {
        id: EventId::from_uuid(uuid::Uuid::from_bytes([number; 16])),
        event_type: "thing.made".to_owned(),
        subject: "a".to_owned(),
        sequence: 1,
        at: Timestamp::EPOCH,
        trace: None,
        data: serde_json::value::to_raw_value(&number).unwrap(),
    };
    Write {
        collection: Collection("things"),
        id: number.to_string(),
        expected: Expected::Absent,
        body: Some("{}".into()),
        index_keys: Vec::new(),
        events: vec![event],
        handled: None,
    }
}

#[tokio::test]
async fn a_save_with_an_event_wakes_the_relay_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = super::open(folder.path());
    let start = Instant::now();
    for number in 0..ROUNDS {
        let ((), saved) = tokio::join!(store.outbox_changed(), store.save(write(number)));
        saved.unwrap();
        assert_eq!(store.claim_outbox(10, Duration::from_secs(1)).await.unwrap().len(), 1);
    }
    assert!(start.elapsed() < Duration::from_secs(u64::from(ROUNDS) - 1), "some wake-up took its second");
}
