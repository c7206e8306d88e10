//! The document store of one service in the process's database: one keyspace, documents and outbox in one commit.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use common::{Clock, Fault, Page};

use super::{
    change::Change, database::Database, envelope, keys, keyspace::Keyspace, leases::Leases, list,
    outbox::Outbox, transaction::Transaction,
};
use crate::{
    port::{Collection, DocumentStore, IndexQuery, OutboxEntry, Stored, Write},
    schema::Schema,
};

/// The embedded adapter of [`DocumentStore`]. Claims and leases are kept in memory, because one process owns the
/// folder: what it had claimed is free again when it starts anew.
#[derive(Debug)]
pub struct EmbeddedStore {
    database: Database,
    keyspace: Keyspace,
    outbox: Arc<Outbox>,
    leases: Leases,
    clock: Arc<dyn Clock>,
    schema: &'static Schema,
}

impl EmbeddedStore {
    /// Opens the store of a service, once per process: claims on its outbox are known to this value alone. The
    /// clock decides when claims and leases end. Faults: `unavailable`.
    pub fn open(database: &Database, schema: &'static Schema, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let keyspace = database.keyspace(schema.service)?;
        let outbox = Arc::new(Outbox::open(&keyspace)?);
        Ok(Self { database: database.clone(), keyspace, outbox, leases: Leases::default(), clock, schema })
    }

    /// Runs the changes as one unit of work, which waits for the disk once: up to the first that fails.
    async fn commit(&self, changes: Vec<Change>) -> Result<(Vec<u64>, Option<Fault>), Fault> {
        let (keyspace, outbox) = (self.keyspace.clone(), Arc::clone(&self.outbox));
        let work = move |transaction: &mut Transaction| {
            let mut versions = Vec::with_capacity(changes.len());
            let mut leaving = Vec::new();
            let mut refused = None;
            for change in changes {
                match change.apply(transaction, &keyspace, &outbox, &mut leaving) {
                    Ok(version) => versions.push(version),
                    Err(fault) => {
                        refused = Some(fault);
                        break;
                    }
                }
            }
            if !leaving.is_empty() {
                transaction.after_commit(move || outbox.committed(leaving));
            }
            Ok((versions, refused))
        };
        self.database.commit(work).await
    }
}

#[async_trait]
impl DocumentStore for EmbeddedStore {
    async fn load(&self, collection: Collection, id: &str) -> Result<Option<Stored>, Fault> {
        self.schema.collection(collection)?;
        let document = self.keyspace.get(&keys::document(collection, id))?;
        document.map(|bytes| envelope::stored(id.to_owned(), &bytes)).transpose()
    }

    async fn load_many(&self, collection: Collection, ids: &[String]) -> Result<Vec<Option<Stored>>, Fault> {
        self.schema.collection(collection)?;
        let load = |id: &String| {
            let document = self.keyspace.get(&keys::document(collection, id))?;
            document.map(|bytes| envelope::stored(id.clone(), &bytes)).transpose()
        };
        ids.iter().map(load).collect()
    }

    async fn save(&self, write: Write) -> Result<u64, Fault> {
        let versions = self.save_in_order(vec![write]).await?;
        Ok(versions[0])
    }

    async fn save_in_order(&self, writes: Vec<Write>) -> Result<Vec<u64>, Fault> {
        writes.iter().try_for_each(|write| self.schema.check_write(write))?;
        let changes = writes.into_iter().map(Change::prepare).collect::<Result<_, _>>()?;
        match self.commit(changes).await? {
            (_, Some(fault)) => Err(fault),
            (versions, None) => Ok(versions),
        }
    }

    async fn list(&self, collection: Collection, query: IndexQuery) -> Result<Page<Stored>, Fault> {
        self.schema.check_index(collection, query.index)?;
        list::page(&self.keyspace, collection, &query)
    }

    async fn count(
        &self,
        collection: Collection,
        index: Option<&'static str>,
        prefix: &str,
    ) -> Result<u64, Fault> {
        self.schema.check_index(collection, index)?;
        list::count(&self.keyspace, collection, index, prefix)
    }

    async fn claim_outbox(&self, limit: usize, lease: Duration) -> Result<Vec<OutboxEntry>, Fault> {
        let now = self.clock.now();
        self.outbox.claim(&self.keyspace, limit, now, now + lease)
    }

    async fn trim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        let published = self.outbox.published(entries);
        if published.is_empty() {
            return Ok(());
        }
        let keyspace = self.keyspace.clone();
        self.database.commit_lazily(move |transaction| {
            published.into_iter().for_each(|key| transaction.remove(&keyspace, key));
            Ok(())
        })
    }

    async fn unclaim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        self.outbox.give_back(entries);
        Ok(())
    }

    async fn outbox_changed(&self) {
        self.outbox.changed().await;
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        Ok(self.outbox.depth())
    }

    async fn lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, Fault> {
        Ok(self.leases.take(name, owner, ttl, self.clock.now()))
    }

    async fn check(&self) -> Result<(), Fault> {
        self.database.check()
    }
}
