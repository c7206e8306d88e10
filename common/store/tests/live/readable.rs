//! What a person sees who looks into the database with other tools, and which indexes the server uses.

use std::{collections::BTreeSet, sync::Arc};

use mongodb::bson::{Bson, Document, doc};
use store::{DocumentStore as _, Expected, IndexKey, IndexQuery, Order, Write};
use testkit::clock::ManualClock;

use super::{THINGS, event, insert, instance, prefix, shared};

#[tokio::test]
async fn a_document_reads_as_what_it_says() {
    let server = shared().await.unwrap();
    let prefix = prefix();
    let (connected, store) = instance(server, &prefix, Arc::new(ManualClock::default())).await;
    let told = event("ord_1", 1);
    let index_keys = vec![IndexKey::new("by_key", "paid/ord_1")];
    let write = Write { index_keys, events: vec![told.clone()], handled: Some(told.id), ..insert("ord_1") };
    store.save(write).await.unwrap();

    let client = mongodb::Client::with_uri_str(server.uri()).await.unwrap();
    let database = client.database(&format!("{prefix}_test"));
    let found = database.collection::<Document>("things").find_one(doc! { "_id": "ord_1" }).await.unwrap();
    let found = found.expect("it is in the service's own database, by its id");
    assert_eq!(found.get("version"), Some(&Bson::Int32(1)));
    let body = doc! { "total": { "amount_minor": 1250, "currency": "usd" }, "note": null };
    assert_eq!(found.get_document("body").unwrap(), &body);
    assert_eq!(found.get_document("keys").unwrap(), &doc! { "by_key": "paid/ord_1" });
    assert_eq!(found.get_array("handled").unwrap(), &[told.id.to_string().into()]);
    let event = found.get_array("outbox").unwrap()[0].as_document().unwrap();
    assert_eq!(event.get_str("type").unwrap(), "thing.changed");
    assert_eq!(event.get_str("id").unwrap(), told.id.to_string());
    assert_eq!(event.get_datetime("at").unwrap(), found.get_datetime("unsent_since").unwrap());
    assert!(connected.version().await.unwrap().contains('.'));
    connected.close().await;
}

#[tokio::test]
async fn a_removed_document_is_gone_once_its_last_event_is() {
    let server = shared().await.unwrap();
    let prefix = prefix();
    let (_connected, store) = instance(server, &prefix, Arc::new(ManualClock::default())).await;
    store.check().await.unwrap();
    store.save(Write { events: vec![event("a", 1)], ..insert("a") }).await.unwrap();
    store.save(insert("b")).await.unwrap();
    for id in ["a", "b"] {
        let remove = Write { body: None, expected: Expected::Version(1), ..insert(id) };
        store.save(remove).await.unwrap();
    }
    assert_eq!(store.count(THINGS, None, "").await.unwrap(), 0);
    let client = mongodb::Client::with_uri_str(server.uri()).await.unwrap();
    let things = client.database(&format!("{prefix}_test")).collection::<Document>("things");
    let left = things.find_one(doc! {}).await.unwrap().expect("its event still waits");
    let fields: BTreeSet<_> = left.keys().map(String::as_str).collect();
    assert_eq!(fields, BTreeSet::from(["_id", "outbox", "removed", "unsent_since"]));
    let claimed = store.claim_outbox(10, super::PATIENCE).await.unwrap();
    store.trim_outbox(&claimed).await.unwrap();
    assert_eq!(things.find_one(doc! {}).await.unwrap(), None);
}

#[tokio::test]
async fn lists_and_counts_use_their_index() {
    let server = shared().await.unwrap();
    let prefix = prefix();
    let (_connected, store) = instance(server, &prefix, Arc::new(ManualClock::default())).await;
    store.check().await.unwrap();
    for number in 0..50 {
        let key = vec![IndexKey::new("by_key", format!("k{:02}", number % 10))];
        store.save(Write { index_keys: key, ..insert(&format!("id{number:02}")) }).await.unwrap();
    }
    let query = IndexQuery {
        index: Some("by_key"),
        prefix: "k".to_owned(),
        below: Some("k05".to_owned()),
        order: Order::Ascending,
        limit: 10,
        cursor: None,
    };
    assert_eq!(store.list(THINGS, query).await.unwrap().entries.len(), 10);
    let client = mongodb::Client::with_uri_str(server.uri()).await.unwrap();
    let database = client.database(&format!("{prefix}_test"));
    let range = doc! { "keys.by_key": { "$gte": "k", "$lt": "l" } };
    let find =
        doc! { "find": "things", "filter": &range, "sort": { "keys.by_key": 1, "_id": 1 }, "limit": 11 };
    let count = doc! { "count": "things", "query": range };
    for command in [find, count] {
        let explained = database.run_command(doc! { "explain": command, "verbosity": "queryPlanner" }).await;
        let plan = explained.unwrap().to_string();
        assert!(plan.contains("keys.by_key"), "{plan}");
        assert!(!plan.contains("COLLSCAN"), "{plan}");
    }
}
