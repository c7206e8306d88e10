//! A store that breaks on command, at a chosen document: for tests of what is left half-way.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use common::{Code, Fault, Page};
use store::{Collection, DocumentStore, IndexQuery, OutboxEntry, Stored, Write};

/// What happens at the chosen write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It is not done, and nothing works from then on, as after a crash.
    Crash,
    /// It is not done, once.
    Refuse,
    /// It is done and reported as `unavailable`, once; the rest of its call is not done.
    LoseAnswer,
    /// The same, and nothing works from then on.
    LoseAnswerAndCrash,
}

/// Wraps a store. Healthy until it is told otherwise; counts the writes that get through.
pub struct FaultyStore {
    inner: Arc<dyn DocumentStore>,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    plan: Plan,
    calls: usize,
    writes: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Plan {
    #[default]
    Healthy,
    After(usize, Break),
    Down,
    Refusing(Collection),
}

/// How much of a call is done, and whether its caller hears of it.
struct Verdict {
    done: usize,
    heard: bool,
}

impl FaultyStore {
    #[must_use]
    pub fn new(inner: Arc<dyn DocumentStore>) -> Self {
        Self { inner, state: Mutex::default() }
    }

    /// Lets `writes` more documents be written; what comes after breaks.
    pub fn break_after(&self, writes: usize, how: Break) {
        self.state().plan = Plan::After(writes, how);
    }

    /// Nothing works until it is healed.
    pub fn take_down(&self) {
        self.state().plan = Plan::Down;
    }

    /// Refuses every write to this collection, as if what is written were wrong in itself, until it is healed.
    pub fn refuse(&self, collection: Collection) {
        self.state().plan = Plan::Refusing(collection);
    }

    /// Works again, and forgets what it was to break.
    pub fn heal(&self) {
        self.state().plan = Plan::Healthy;
    }

    /// How many documents were written.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.state().writes
    }

    /// How many calls wrote them: durable waits.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<&dyn DocumentStore, Fault> {
        match self.state().plan {
            Plan::Down => Err(down()),
            Plan::Healthy | Plan::After(..) | Plan::Refusing(_) => Ok(&*self.inner),
        }
    }

    fn admit(&self, writes: usize) -> Verdict {
        let mut state = self.state();
        let verdict = match state.plan {
            Plan::Healthy | Plan::Refusing(_) => Verdict { done: writes, heard: true },
            Plan::Down => Verdict { done: 0, heard: false },
            Plan::After(left, how) if left >= writes => {
                state.plan = Plan::After(left - writes, how);
                Verdict { done: writes, heard: true }
            }
            Plan::After(left, how) => {
                let crashes = matches!(how, Break::Crash | Break::LoseAnswerAndCrash);
                state.plan = if crashes { Plan::Down } else { Plan::Healthy };
                let lost = matches!(how, Break::LoseAnswer | Break::LoseAnswerAndCrash);
                Verdict { done: left + usize::from(lost), heard: false }
            }
        };
        state.calls += usize::from(verdict.done > 0);
        state.writes += verdict.done;
        verdict
    }
}

fn down() -> Fault {
    Fault::unavailable("the store was told to break")
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("state", &*self.state()).finish_non_exhaustive()
    }
}

#[async_trait]
impl DocumentStore for FaultyStore {
    async fn load(&self, collection: Collection, id: &str) -> Result<Option<Stored>, Fault> {
        self.up()?.load(collection, id).await
    }

    async fn load_many(&self, collection: Collection, ids: &[String]) -> Result<Vec<Option<Stored>>, Fault> {
        self.up()?.load_many(collection, ids).await
    }

    async fn save(&self, write: Write) -> Result<u64, Fault> {
        let versions = self.save_in_order(vec![write]).await?;
        Ok(versions[0])
    }

    async fn save_in_order(&self, mut writes: Vec<Write>) -> Result<Vec<u64>, Fault> {
        if let Plan::Refusing(collection) = self.state().plan
            && writes.iter().any(|write| write.collection == collection)
        {
            return Err(Fault::new(Code::InvalidRequest, "the store was told to refuse this"));
        }
        let Verdict { done, heard } = self.admit(writes.len());
        writes.truncate(done);
        let saved = if writes.is_empty() { Ok(Vec::new()) } else { self.inner.save_in_order(writes).await };
        if heard { saved } else { saved.and(Err(down())) }
    }

    async fn list(&self, collection: Collection, query: IndexQuery) -> Result<Page<Stored>, Fault> {
        self.up()?.list(collection, query).await
    }

    async fn count(
        &self,
        collection: Collection,
        index: Option<&'static str>,
        prefix: &str,
    ) -> Result<u64, Fault> {
        self.up()?.count(collection, index, prefix).await
    }

    async fn claim_outbox(&self, limit: usize, lease: Duration) -> Result<Vec<OutboxEntry>, Fault> {
        self.up()?.claim_outbox(limit, lease).await
    }

    async fn trim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        self.up()?.trim_outbox(entries).await
    }

    async fn unclaim_outbox(&self, entries: &[OutboxEntry]) -> Result<(), Fault> {
        self.up()?.unclaim_outbox(entries).await
    }

    async fn outbox_changed(&self) {
        self.inner.outbox_changed().await;
    }

    async fn outbox_depth(&self) -> Result<u64, Fault> {
        self.up()?.outbox_depth().await
    }

    async fn lease(&self, name: &str, owner: &str, ttl: Duration) -> Result<bool, Fault> {
        self.up()?.lease(name, owner, ttl).await
    }

    async fn check(&self) -> Result<(), Fault> {
        self.up()?.check().await
    }
}
