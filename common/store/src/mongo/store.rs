//! The document store of one service in its own MongoDB database.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use common::{Clock, Fault, Page, Random};
use mongodb::{
    Collection as MongoCollection, Database,
    bson::doc,
    options::{Acknowledgment, CollectionOptions, WriteConcern},
};
use tokio::sync::{Mutex, Notify};

use super::{
    failure::bounded,
    fields::Raw,
    indexes::Indexes,
    lease::{self, LEASES},
    list,
    outbox::{self, Candidate, Claim},
    save::Change,
};
use crate::{
    port::{Collection, DocumentStore, IndexQuery, OutboxEntry, Stored, Write},
    schema::Schema,
};

/// How long the relay may miss what another instance has saved.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How often a claim that lost all it picked to another claimer picks again.
const CLAIM_TRIES: usize = 4;

/// The MongoDB adapter of [`DocumentStore`]; see [`crate::mongo`].
pub struct MongoStore {
    database: Database,
    schema: &'static Schema,
    indexes: Indexes,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Names this process in the leases of events.
    owner: String,
    claims: AtomicI64,
    /// Held while the outbox is claimed or trimmed: two of one process would pick the same events, and the server
    /// would have to tell them apart.
    relaying: Mutex<()>,
    /// Events were saved or given back here since the relay last looked.
    changed: Notify,
    /// A removed document was seen that waits for its last event to go.
    removed_seen: AtomicBool,
}

impl MongoStore {
    pub(super) fn open(
        database: Database,
        schema: &'static Schema,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let indexes = Indexes::make(database.clone(), schema, Arc::clone(&random));
        Self {
            owner: format!("{:016x}", random.next_u64()),
            database,
            schema,
            indexes,
            clock,
            random,
            claims: AtomicI64::new(0),
            relaying: Mutex::new(()),
            changed: Notify::new(),
            removed_seen: AtomicBool::new(false),
        }
    }

    fn documents(&self, collection: Collection) -> Result<MongoCollection<Raw>, Fault> {
        Ok(self.database.collection(self.schema.collection(collection)?.collection.0))
    }

    /// The collections that have an outbox.
    fn outboxes(&self) -> Vec<MongoCollection<Raw>> {
        let declared = self.schema.collections.iter().filter(|declared| declared.events);
        declared.map(|declared| self.database.collection(declared.collection.0)).collect()
    }

    async fn apply(&self, change: &Change, collection: Collection) -> Result<u64, Fault> {
        change.apply(&self.documents(collection)?, &self.random).await
    }

    /// Leases what it can of the candidates.
    async fn take(&self, claim: &Claim<'_>, candidates: Vec<Candidate>) -> Result<Vec<OutboxEntry>, Fault> {
        let order: Vec<_> = candidates.iter().map(|candidate| candidate.entry.event.id).collect();
        let groups = outbox::by_collection(candidates, |candidate| candidate.entry.collection.clone());
        let mut taken = Vec::with_capacity(order.len());
        for (collection, candidates) in groups {
            let documents = self.database.collection(&collection);
            taken.extend(claim.take(&documents, candidates).await?);
        }
        if taken.iter().any(|candidate| candidate.removed) {
            self.removed_seen.store(true, Ordering::Relaxed);
        }
        let turn = |entry: &OutboxEntry| order.iter().position(|id| *id == entry.event.id);
        let mut entries: Vec<_> = taken.into_iter().map(|candidate| candidate.entry).collect();
        entries.sort_by_key(turn);
        Ok(entries)
    }
}

#[async_trait]
impl DocumentStore for MongoStore {
    async fn load(&self, collection: Collection, id: &str) -> Result<Option<Stored>, Fault> {
        list::one(&self.documents(collection)?, id).await
    }

    async fn load_many(&self, collection: Collection, ids: &[String]) -> Result<Vec<Option<Stored>>, Fault> {
        list::many(&self.documents(collection)?, ids).await
    }

    async fn save(&self, write: Write) -> Result<u64, Fault> {
        let versions = self.save_in_order(vec![write]).await?;
        Ok(versions[0])
    }

    async fn save_in_order(&self, writes: Vec<Write>) -> Result<Vec<u64>, Fault> {
        writes.iter().try_for_each(|write| self.schema.check_write(write))?;
        let changes = writes.iter().map(Change::prepare).collect::<Result<Vec<_>, _>>()?;
        let mut versions = Vec::with_capacity(writes.len());
        for (write, change) in writes.iter().zip(&changes) {
            versions.push(self.apply(change, write.collection).await?);
            if !write.events.is_empty() {
                self.changed.notify_one();
            }
        }
        Ok(versions)
    }

    async fn list(&self, collection: Collection, query: IndexQuery) -> Result<Page<Stored>, Fault> {
        self.schema.check_index(collection, query.index)?;
        list::page(&self.documents(collection)?, collection, &query).await
    }

    async fn count(
        &self,
        collection: Collection,
        index: Option<&'static str>,
        prefix: &str,
    ) -> Result<u64, Fault> {
        self.schema.check_index(collection, index)?;
        let with_removed = self.schema.collection(collection)?.events;
        list::count(&self.documents(collection)?, index, prefix, with_removed).await
    }

    async fn claim_outbox(&self, limit: usize, lease: Duration) -> Result<Vec<OutboxEntry>, Fault> {
        let outboxes = self.outboxes();
        let _turn = self.relaying.lock().await;
        for _ in 0..CLAIM_TRIES {
            let now = self.clock.now();
            let number = self.claims.fetch_add(1, Ordering::Relaxed);
            let claim = Claim { owner: &self.owner, number, now, until: now + lease };
            let candidates = claim.candidates(&outboxes, limit).await?;
            if candidates.is_empty() {
                break;
            }
            let entries = self.take(&claim, candidates).await?;
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }

    async fn trim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        let soon = WriteConcern::builder().w(Acknowledgment::Nodes(1)).build();
        let options = CollectionOptions::builder().write_concern(soon).build();
        let _turn = self.relaying.lock().await;
        let bury = self.removed_seen.swap(false, Ordering::Relaxed);
        for (collection, entries) in outbox::by_collection(entries, |entry| entry.collection.clone()) {
            let documents = self.database.collection_with_options(&collection, options.clone());
            outbox::trim(&documents, &entries).await?;
            if bury {
                outbox::bury(&documents).await?;
            }
        }
        Ok(())
    }

    async fn unclaim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        for (collection, entries) in outbox::by_collection(entries, |entry| entry.collection.clone()) {
            outbox::give_back(&self.database.collection(&collection), &self.owner, &entries).await?;
        }
        self.changed.notify_one();
        Ok(())
    }

    async fn outbox_changed(&self) {
        let _ = tokio::time::timeout(LOOK_AGAIN, self.changed.notified()).await;
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        let outboxes = self.outboxes();
        let depths = outboxes.iter().map(outbox::depth);
        Ok(futures::future::try_join_all(depths).await?.into_iter().sum())
    }

    async fn lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, Fault> {
        let now = self.clock.now();
        lease::take(&self.database.collection(LEASES), name, owner, now, now + ttl).await
    }

    async fn check(&self) -> Result<(), Fault> {
        self.indexes.check().await?;
        bounded("ping", self.database.run_command(doc! { "ping": 1 })).await.map(drop)
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").field("database", &self.database.name()).finish_non_exhaustive()
    }
}
