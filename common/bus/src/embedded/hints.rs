//! Live hints: a bounded broadcast per pattern, inside the process. Never on disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::broadcast::{Receiver, Sender, channel, error::RecvError};

use crate::{
    port::{Event, LiveHints},
    topology::matches,
};

/// Hints that wait for one reader; the oldest are dropped then.
pub(super) const HINTS_MAX: usize = 10_000;

/// One channel per pattern that was ever asked for.
#[derive(Debug, Default)]
pub(super) struct Hints(Mutex<Channels>);

type Channels = Vec<(&'static str, Sender<Arc<Event>>)>;

impl Hints {
    pub(super) fn subscribe(&self, pattern: &'static str) -> Box<dyn LiveHints> {
        let mut channels = self.lock();
        if let Some((_, sender)) = channels.iter().find(|(of, _)| *of == pattern) {
            return Box::new(EmbeddedHints(sender.subscribe()));
        }
        let (sender, receiver) = channel(HINTS_MAX);
        channels.push((pattern, sender));
        Box::new(EmbeddedHints(receiver))
    }

    pub(super) fn send(&self, event: &Arc<Event>) {
        for (pattern, sender) in self.lock().iter() {
            if sender.receiver_count() > 0 && matches(pattern, &event.event_type) {
                // Nobody listens when the last reader left just now.
                let _ = sender.send(Arc::clone(event));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Channels> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct EmbeddedHints(Receiver<Arc<Event>>);

#[async_trait]
impl LiveHints for EmbeddedHints {
    async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some((*event).clone()),
            Err(RecvError::Lagged(_)) => None,
            // The bus is gone with its process; nothing will ever be hinted again.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
