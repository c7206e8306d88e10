//! Between a pump and its reader: one place per thing, overwritten by its latest state.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Things with news that the reader has not taken; one that is further behind is cut off and starts over.
const PENDING_MAX: usize = 1000;

/// The latest state of one thing.
#[derive(Debug, PartialEq)]
pub(crate) struct Update {
    /// What it is the state of: an order's or a ticket's id.
    pub(crate) key: String,
    pub(crate) event: &'static str,
    pub(crate) version: u64,
    pub(crate) json: String,
}

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug, Default)]
struct State {
    pending: VecDeque<Update>,
    closed: bool,
}

impl Mailbox {
    /// Replaces what is pending of the same thing; false when the box is closed or full, and closes a full one.
    pub(super) fn put(&self, update: Update) -> bool {
        let mut state = self.lock();
        match state.pending.iter().position(|pending| pending.key == update.key) {
            Some(place) => state.pending[place] = update,
            None if state.pending.len() < PENDING_MAX => state.pending.push_back(update),
            None => state.closed = true,
        }
        let open = !state.closed;
        drop(state);
        self.news.notify_one();
        open
    }

    /// The next update, oldest thing first; `None` once the box is closed and empty.
    pub(super) async fn next(&self) -> Option<Update> {
        loop {
            {
                let mut state = self.lock();
                if let Some(update) = state.pending.pop_front() {
                    return Some(update);
                }
                if state.closed {
                    return None;
                }
            }
            self.news.notified().await;
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(key: &str, version: u64) -> Update {
        Update { key: key.to_owned(), event: "order", version, json: String::new() }
    }

    #[tokio::test]
    async fn a_slow_reader_gets_the_latest_state_of_each_thing_only() {
        let mailbox = Mailbox::default();
        for version in 1..=5 {
            assert!(mailbox.put(update("a", version)));
            assert!(mailbox.put(update("b", version)));
        }
        mailbox.close();
        assert_eq!(mailbox.next().await, Some(update("a", 5)));
        assert_eq!(mailbox.next().await, Some(update("b", 5)));
        assert_eq!(mailbox.next().await, None);
    }

    #[tokio::test]
    async fn a_reader_that_is_too_far_behind_is_cut_off() {
        let mailbox = Mailbox::default();
        let taken = (0..=PENDING_MAX).filter(|n| mailbox.put(update(&n.to_string(), 1))).count();
        assert_eq!(taken, PENDING_MAX);
        assert!(!mailbox.put(update("0", 2)), "it stays closed");
    }
}
