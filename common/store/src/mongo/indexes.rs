//! The indexes of a store's collections: made in the background from what the schema declares, until they are there.

use std::{sync::Arc, time::Duration};

use common::{Backoff, Fault, Random};
use mongodb::{Database, IndexModel, bson::doc, options::IndexOptions};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    failure::{deadline, fault},
    fields::{ID, OUTBOX, REMOVED, Raw, UNSENT_SINCE, key_of},
};
use crate::schema::{CollectionSchema, Schema};

/// How long one collection's indexes may take: a new one over millions of documents takes minutes, and giving up in
/// between would end it.
const BUILD_LIMIT: Duration = Duration::from_secs(600);
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(2) };

/// Makes them and knows how that goes. Stops when it is dropped.
#[derive(Debug)]
pub(super) struct Indexes {
    outcome: watch::Receiver<Option<Result<(), Fault>>>,
    task: JoinHandle<()>,
}

impl Indexes {
    pub(super) fn make(database: Database, schema: &'static Schema, random: Arc<dyn Random>) -> Self {
        let (sender, outcome) = watch::channel(None);
        let task = tokio::spawn(async move {
            let mut failures = 0;
            while let Err(fault) = make_all(&database, schema).await {
                if failures == 0 {
                    tracing::warn!(service = schema.service, %fault, "indexes are not made yet; trying on");
                }
                failures += 1;
                sender.send_replace(Some(Err(fault)));
                tokio::time::sleep(BACKOFF.delay(failures, &*random)).await;
            }
            sender.send_replace(Some(Ok(())));
        });
        Self { outcome, task }
    }

    /// `unavailable`, or why the server refuses them, as long as they are not there; waits for a first outcome.
    pub(super) async fn check(&self) -> Result<(), Fault> {
        let mut outcome = self.outcome.clone();
        let first = tokio::time::timeout_at(deadline().instant(), outcome.wait_for(Option::is_some)).await;
        let known = first.ok().and_then(Result::ok).and_then(|outcome| outcome.clone());
        known.unwrap_or_else(|| Err(Fault::unavailable("indexes are not made yet")))
    }
}

impl Drop for Indexes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn make_all(database: &Database, schema: &Schema) -> Result<(), Fault> {
    for declared in schema.collections {
        let indexes = models(declared);
        if !indexes.is_empty() {
            make_some(database, declared, indexes).await?;
        }
    }
    Ok(())
}

async fn make_some(
    database: &Database,
    declared: &CollectionSchema,
    indexes: Vec<IndexModel>,
) -> Result<(), Fault> {
    let attempted = format!("make the indexes of {}", declared.collection);
    let unavailable = |detail| Fault::unavailable(format!("{attempted}: {detail}"));
    let collection = database.collection::<Raw>(declared.collection.0);
    let making = async {
        collection.create_indexes(indexes).await?;
        // What another instance's last trim may have left.
        if declared.events {
            collection.delete_many(doc! { REMOVED: true, OUTBOX: { "$size": 0 } }).await?;
        }
        Ok(())
    };
    match tokio::time::timeout(BUILD_LIMIT, making).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(unavailable(fault("", &error).to_string())),
        Err(_) => Err(unavailable("it takes too long".to_owned())),
    }
}

/// Each holds only documents that have its field: most are in few.
fn models(declared: &CollectionSchema) -> Vec<IndexModel> {
    let keys = declared.indexes.iter().map(|index| key_of(index));
    let outbox = declared.events.then(|| [UNSENT_SINCE.to_owned(), REMOVED.to_owned()]);
    keys.chain(outbox.into_iter().flatten()).map(model).collect()
}

fn model(field: String) -> IndexModel {
    let options = IndexOptions::builder()
        .partial_filter_expression(doc! { &field: { "$exists": true } })
        .name(field.clone())
        .build();
    IndexModel::builder().keys(doc! { field: 1, ID: 1 }).options(options).build()
}
