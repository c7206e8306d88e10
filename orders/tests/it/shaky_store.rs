//! The embedded store behind a switch: down, losing replies, or frozen after a write, as a dying process would be.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use common::{Fault, Page};
use store::{Collection, DocumentStore, IndexQuery, OutboxEntry, Stored, Write};
use tokio::sync::Semaphore;

/// What happens to one save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accident {
    /// Nothing is written.
    Refused,
    /// It is written, and the writer never learns of it.
    ReplyLost,
    /// It is written, and the writer is frozen for good.
    Frozen,
}

#[derive(Debug)]
pub(crate) struct ShakyStore {
    inner: Arc<dyn DocumentStore>,
    down: AtomicBool,
    saves: AtomicUsize,
    /// The accident and the save, counted from 1, that it happens to.
    accident: Mutex<Option<(usize, Accident)>>,
    frozen: Semaphore,
}

impl ShakyStore {
    pub(crate) fn new(inner: Arc<dyn DocumentStore>) -> Self {
        Self {
            inner,
            down: AtomicBool::new(false),
            saves: AtomicUsize::new(0),
            accident: Mutex::new(None),
            frozen: Semaphore::new(0),
        }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Durable waits so far.
    pub(crate) fn saves(&self) -> usize {
        self.saves.load(Ordering::SeqCst)
    }

    /// Lets the save after the next `skip` saves have this accident.
    pub(crate) fn arrange(&self, skip: usize, accident: Accident) {
        *self.accident.lock().unwrap() = Some((self.saves() + skip + 1, accident));
    }

    /// Returns once a writer is frozen.
    pub(crate) async fn frozen(&self) {
        self.frozen.acquire().await.unwrap().forget();
    }

    fn up(&self) -> Result<(), Fault> {
        if self.down.load(Ordering::SeqCst) { Err(Fault::unavailable("the store is down")) } else { Ok(()) }
    }

    async fn write<T>(&self, write: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        self.up()?;
        let number = self.saves.fetch_add(1, Ordering::SeqCst) + 1;
        let mine = {
            let mut accident = self.accident.lock().unwrap();
            let mine = accident.filter(|(at, _)| *at == number).map(|(_, what)| what);
            if mine.is_some() {
                *accident = None;
            }
            mine
        };
        match mine {
            None => write.await,
            Some(Accident::Refused) => Err(Fault::unavailable("the disk refused")),
            Some(Accident::ReplyLost) => {
                write.await?;
                Err(Fault::unavailable("the reply was lost"))
            }
            Some(Accident::Frozen) => {
                write.await?;
                self.frozen.add_permits(1);
                std::future::pending().await
            }
        }
    }
}

#[async_trait]
impl DocumentStore for ShakyStore {
    async fn load(&self, collection: Collection, id: &str) -> Result<Option<Stored>, Fault> {
        self.up()?;
        self.inner.load(collection, id).await
    }

    async fn load_many(&self, collection: Collection, ids: &[String]) -> Result<Vec<Option<Stored>>, Fault> {
        self.up()?;
        self.inner.load_many(collection, ids).await
    }

    async fn save(&self, write: Write) -> Result<u64, Fault> {
        self.write(self.inner.save(write)).await
    }

    async fn save_in_order(&self, writes: Vec<Write>) -> Result<Vec<u64>, Fault> {
        self.write(self.inner.save_in_order(writes)).await
    }

    async fn list(&self, collection: Collection, query: IndexQuery) -> Result<Page<Stored>, Fault> {
        self.up()?;
        self.inner.list(collection, query).await
    }

    async fn count(
        &self,
        collection: Collection,
        index: Option<&'static str>,
        prefix: &str,
    ) -> Result<u64, Fault> {
        self.up()?;
        self.inner.count(collection, index, prefix).await
    }

    async fn claim_outbox(&self, limit: usize, lease: Duration) -> Result<Vec<OutboxEntry>, Fault> {
        self.up()?;
        self.inner.claim_outbox(limit, lease).await
    }

    async fn trim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        self.up()?;
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
        self.up()?;
        self.inner.lease(name, owner, ttl).await
    }

    async fn check(&self) -> Result<(), Fault> {
        self.up()
    }
}
