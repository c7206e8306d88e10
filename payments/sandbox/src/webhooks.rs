//! Tells the merchant: posts events to the webhook address until they are taken, with back-off, many at a time.

mod post;
pub mod signature;

use std::{collections::HashSet, sync::Arc, time::Duration};

use common::{Fault, Random, Timestamp};
use futures::stream::{FuturesUnordered, StreamExt as _};
use store::{Expected, IndexQuery, Loaded, Order, Save};
use tokio_util::sync::CancellationToken;

pub use post::Endpoint;

use crate::{
    app::{Books, books::raw},
    domain::{EventRecord, Token, event::Delivery},
    faults::{Faults, Operation, Strike},
    object::event::Event,
};

/// Deliveries under way at once.
pub const CONCURRENT: usize = 32;
/// Seconds until the next attempt, by the attempts made; after the last one the event is given up. Listing events
/// still finds it.
pub const BACK_OFF_S: [u64; 20] =
    [1, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 3600, 7200, 7200, 14400, 14400, 28800];
/// The longest sleep between two looks at what is due.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The shortest, so that a clock that stands still does not make the loop spin.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(10);

/// Delivers what is pending.
#[derive(Debug)]
pub struct Courier {
    pub books: Books,
    pub endpoint: Arc<Endpoint>,
    pub faults: Faults,
    pub random: Arc<dyn Random>,
}

/// An event and what became of its delivery.
type Outcome = (Loaded<EventRecord>, Delivery);

impl Courier {
    /// Runs until `shutdown`; deliveries under way are left to be repeated.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut under_way = FuturesUnordered::new();
        let mut taken = HashSet::new();
        loop {
            let wait = match self.due(&taken).await {
                Ok((events, wait)) => {
                    for event in events {
                        taken.insert(event.body.token);
                        under_way.push(self.deliver(event));
                    }
                    wait
                }
                Err(fault) => {
                    tracing::warn!(%fault, "webhooks could not be read");
                    LOOK_AGAIN
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(outcome) = under_way.next() => self.note(outcome, &mut under_way, &mut taken).await,
                () = self.books.posted.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// The events that are due and not under way, as many as fit, and how long to sleep when nothing else happens.
    async fn due(&self, taken: &HashSet<Token>) -> Result<(Vec<Loaded<EventRecord>>, Duration), Fault> {
        let room = CONCURRENT.saturating_sub(taken.len());
        if room == 0 {
            return Ok((Vec::new(), LOOK_AGAIN));
        }
        let now = self.books.now();
        let query = IndexQuery {
            index: Some("pending"),
            prefix: String::new(),
            below: None,
            order: Order::Ascending,
            limit: CONCURRENT + 1,
            cursor: None,
        };
        let page = self.books.events.list(query).await?;
        let mut fresh = page.entries.into_iter().filter(|event| !taken.contains(&event.body.token));
        let mut due = Vec::new();
        for event in fresh.by_ref() {
            let Delivery::Pending { next_ms, .. } = event.body.delivery else { continue };
            let next = Timestamp::from_millis(next_ms);
            if next > now {
                return Ok((due, next.since(now).clamp(LOOK_AGAIN_MIN, LOOK_AGAIN)));
            }
            if due.len() == room {
                break;
            }
            due.push(event);
        }
        Ok((due, LOOK_AGAIN))
    }

    /// Writes down this outcome and all that are there by now, in one write.
    async fn note(
        &self,
        first: Outcome,
        under_way: &mut FuturesUnordered<impl Future<Output = Outcome>>,
        taken: &mut HashSet<Token>,
    ) {
        let mut outcomes = vec![first];
        while let Some(Some(outcome)) = futures::FutureExt::now_or_never(under_way.next()) {
            outcomes.push(outcome);
        }
        let mut writes = Vec::with_capacity(outcomes.len());
        for (mut event, delivery) in outcomes {
            taken.remove(&event.body.token);
            event.body.delivery = delivery;
            match self.books.events.write(&event.body, Expected::Version(event.version), Save::new()) {
                Ok(write) => writes.push(write),
                Err(fault) => tracing::error!(%fault, "a delivery could not be written down"),
            }
        }
        // Not `commit`: it would ring the bell for what is no news.
        if let Err(fault) = self.books.store.save_in_order(writes).await {
            tracing::warn!(%fault, "deliveries could not be written down; they will be repeated");
        }
    }

    async fn deliver(&self, event: Loaded<EventRecord>) -> Outcome {
        let delivery = self.attempt(&event.body).await;
        (event, delivery)
    }

    /// Sends it, unless a fault says otherwise.
    async fn attempt(&self, event: &EventRecord) -> Delivery {
        let copies = match self.faults.take(Operation::Webhook) {
            Some(Strike::Lose) => return Delivery::Delivered,
            Some(Strike::Delay { delay_ms }) => return self.again(event, delay_ms),
            Some(Strike::Reorder { window_ms }) => {
                return self.again(event, self.random.below(window_ms.max(1)) + 1);
            }
            Some(Strike::Duplicate { copies }) => copies,
            _ => 0,
        };
        let Ok(body) = raw(&Event::new(event)) else { return Delivery::Abandoned };
        let mut sent = self.send(body.get()).await;
        for _ in 0..copies {
            sent = self.send(body.get()).await;
        }
        if sent { Delivery::Delivered } else { self.failed(event) }
    }

    async fn send(&self, body: &str) -> bool {
        match self.endpoint.post(body, self.books.now()).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, "a webhook was not taken");
                false
            }
        }
    }

    /// The same attempt later.
    fn again(&self, event: &EventRecord, delay_ms: u64) -> Delivery {
        let attempts = match event.delivery {
            Delivery::Pending { attempts, .. } => attempts,
            _ => 0,
        };
        Delivery::Pending { attempts, next_ms: self.books.now().as_millis() + delay_ms }
    }

    /// The next attempt, with a tenth of jitter; or none.
    fn failed(&self, event: &EventRecord) -> Delivery {
        let Delivery::Pending { attempts, .. } = event.delivery else { return Delivery::Abandoned };
        let made = usize::try_from(attempts).unwrap_or(usize::MAX);
        let Some(seconds) = BACK_OFF_S.get(made) else {
            tracing::warn!(event = event.event_type.as_str(), "a webhook was given up");
            return Delivery::Abandoned;
        };
        let delay_ms = seconds * 1000 + self.random.below(seconds * 100);
        Delivery::Pending { attempts: attempts + 1, next_ms: self.books.now().as_millis() + delay_ms }
    }
}
