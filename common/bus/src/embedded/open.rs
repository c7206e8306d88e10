//! Opening: gives every queue its number, and fills memory from what is on disk.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use common::{Clock, Fault, Random};
use store::embedded::{Database, Keyspace};
use tokio::sync::Notify;

use super::{
    broker::Broker,
    hints::Hints,
    layout::{
        Failures, MAX_QUEUES, Messages, QueueSet, Record, Seq, Stored, dead_id, dead_prefix, message_key,
        message_seq, names_key, record_key,
    },
    state::State,
};
use crate::topology::{QueueSpec, Topology};

/// The bus's keyspace.
const KEYSPACE: &str = "bus";
/// Messages that no queue waits for, removed in one unit of work.
const SWEEP: usize = 1024;

impl Broker {
    pub(super) fn open(
        database: &Database,
        topology: Topology,
        ladder: Vec<Duration>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<Self>, Fault> {
        let keyspace = database.keyspace(KEYSPACE)?;
        let names = names(database, &keyspace, &topology.queues)?;
        let number = |spec: &QueueSpec| names.iter().position(|name| name == spec.name);
        let numbers: Vec<_> =
            topology.queues.iter().map(|spec| number(spec).expect("each was just given one")).collect();
        let known = numbers.iter().fold(QueueSet::default(), |set, n| set.with(QueueSet::one(*n)));
        let state = State::new(names.len(), known);
        let broker = Arc::new(Self {
            database: database.clone(),
            keyspace,
            clock,
            random,
            ladder,
            specs: topology.queues,
            numbers,
            hints: Hints::default(),
            wake: names.iter().map(|_| Notify::new()).collect(),
            next_seq: AtomicU64::new(1),
            next_subscription: AtomicU64::new(1),
            state: Mutex::new(state),
        });
        broker.fill()?;
        Ok(broker)
    }

    /// Reads every message once: what the queues wait for into memory as far as there is room, the rest is counted.
    fn fill(self: &Arc<Self>) -> Result<(), Fault> {
        self.continue_numbers()?;
        let mut settled = Vec::new();
        for stored in Messages::between(&self.keyspace.view(), 0, Seq::MAX) {
            let stored = stored?;
            let open = self.lock().open_on_disk(&stored);
            open.iter().for_each(|queue| self.place(queue, &stored));
            if open.is_empty() {
                settled.push((stored.seq, stored.recorded()));
            }
            if settled.len() == SWEEP {
                self.remove(std::mem::take(&mut settled))?;
            }
        }
        self.remove(settled)
    }

    /// Counts the dead letters, and lets numbers go on behind the highest that is in use.
    fn continue_numbers(&self) -> Result<(), Fault> {
        let last_message = self.keyspace.range(message_key(0)..=message_key(Seq::MAX)).keys().next_back();
        let last_message = last_message.transpose()?.map_or(0, |key| message_seq(&key));
        let last = last_message.max(self.count_dead_letters()?);
        self.next_seq.store(last + 1, Ordering::Relaxed);
        Ok(())
    }

    fn place(self: &Arc<Self>, queue: usize, stored: &Stored) {
        let mut state = self.lock();
        if let Some(Record::Failed { failures, due }) = stored.record(queue) {
            state.queues[queue].climb(stored.seq, failures, due);
            return;
        }
        state.queues[queue].count_waiting();
        if !state.queues[queue].has_room() {
            return;
        }
        match self.hold(&mut state, queue, stored, Failures::default()) {
            Some(message) => _ = state.queues[queue].load(message),
            None => state.queues[queue].uncount_waiting(),
        }
    }

    /// Lazily: were it lost, the next opening would find them again.
    fn remove(self: &Arc<Self>, settled: Vec<(Seq, QueueSet)>) -> Result<(), Fault> {
        if settled.is_empty() {
            return Ok(());
        }
        let keyspace = self.keyspace.clone();
        self.database.commit_lazily(move |tx| {
            for (seq, recorded) in settled {
                tx.remove(&keyspace, message_key(seq));
                recorded.iter().for_each(|queue| tx.remove(&keyspace, record_key(seq, queue)));
            }
            Ok(())
        })
    }

    /// Counts them per queue and says what the highest number is.
    fn count_dead_letters(&self) -> Result<Seq, Fault> {
        let mut last = 0;
        for queue in &self.numbers {
            let mut letters = 0;
            for key in self.keyspace.prefix(&dead_prefix(*queue)).keys() {
                last = last.max(dead_id(&key?));
                letters += 1;
            }
            self.lock().queues[*queue].bury(letters);
        }
        Ok(last)
    }
}

/// The names of all queues that this database has ever had, in the order of their numbers; new ones get the next.
fn names(database: &Database, keyspace: &Keyspace, specs: &[QueueSpec]) -> Result<Vec<String>, Fault> {
    let mut names: Vec<String> = match keyspace.get(names_key())? {
        Some(value) => serde_json::from_slice(&value)
            .map_err(|e| Fault::internal(format!("read the names of the bus's queues: {e}")))?,
        None => Vec::new(),
    };
    let known = names.len();
    for spec in specs {
        if !names.iter().any(|name| name == spec.name) {
            names.push(spec.name.to_owned());
        }
    }
    if names.len() > MAX_QUEUES {
        return Err(Fault::internal(format!("the bus has had more than {MAX_QUEUES} queues")));
    }
    if names.len() > known {
        let value = serde_json::to_vec(&names).expect("strings encode");
        let keyspace = keyspace.clone();
        // Whatever is published later is behind it in the same journal.
        database.commit_lazily(move |tx| {
            tx.insert(&keyspace, names_key(), value);
            Ok(())
        })?;
    }
    Ok(names)
}
