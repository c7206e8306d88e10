//! What is on disk: one entry per message, whichever queues take it, and a small record for a queue that is through
//! with a message before the others or has failed on it.

use std::iter::Peekable;

use bytes::Bytes;
use common::{Fault, Timestamp};
use store::embedded::{Entries, View};

/// A message's number: messages are numbered in the order in which they were committed.
pub(super) type Seq = u64;

/// A set of queues, by their number; the numbers are kept on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct QueueSet(u64);

/// Queue names that one database may ever have seen.
pub(super) const MAX_QUEUES: usize = 64;

impl QueueSet {
    pub(super) fn one(queue: usize) -> Self {
        Self(1 << queue)
    }

    pub(super) fn contains(self, queue: usize) -> bool {
        self.0 & (1 << queue) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn insert(&mut self, queue: usize) {
        self.0 |= 1 << queue;
    }

    pub(super) fn remove(&mut self, queue: usize) {
        self.0 &= !(1 << queue);
    }

    #[must_use]
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    #[must_use]
    pub(super) fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn iter(mut self) -> impl Iterator<Item = usize> {
        std::iter::from_fn(move || {
            let queue = (!self.is_empty()).then(|| self.0.trailing_zeros() as usize)?;
            self.remove(queue);
            Some(queue)
        })
    }
}

/// The counted failures of one queue with one message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failures {
    pub(super) attempts: u32,
    pub(super) first_failed_at: Timestamp,
}

/// Where a queue stands with a message; without a record the message waits for its first handling.
#[derive(Clone, Copy, Debug)]
pub(super) enum Record {
    Done,
    /// Failed before, and due again at this time.
    Failed {
        failures: Failures,
        due: Timestamp,
    },
}

const NAMES: &[u8] = b"q";
const MESSAGE: u8 = b'm';
const RECORD: u8 = b's';
const DEAD: u8 = b'x';

/// Where the names of the queues are, in the order of their numbers.
pub(super) fn names_key() -> &'static [u8] {
    NAMES
}

fn key(kind: u8, seq: Seq) -> Vec<u8> {
    let mut key = Vec::with_capacity(10);
    key.push(kind);
    key.extend_from_slice(&seq.to_be_bytes());
    key
}

pub(super) fn message_key(seq: Seq) -> Vec<u8> {
    key(MESSAGE, seq)
}

pub(super) fn record_key(seq: Seq, queue: usize) -> Vec<u8> {
    let mut key = key(RECORD, seq);
    key.push(queue_byte(queue));
    key
}

pub(super) fn dead_prefix(queue: usize) -> [u8; 2] {
    [DEAD, queue_byte(queue)]
}

pub(super) fn dead_key(queue: usize, id: Seq) -> Vec<u8> {
    [&dead_prefix(queue)[..], &id.to_be_bytes()].concat()
}

/// The number of the dead letter with this key.
pub(super) fn dead_id(key: &[u8]) -> Seq {
    number(key, 2)
}

/// The number of the message with this key.
pub(super) fn message_seq(key: &[u8]) -> Seq {
    number(key, 1)
}

/// The eight bytes at this place; 0 where there are none.
fn number(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_be_bytes)
}

fn queue_byte(queue: usize) -> u8 {
    u8::try_from(queue).expect("below MAX_QUEUES")
}

/// The stored form: the queues that take it, then the event as JSON.
pub(super) fn message_value(queues: QueueSet, event: &crate::Event) -> Vec<u8> {
    let mut value = Vec::with_capacity(384 + event.data.get().len());
    value.extend_from_slice(&queues.0.to_be_bytes());
    serde_json::to_writer(&mut value, event)
        .expect("an event of strings and JSON encodes, and a Vec takes it");
    value
}

impl Record {
    pub(super) fn encode(self) -> Vec<u8> {
        match self {
            Self::Done => vec![0],
            Self::Failed { failures, due } => {
                let mut value = vec![1];
                value.extend_from_slice(&failures.attempts.to_be_bytes());
                value.extend_from_slice(&failures.first_failed_at.as_millis().to_be_bytes());
                value.extend_from_slice(&due.as_millis().to_be_bytes());
                value
            }
        }
    }

    /// Anything unreadable counts as failed and due at once: a delivery too many does no harm.
    fn decode(value: &[u8]) -> Self {
        if value == [0] {
            return Self::Done;
        }
        let attempts = value.get(1..5).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
        let first_failed_at = Timestamp::from_millis(number(value, 5));
        Self::Failed {
            failures: Failures { attempts, first_failed_at },
            due: Timestamp::from_millis(number(value, 13)),
        }
    }
}

/// A message as it is on disk.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) seq: Seq,
    pub(super) queues: QueueSet,
    /// By queue number.
    pub(super) records: Vec<(usize, Record)>,
    value: Bytes,
}

impl Stored {
    pub(super) fn recorded(&self) -> QueueSet {
        self.records.iter().fold(QueueSet::default(), |set, (queue, _)| set.with(QueueSet::one(*queue)))
    }

    pub(super) fn done(&self) -> QueueSet {
        let done = self.records.iter().filter(|(_, record)| matches!(record, Record::Done));
        done.fold(QueueSet::default(), |set, (queue, _)| set.with(QueueSet::one(*queue)))
    }

    pub(super) fn record(&self, queue: usize) -> Option<Record> {
        self.records.iter().find(|(of, _)| *of == queue).map(|(_, record)| *record)
    }

    pub(super) fn json(&self) -> &[u8] {
        self.value.get(8..).unwrap_or_default()
    }

    /// The event; the error says what is wrong with the message.
    pub(super) fn event(&self) -> Result<crate::Event, serde_json::Error> {
        serde_json::from_slice(self.json())
    }
}

/// Messages with their records, in order, read side by side.
pub(super) struct Messages {
    messages: Entries,
    records: Peekable<Entries>,
}

impl Messages {
    /// The messages numbered `first..=last`.
    pub(super) fn between(view: &View, first: Seq, last: Seq) -> Self {
        Self {
            messages: view.range(message_key(first)..=message_key(last)),
            records: view.range(record_key(first, 0)..=record_key(last, MAX_QUEUES - 1)).peekable(),
        }
    }

    /// The records of this message, passing over those of messages that are gone.
    fn records_of(&mut self, seq: Seq) -> Result<Vec<(usize, Record)>, Fault> {
        let mut records = Vec::new();
        let limit = record_key(seq, MAX_QUEUES - 1);
        while let Some(entry) = self.records.next_if(|e| e.as_ref().map_or(true, |(k, _)| k[..] <= limit[..]))
        {
            let (key, value) = entry?;
            if key.get(1..9) == Some(&seq.to_be_bytes()) {
                records.push((usize::from(key[9]), Record::decode(&value)));
            }
        }
        Ok(records)
    }

    fn read(&mut self, key: &[u8], value: Bytes) -> Result<Stored, Fault> {
        let (seq, queues) = (message_seq(key), QueueSet(number(&value, 0)));
        Ok(Stored { seq, queues, records: self.records_of(seq)?, value })
    }
}

impl Iterator for Messages {
    type Item = Result<Stored, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.messages.next()?;
        Some(entry.and_then(|(key, value)| self.read(&key, value)))
    }
}
