//! One attempt at one delivery: the handler in a call of its own, then the ack or what its fault asks for.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use common::{Backoff, Call, Deadline, Fault, Kind, Span, SpanKind, span::Opening};
use futures::FutureExt as _;
use tokio::time::Instant;

use super::{BACKOFF, Consumer, HANDLING_LIMIT};
use crate::{
    metrics::QueueMetrics,
    port::{Delivery, Event, Nack, Settled},
};

/// Tries at an event whose save loses to others, before it waits its turn like other transient faults.
const CONFLICT_TRIES: u32 = 5;
/// The pause between them.
const CONFLICT_BACKOFF: Backoff = Backoff { base: Duration::from_millis(2), cap: Duration::from_millis(50) };

/// A delivery with the consumer, before or between attempts.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) delivery: Box<dyn Delivery>,
    /// Transient failures so far.
    pub(super) tries: u32,
    /// When it should be tried again.
    pub(super) retry_at: Instant,
    /// It last failed for want of its own turn, not of a dependency.
    pub(super) contended: bool,
}

impl Held {
    pub(super) fn new(delivery: Box<dyn Delivery>) -> Self {
        Self { delivery, tries: 0, retry_at: Instant::now(), contended: false }
    }
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Handled,
    /// Settled as a failure; it says nothing about any dependency.
    Failed,
    /// Nothing wrong with the event: it waits for its next try.
    Deferred {
        held: Held,
        cause: Deferral,
    },
}

/// Why.
#[derive(Debug)]
pub(super) enum Deferral {
    /// Others were faster at the same thing.
    Contended,
    /// A dependency is away or slow: the next event would fare no better.
    Outage(Fault),
}

/// One attempt, with what it needs of the consumer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) consumer: &'a Consumer,
    pub(super) metrics: &'a QueueMetrics,
}

impl Attempt<'_> {
    pub(super) async fn run(self, held: Held) -> Outcome {
        let started = Instant::now();
        let result = self.handle_persistently(held.delivery.event()).await;
        self.metrics.handling.observe(started.elapsed().as_secs_f64());
        match result {
            Ok(()) => self.ack(held.delivery).await,
            Err(fault) if fault.is_transient() => self.defer(held, fault),
            Err(fault) => self.fail(held.delivery, fault).await,
        }
    }

    /// Handles the event; a lost compare-and-swap is tried again at once a few times.
    async fn handle_persistently(self, event: &Event) -> Result<(), Fault> {
        for tries in 1..CONFLICT_TRIES {
            match self.handle(event).await {
                Err(fault) if fault.is_version_conflict() => {
                    tokio::time::sleep(CONFLICT_BACKOFF.delay(tries, &*self.consumer.random)).await;
                }
                result => return result,
            }
        }
        self.handle(event).await
    }

    async fn handle(self, event: &Event) -> Result<(), Fault> {
        let mut span = self.span(event);
        let deadline = Deadline::after(HANDLING_LIMIT);
        let handling = AssertUnwindSafe(self.consumer.handler.handle(event)).catch_unwind();
        let limited = tokio::time::timeout_at(deadline.instant(), handling);
        let result = match Call::new(deadline, span.context()).scope(limited).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Fault::internal(format!("the handler panicked: {}", panic_text(&*panic)))),
            Err(_) => Err(Fault::deadline_exceeded(format!("handle {} {}", event.event_type, event.id))),
        };
        span.note(&result);
        result
    }

    /// The span of one handling, below the one that published the event.
    fn span(self, event: &Event) -> Span {
        let (queue, parent) = (self.consumer.queue, event.traceparent);
        let name = format_args!("process {queue}");
        let kind = SpanKind::Consumer;
        let mut span = self.consumer.spans.start(Opening { kind, name, parent, links: &[] });
        if span.is_recorded() {
            span.set("messaging.system", self.consumer.subscriber.system());
            span.set("messaging.operation.type", "process");
            span.set("messaging.destination.name", queue);
            span.set("ordermesh.event.type", event.event_type.as_str());
            span.set_shown("messaging.message.id", &event.id);
            span.about(&event.subject);
        }
        span
    }

    async fn ack(self, delivery: Box<dyn Delivery>) -> Outcome {
        self.metrics.handled.inc();
        if let Err(fault) = delivery.ack().await {
            tracing::debug!(queue = self.consumer.queue, %fault, "ack was lost; the event will come again");
        }
        Outcome::Handled
    }

    fn defer(self, mut held: Held, fault: Fault) -> Outcome {
        self.metrics.deferred.inc();
        let event = held.delivery.event();
        tracing::debug!(queue = self.consumer.queue, event_type = event.event_type, id = %event.id, %fault, "event deferred");
        held.tries += 1;
        held.retry_at = Instant::now() + BACKOFF.delay(held.tries, &*self.consumer.random);
        held.contended = matches!(fault.kind(), Kind::VersionConflict | Kind::Aborted);
        let cause = if held.contended { Deferral::Contended } else { Deferral::Outage(fault) };
        Outcome::Deferred { held, cause }
    }

    async fn fail(self, delivery: Box<dyn Delivery>, fault: Fault) -> Outcome {
        let (queue, attempts) = (self.consumer.queue, delivery.attempts() + 1);
        let event = delivery.event();
        let (event_type, id, text) = (event.event_type.clone(), event.id, fault.to_string());
        let permanent = fault.kind() == Kind::Invalid;
        let nack = if permanent { Nack::DeadLetter(fault) } else { Nack::Retry(fault) };
        match delivery.nack(nack).await {
            Ok(Settled::DeadLettered) => {
                self.metrics.dead_lettered.inc();
                tracing::error!(queue, event_type, %id, attempts, fault = text, "event became a dead letter");
            }
            Ok(Settled::Retried | Settled::Requeued) => {
                self.metrics.retried.inc();
                tracing::warn!(queue, event_type, %id, attempts, fault = text, "event failed and will be retried");
            }
            Err(lost) => {
                tracing::warn!(queue, event_type, %id, fault = text, %lost, "failed event will come again");
            }
        }
        Outcome::Failed
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}
