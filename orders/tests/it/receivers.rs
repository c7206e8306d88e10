//! Receivers of notices in the test's own process: a mail server and a webhook endpoint that do as they are told.

pub(crate) mod http;
pub(crate) mod smtp;

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// How a receiver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    /// Says that it will never take the notice.
    Refuses,
    /// Fails on it.
    Fails,
    /// Is overloaded, or goes down.
    Away,
    /// Reads it and never answers.
    Silent,
}

/// What a receiver and its test both see.
#[derive(Debug)]
pub(crate) struct Desk {
    mood: Mutex<Mood>,
    taken: Mutex<Vec<String>>,
    came: Notify,
}

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { mood: Mutex::new(Mood::Takes), taken: Mutex::default(), came: Notify::new() })
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn mood(&self) -> Mood {
        *self.mood.lock().unwrap()
    }

    /// What was taken, head and body.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    fn take(&self, message: String) {
        self.taken.lock().unwrap().push(message);
    }

    /// Resolves once something has come in, taken or not.
    pub(crate) async fn came(&self) {
        self.came.notified().await;
    }
}
