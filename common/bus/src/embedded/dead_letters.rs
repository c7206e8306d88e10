//! What operators do: look at the queues, and list, replay and purge dead letters.

use std::sync::Arc;

use common::{Code, Fault};
use store::embedded::Transaction;

use super::{
    broker::Broker,
    layout::{QueueSet, Seq, dead_key, dead_prefix, message_key, message_value},
    state::Accepted,
};
use crate::port::{DeadLetter, Event, QueueDepth};

impl Broker {
    pub(super) fn depths(&self) -> Vec<QueueDepth> {
        let state = self.lock();
        let numbered = self.specs.iter().zip(&self.numbers);
        numbered.map(|(spec, number)| state.queues[*number].depth(spec.name)).collect()
    }

    pub(super) fn list(&self, queue: usize, limit: usize) -> Result<Vec<DeadLetter>, Fault> {
        let entries = self.keyspace.prefix(&dead_prefix(queue)).take(limit);
        entries.map(|entry| entry.and_then(|(_, value)| letter(&value))).collect()
    }

    pub(super) fn find(&self, queue: usize, id: &str) -> Result<Option<DeadLetter>, Fault> {
        let Ok(id) = id.parse::<Seq>() else { return Ok(None) };
        self.keyspace.get(&dead_key(queue, id))?.map(|value| letter(&value)).transpose()
    }

    pub(super) async fn replay(self: &Arc<Self>, queue: usize, id: &str) -> Result<bool, Fault> {
        let Ok(id) = id.parse::<Seq>() else { return Ok(false) };
        let broker = Arc::clone(self);
        let work = move |tx: &mut Transaction| {
            let Some(value) = tx.get(&broker.keyspace, &dead_key(queue, id))? else { return Ok(false) };
            let event = readable(letter(&value)?)?;
            let (seq, queues) = (broker.next_seq(), QueueSet::one(queue));
            tx.remove(&broker.keyspace, dead_key(queue, id));
            tx.insert(&broker.keyspace, message_key(seq), message_value(queues, &event));
            let accepted = Accepted { seq, queues, event: Arc::new(event) };
            tx.after_commit(move || {
                broker.lock().queues[queue].unbury();
                broker.announce(&[accepted]);
            });
            Ok(true)
        };
        self.database.commit(work).await
    }

    pub(super) async fn purge(self: &Arc<Self>, queue: usize, id: &str) -> Result<bool, Fault> {
        let Ok(id) = id.parse::<Seq>() else { return Ok(false) };
        let broker = Arc::clone(self);
        let work = move |tx: &mut Transaction| {
            if tx.get(&broker.keyspace, &dead_key(queue, id))?.is_none() {
                return Ok(false);
            }
            tx.remove(&broker.keyspace, dead_key(queue, id));
            tx.after_commit(move || broker.lock().queues[queue].unbury());
            Ok(true)
        };
        self.database.commit(work).await
    }
}

fn letter(value: &[u8]) -> Result<DeadLetter, Fault> {
    serde_json::from_slice(value).map_err(|e| Fault::internal(format!("read a dead letter: {e}")))
}

/// The event of a letter; one that could not be read may be readable to this version of the program.
fn readable(letter: DeadLetter) -> Result<Event, Fault> {
    let reparsed = || letter.raw.as_deref().and_then(|raw| serde_json::from_str(raw).ok());
    letter
        .event
        .or_else(reparsed)
        .ok_or_else(|| Fault::new(Code::InvalidRequest, "the message cannot be read; it can only be purged"))
}
