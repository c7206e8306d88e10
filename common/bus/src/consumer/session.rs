//! A running consumer: what is in hand, what waits for its next try, and when to take more.

use common::Fault;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    BACKOFF, Consumer, PREFETCH, STOP_LIMIT,
    attempt::{Attempt, Deferral, Held, Outcome},
    outage::Outage,
};
use crate::{
    metrics::QueueMetrics,
    port::{Delivery, Subscription},
};

pub(super) struct Session<'a> {
    attempt: Attempt<'a>,
    subscription: Box<dyn Subscription>,
    /// Attempts that run, each with whether it is a probe.
    in_hand: FuturesUnordered<BoxFuture<'a, (bool, Outcome)>>,
    /// Deliveries between attempts.
    held: Vec<Held>,
    outage: Outage,
    /// Failures of the subscription in a row, and when to ask it again.
    lost: u32,
    ask_at: Instant,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        consumer: &'a Consumer,
        metrics: &'a QueueMetrics,
        subscription: Box<dyn Subscription>,
    ) -> Self {
        Self {
            attempt: Attempt { consumer, metrics },
            subscription,
            in_hand: FuturesUnordered::new(),
            held: Vec::new(),
            outage: Outage::default(),
            lost: 0,
            ask_at: Instant::now(),
        }
    }

    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            self.retry_held();
            let takes_more = self.takes_more();
            let wake_at = self.wake_at();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some((was_probe, outcome)) = self.in_hand.next() => self.ended(was_probe, outcome),
                next = self.subscription.next(), if takes_more => self.took(next),
                () = until(wake_at) => {}
            }
        }
        let finish = async { while self.in_hand.next().await.is_some() {} };
        if tokio::time::timeout(STOP_LIMIT, finish).await.is_err() {
            let (queue, in_hand) = (self.attempt.consumer.queue, self.in_hand.len());
            tracing::warn!(queue, in_hand, "stopped before all events in hand were handled; they come again");
        }
        // What was not settled goes back to the queue with the subscription.
    }

    /// Begins an attempt at what waits and may go now.
    fn retry_held(&mut self) {
        let now = Instant::now();
        if !self.outage.is_on() {
            for held in self.held.extract_if(.., |held| held.retry_at <= now).collect::<Vec<_>>() {
                self.begin(held, false);
            }
        } else if self.probe_is_due(now) {
            self.probe(now);
        }
    }

    /// Sends a probe, best with a delivery that failed less often than the outage did, or with a new one. One that
    /// failed every time may be in trouble of its own, and would keep the queue paused for nothing: it goes when its
    /// own time has come and there is no other.
    fn probe(&mut self, now: Instant) {
        let failures = self.outage.failures();
        let mut place = self.least_tried(|held| !held.contended && held.tries < failures);
        if place.is_none()
            && self.has_room(now)
            && let Some(next) = self.subscription.next().now_or_never()
        {
            return self.took(next);
        }
        place = place.or_else(|| self.least_tried(|held| held.retry_at <= now));
        if let Some(place) = place {
            let held = self.held.swap_remove(place);
            self.outage.probe_sent();
            self.begin(held, true);
        }
    }

    fn least_tried(&self, may_go: impl Fn(&Held) -> bool) -> Option<usize> {
        let candidates = self.held.iter().enumerate().filter(|(_, held)| may_go(held));
        candidates.min_by_key(|(_, held)| held.tries).map(|(place, _)| place)
    }

    fn probe_is_due(&self, now: Instant) -> bool {
        self.outage.probe_at().is_some_and(|at| at <= now)
    }

    fn has_room(&self, now: Instant) -> bool {
        self.in_hand.len() + self.held.len() < PREFETCH && self.ask_at <= now
    }

    /// Whether to ask the subscription: there is room, and it is no time to wait. During an outage a new delivery is
    /// wanted only as a probe.
    fn takes_more(&self) -> bool {
        let now = Instant::now();
        self.has_room(now) && (!self.outage.is_on() || self.probe_is_due(now))
    }

    /// When something here may have changed without an attempt or a delivery telling.
    fn wake_at(&self) -> Option<Instant> {
        let now = Instant::now();
        let retries = self.held.iter().map(|held| held.retry_at);
        let rest = [self.outage.probe_at(), Some(self.ask_at)].into_iter().flatten();
        retries.chain(rest).filter(|at| *at > now).min()
    }

    fn begin(&mut self, held: Held, is_probe: bool) {
        let attempt = self.attempt;
        self.in_hand.push(Box::pin(async move { (is_probe, attempt.run(held).await) }));
    }

    fn took(&mut self, next: Result<Box<dyn Delivery>, Fault>) {
        match next {
            Ok(delivery) => {
                self.lost = 0;
                let is_probe = self.outage.is_on();
                self.outage.probe_sent();
                self.begin(Held::new(delivery), is_probe);
            }
            Err(fault) => {
                if self.lost == 0 {
                    tracing::warn!(queue = self.attempt.consumer.queue, %fault, "lost the bus; waiting for it");
                }
                self.lost = self.lost.saturating_add(1);
                self.ask_at = Instant::now() + BACKOFF.delay(self.lost, &*self.attempt.consumer.random);
            }
        }
    }

    fn ended(&mut self, was_probe: bool, outcome: Outcome) {
        match outcome {
            Outcome::Handled => self.resume(),
            Outcome::Failed if was_probe => self.outage.undecided(),
            Outcome::Failed => {}
            Outcome::Deferred { held, cause: Deferral::Contended } => {
                self.held.push(held);
                if was_probe {
                    self.outage.undecided();
                }
            }
            Outcome::Deferred { held, cause: Deferral::Outage(fault) } => {
                self.held.push(held);
                if self.outage.failed(was_probe, &*self.attempt.consumer.random) {
                    self.attempt.metrics.paused.set(1);
                    tracing::warn!(queue = self.attempt.consumer.queue, %fault, "queue paused");
                }
            }
        }
    }

    /// Something went through: what only the outage kept waiting goes now.
    fn resume(&mut self) {
        let Some(failures) = self.outage.over() else { return };
        self.attempt.metrics.paused.set(0);
        tracing::info!(queue = self.attempt.consumer.queue, failures, "queue goes on");
        let now = Instant::now();
        for held in self.held.iter_mut().filter(|held| held.tries <= failures) {
            held.retry_at = now;
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
