//! Documents: versions, removal, handled events, saves in order.

use common::{Code, EventId};
use store::{Collection, Expected, IndexKey, IndexQuery, Write, port::HANDLED_MAX};

use super::{Subject, sample::*};

pub(super) async fn a_document_is_loaded_as_it_was_saved(subject: Subject) {
    assert!(subject.store.load(THINGS, "a").await.unwrap().is_none());
    assert_eq!(subject.saved(insert("a")).await, 1);
    assert_eq!(subject.saved(Write { body: Some(body("second")), ..update("a", 1) }).await, 2);
    let stored = subject.store.load(THINGS, "a").await.unwrap().unwrap();
    assert_eq!((stored.id.as_str(), stored.version), ("a", 2));
    assert_eq!(stored.body, body("second"));
    assert!(stored.handled.is_empty());
}

pub(super) async fn documents_are_loaded_in_the_order_asked_for(subject: Subject) {
    for id in ["a", "b", "c"] {
        subject.saved(insert(id)).await;
    }
    let asked = ["c", "x", "a", "c"].map(str::to_owned);
    let found = subject.store.load_many(THINGS, &asked).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|stored| stored.map(|s| s.id)).collect();
    assert_eq!(found, [Some("c".to_owned()), None, Some("a".to_owned()), Some("c".to_owned())]);
}

pub(super) async fn a_write_that_expects_another_version_changes_nothing(subject: Subject) {
    subject.saved(indexed("a", "k1")).await;
    subject.saved(Write { expected: Expected::Version(1), ..indexed("a", "k1") }).await;
    for expected in [Expected::Absent, Expected::Version(1), Expected::Version(3)] {
        let write = Write { expected, body: Some(body("lost")), ..indexed("a", "k2") };
        let write = Write { events: vec![event("a")], handled: Some(event_id()), ..write };
        assert!(subject.store.save(write).await.unwrap_err().is_version_conflict(), "{expected:?}");
    }
    assert!(subject.store.save(update("missing", 1)).await.unwrap_err().is_version_conflict());
    let stored = subject.store.load(THINGS, "a").await.unwrap().unwrap();
    assert_eq!((stored.version, stored.body, stored.handled), (2, body("a"), Vec::new()));
    assert_eq!(subject.store.count(THINGS, Some(BY_KEY), "k1").await.unwrap(), 1);
    assert_eq!(subject.store.count(THINGS, Some(BY_KEY), "k2").await.unwrap(), 0);
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 0);
}

pub(super) async fn a_removed_document_takes_its_index_entries_along_and_leaves_its_events(subject: Subject) {
    subject.saved(Write { events: vec![event("a")], handled: Some(event_id()), ..indexed("a", "k") }).await;
    subject.saved(Write { body: None, ..update("a", 1) }).await;
    assert!(subject.store.load(THINGS, "a").await.unwrap().is_none());
    assert!(subject.listed(all()).await.is_empty());
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 1);
    assert!(subject.store.save(update("a", 2)).await.unwrap_err().is_version_conflict());
    assert_eq!(subject.saved(insert("a")).await, 1);
    assert!(subject.store.load(THINGS, "a").await.unwrap().unwrap().handled.is_empty());
}

pub(super) async fn the_newest_64_handled_events_are_remembered(subject: Subject) {
    let events: Vec<EventId> = (0..HANDLED_MAX + 6).map(|_| event_id()).collect();
    let mut version = subject.saved(insert("a")).await;
    for event in &events {
        version = subject.saved(Write { handled: Some(*event), ..update("a", version) }).await;
    }
    let remembered = || async { subject.store.load(THINGS, "a").await.unwrap().unwrap().handled };
    assert_eq!(remembered().await, events[6..]);
    let newest = events.last().copied();
    version = subject.saved(Write { handled: newest, ..update("a", version) }).await;
    subject.saved(update("a", version)).await;
    assert_eq!(remembered().await, events[6..], "neither a repetition nor another save changes the list");
}

pub(super) async fn saves_in_order_stop_at_the_first_that_fails_and_keep_those_before(subject: Subject) {
    let writes = ["a", "b", "c"].map(|id| with_events(id, 1)).to_vec();
    assert_eq!(subject.store.save_in_order(writes).await.unwrap(), [1, 1, 1]);
    let writes = vec![update("a", 1), with_events("d", 1), with_events("b", 1), update("c", 1)];
    assert!(subject.store.save_in_order(writes).await.unwrap_err().is_version_conflict());
    let ids = ["a", "b", "c", "d"].map(str::to_owned);
    let found = subject.store.load_many(THINGS, &ids).await.unwrap();
    let versions: Vec<_> = found.into_iter().map(|stored| stored.map(|s| s.version)).collect();
    assert_eq!(versions, [Some(2), Some(1), Some(1), Some(1)]);
    assert_eq!(subject.store.outbox_depth().await.unwrap(), 4);
    assert!(subject.store.save_in_order(Vec::new()).await.unwrap().is_empty());
}

pub(super) async fn saves_in_order_may_change_one_document_twice(subject: Subject) {
    let moved = Write { index_keys: vec![IndexKey::new(BY_KEY, "k2")], ..update("a", 1) };
    let versions = subject.store.save_in_order(vec![indexed("a", "k1"), moved, indexed("b", "k1")]).await;
    assert_eq!(versions.unwrap(), [1, 2, 1]);
    assert_eq!(subject.listed(all()).await, ["b", "a"]);
}

pub(super) async fn names_that_start_alike_do_not_mix(subject: Subject) {
    let longer = THINGS_TOO;
    subject.saved(Write { index_keys: vec![IndexKey::new("by", "k")], ..insert("a") }).await;
    subject.saved(Write { index_keys: vec![IndexKey::new("by_key", "k")], ..insert("ab") }).await;
    subject.saved(Write { collection: longer, ..indexed("a", "k") }).await;
    for (collection, index, expected) in
        [(THINGS, Some("by"), 1), (THINGS, Some("by_key"), 1), (THINGS, None, 2), (longer, None, 1)]
    {
        let count = subject.store.count(collection, index, "").await.unwrap();
        assert_eq!(count, expected, "{collection} {index:?}");
    }
}

/// Written as serde_json writes it, so that byte equality is what a reader sees.
const EVERY_VALUE: &str = concat!(
    r#"{"zero":0,"minus":-1,"i32":[2147483647,-2147483648],"beyond_i32":[2147483648,-2147483649],"#,
    r#""i64":[9223372036854775807,-9223372036854775808],"u64":[9223372036854775808,18446744073709551615,10000000000000000000],"#,
    r#""exact_in_f64":9007199254740993,"floats":[2.5,1.0,-0.0,1e+100,5e-324,0.1],"null":null,"yes":true,"#,
    r#""no":false,"empty":{"text":"","list":[],"map":{}},"nested":[[{"a":[{"b":null}]}]],"#,
    r#""text":"ä€😀\"\\\n\u0000\u0001$.","b":1,"a":2,"$price":{"$in":["$x"]},"a.b":{"c.d":1},"#,
    r#""%24":"%","":"no name","nul\u0000":1,"_id":7,"version":"v","body":{"body":1},"time":"2026-11-21T06:38:00.000Z"}"#,
);

pub(super) async fn a_body_comes_back_as_it_was_written(subject: Subject) {
    let written = Write { body: Some(EVERY_VALUE.into()), ..insert("a") };
    subject.saved(written.clone()).await;
    let read = || async { subject.store.load(THINGS, "a").await.unwrap().unwrap().body };
    assert_eq!(read().await, EVERY_VALUE);
    for (version, body) in
        (1..).zip(["{}", r#"{"other":1}"#, "7", r#""text""#, "null", "[1,null]", EVERY_VALUE])
    {
        let write =
            Write { body: Some(body.into()), expected: Expected::Version(version), ..written.clone() };
        subject.saved(write).await;
        assert_eq!(read().await, body, "what was there before leaves nothing behind");
    }
}

pub(super) async fn what_is_not_declared_is_refused(subject: Subject) {
    let (store, nowhere) = (&subject.store, Collection("nowhere"));
    let key = |index: &'static str, key: &str| vec![IndexKey::new(index, key)];
    for write in [
        Write { collection: nowhere, ..insert("a") },
        Write { collection: OTHERS, ..with_events("a", 1) },
        Write { body: None, ..insert("a") },
        Write { index_keys: key("unknown", "k"), ..insert("a") },
        Write { index_keys: key(BY_KEY, "k\n"), ..insert("a") },
        Write { index_keys: [key(BY_KEY, "k"), key(BY_KEY, "l")].concat(), ..insert("a") },
    ] {
        let fault = store.save_in_order(vec![insert("first"), write.clone()]).await.unwrap_err();
        assert_eq!(fault.code(), Code::Internal, "{write:?}");
    }
    assert!(store.load(THINGS, "first").await.unwrap().is_none(), "all of them are looked at first");
    let unknown = IndexQuery { index: Some("unknown"), ..all() };
    for fault in [
        store.load(nowhere, "a").await.map(drop),
        store.load_many(nowhere, &[]).await.map(drop),
        store.list(nowhere, all()).await.map(drop),
        store.list(THINGS, unknown).await.map(drop),
        store.count(nowhere, None, "").await.map(drop),
        store.count(THINGS, Some("unknown"), "").await.map(drop),
    ] {
        assert_eq!(fault.unwrap_err().code(), Code::Internal);
    }
}
