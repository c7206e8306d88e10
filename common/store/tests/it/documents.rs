//! The typed client over the embedded store.

use std::{sync::Arc, time::Duration};

use common::{EventId, Ids};
use serde::{Deserialize, Serialize};
use store::{
    Collection, CollectionSchema, Document, DocumentStore as _, Documents, IndexKey, IndexQuery, Order, Save,
    Schema,
};
use testkit::random::SeededRandom;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parcel {
    id: String,
    state: String,
}

impl Document for Parcel {
    const COLLECTION: Collection = Collection("parcels");
    const INDEXES: &'static [&'static str] = &["by_state"];
    const EVENTS: bool = true;

    fn document_id(&self) -> String {
        self.id.clone()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::new("by_state", self.state.clone())]
    }
}

static SCHEMA: Schema = Schema { service: "parcels", collections: &[CollectionSchema::of::<Parcel>()] };

#[tokio::test]
async fn an_aggregate_moves_with_its_index_its_events_and_what_it_has_handled() {
    let folder = tempfile::tempdir().unwrap();
    let (store, clock) = super::open_as(folder.path(), &SCHEMA);
    let store = Arc::new(store);
    let ids = Ids::new(Arc::<testkit::clock::ManualClock>::clone(&clock), Arc::new(SeededRandom::new(1)));
    let cause: EventId = ids.mint();
    let parcels = Documents::<Parcel>::new(Arc::<store::embedded::EmbeddedStore>::clone(&store), ids, clock);

    let mut parcel = Parcel { id: "p1".into(), state: "packed".into() };
    let packed = Save::new().event("parcel.packed", &parcel).unwrap();
    assert_eq!(parcels.insert(&parcel, packed).await.unwrap(), 1);
    assert!(parcels.insert(&parcel, Save::new()).await.unwrap_err().is_version_conflict());

    let loaded = parcels.load("p1").await.unwrap().unwrap();
    assert_eq!((&loaded.body, loaded.version, loaded.has_handled(&cause)), (&parcel, 1, false));
    parcel.state = "sent".into();
    let sent = Save::new().event("parcel.sent", &parcel).unwrap().handling(Some(cause));
    assert_eq!(parcels.update(&parcel, 1, sent.clone()).await.unwrap(), 2);
    assert!(parcels.update(&parcel, 1, sent).await.unwrap_err().is_version_conflict());
    assert!(parcels.load("p1").await.unwrap().unwrap().has_handled(&cause));

    let events = store.claim_outbox(10, Duration::from_secs(1)).await.unwrap();
    let seen: Vec<_> = events.iter().map(|e| (e.event.event_type.as_str(), e.event.sequence)).collect();
    assert_eq!(seen, [("parcel.packed", 1), ("parcel.sent", 2)]);

    let sent = IndexQuery {
        index: Some("by_state"),
        prefix: "sent".into(),
        below: None,
        order: Order::Descending,
        limit: 10,
        cursor: None,
    };
    assert_eq!(parcels.list(sent).await.unwrap().entries[0].body, parcel);
    assert_eq!(parcels.count(Some("by_state"), "packed").await.unwrap(), 0);
    parcels.remove("p1", 2).await.unwrap();
    assert!(parcels.load("p1").await.unwrap().is_none());
}
