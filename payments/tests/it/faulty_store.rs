//! A store whose nth save fails, before or after it took effect.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use common::{Fault, Page};
use store::{Collection, DocumentStore, IndexQuery, OutboxEntry, Stored, Write};

/// When the save fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    After,
}

#[derive(Debug)]
pub(crate) struct FaultyStore {
    inner: Arc<dyn DocumentStore>,
    saves: AtomicUsize,
    fault: Mutex<Option<(usize, When)>>,
}

impl FaultyStore {
    pub(crate) fn new(inner: Arc<dyn DocumentStore>, fault: Option<(usize, When)>) -> Self {
        Self { inner, saves: AtomicUsize::new(0), fault: Mutex::new(fault) }
    }

    /// How many saves there have been.
    pub(crate) fn saves(&self) -> usize {
        self.saves.load(Ordering::SeqCst)
    }

    /// Lets the next save fail.
    pub(crate) fn fail_next(&self, when: When) {
        *self.fault.lock().unwrap() = Some((self.saves(), when));
    }

    async fn strike<T>(&self, save: impl Future<Output = Result<T, Fault>> + Send) -> Result<T, Fault> {
        let number = self.saves.fetch_add(1, Ordering::SeqCst);
        let fault = *self.fault.lock().unwrap();
        let when = fault.filter(|(at, _)| *at == number).map(|(_, when)| when);
        if when == Some(When::Before) {
            return Err(Fault::unavailable("the disk failed before the save"));
        }
        let saved = save.await?;
        if when == Some(When::After) {
            return Err(Fault::unavailable("the disk failed after the save"));
        }
        Ok(saved)
    }
}

#[async_trait]
impl DocumentStore for FaultyStore {
    async fn load(&self, collection: Collection, id: &str) -> Result<Option<Stored>, Fault> {
        self.inner.load(collection, id).await
    }

    async fn load_many(&self, collection: Collection, ids: &[String]) -> Result<Vec<Option<Stored>>, Fault> {
        self.inner.load_many(collection, ids).await
    }

    async fn save(&self, write: Write) -> Result<u64, Fault> {
        self.strike(self.inner.save(write)).await
    }

    async fn save_in_order(&self, writes: Vec<Write>) -> Result<Vec<u64>, Fault> {
        self.strike(self.inner.save_in_order(writes)).await
    }

    async fn list(&self, collection: Collection, query: IndexQuery) -> Result<Page<Stored>, Fault> {
        self.inner.list(collection, query).await
    }

    async fn count(
        &self,
        collection: Collection,
        index: Option<&'static str>,
        prefix: &str,
    ) -> Result<u64, Fault> {
        self.inner.count(collection, index, prefix).await
    }

    async fn claim_outbox(&self, limit: usize, lease: Duration) -> Result<Vec<OutboxEntry>, Fault> {
        self.inner.claim_outbox(limit, lease).await
    }

    async fn trim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        self.inner.trim_outbox(entries).await
    }

    async fn unclaim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        self.inner.unclaim_outbox(entries).await
    }

    async fn outbox_changed(&self) {
        self.inner.outbox_changed().await;
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        self.inner.outbox_depth().await
    }

    async fn lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, Fault> {
        self.inner.lease(name, owner, ttl).await
    }

    async fn check(&self) -> Result<(), Fault> {
        self.inner.check().await
    }
}
