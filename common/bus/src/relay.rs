//! Moves events from a store's outbox to the bus, at least once, until the bus has confirmed each.

use std::{sync::Arc, time::Duration};

use common::{Backoff, Clock, Fault, Random, Span, SpanKind, Spans, TraceContext, span::Opening};
use store::{DocumentStore, OutboxEntry, OutboxEvent};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::RelayMetrics,
    port::{Event, Publisher},
};

/// The relay of one service's store.
#[derive(Debug)]
pub struct OutboxRelay {
    /// The CloudEvents source, such as `/orders`.
    pub source: &'static str,
    pub store: Arc<dyn DocumentStore>,
    pub publisher: Arc<dyn Publisher>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub metrics: Metrics,
    pub spans: Spans,
}

/// Events that are claimed and published together; the publisher pipelines them.
pub const BATCH_MAX: usize = 256;
/// How long a claim lasts: what a relay that died had in hand is published by another after this.
pub const LEASE: Duration = Duration::from_secs(10);
/// When a publish counts as failed; shorter than the lease, so that nobody else publishes the same meanwhile.
const PUBLISH_LIMIT: Duration = Duration::from_secs(8);
/// How the relay waits for the bus or the store to come back.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(10) };

impl OutboxRelay {
    /// Runs until `shutdown`, then publishes what it has claimed.
    pub async fn run(self, shutdown: CancellationToken) {
        let metrics = RelayMetrics::of(&self.metrics, self.source);
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let round = self.round(&metrics).await;
            failures = self.note(failures, &round);
            let pause = async {
                match round {
                    Ok(BATCH_MAX) => {}
                    Ok(_) => {
                        metrics.is_level();
                        self.store.outbox_changed().await;
                    }
                    Err(_) => tokio::time::sleep(BACKOFF.delay(failures, &*self.random)).await,
                }
            };
            shutdown.run_until_cancelled(pause).await;
        }
    }

    /// Publishes one batch and says how many events it had; the first fault when not all of them got through.
    async fn round(&self, metrics: &RelayMetrics) -> Result<usize, Fault> {
        let entries = self.store.claim_outbox(BATCH_MAX, LEASE).await?;
        let now = self.clock.now();
        let age = entries.iter().map(|entry| now.since(entry.event.at)).max();
        metrics.lag.set(age.unwrap_or_default().as_secs_f64());
        metrics.claimed.set(i64::try_from(entries.len()).unwrap_or(i64::MAX));
        if entries.is_empty() {
            return Ok(0);
        }
        let results = self.publish(&entries).await;
        common::crash::point!("bus.relay.published");
        self.settle(entries, results, metrics).await
    }

    /// One result per entry, in order, within the limit.
    async fn publish(&self, entries: &[OutboxEntry]) -> Vec<Result<(), Fault>> {
        let mut spans: Vec<_> = entries.iter().map(|entry| self.span(&entry.event)).collect();
        let traced = entries.iter().zip(&spans);
        let events: Vec<_> =
            traced.map(|(entry, span)| self.event(&entry.event, span.as_ref().map(Span::context))).collect();
        let publish = tokio::time::timeout(PUBLISH_LIMIT, self.publisher.publish(&events));
        let results = publish.await.unwrap_or_else(|_| {
            let late = Fault::deadline_exceeded(format!("publish {} events", events.len()));
            vec![Err(late); events.len()]
        });
        for (span, result) in spans.iter_mut().zip(&results) {
            if let Some(span) = span {
                span.note(result);
            }
        }
        results
    }

    /// The span of one event's way to the bus, below what made the event, however long ago that was. An event of no
    /// trace has none.
    fn span(&self, event: &OutboxEvent) -> Option<Span> {
        let name = format_args!("publish {}", event.event_type);
        let parent = Some(event.trace?);
        let mut span = self.spans.start(Opening { kind: SpanKind::Producer, name, parent, links: &[] });
        if span.is_recorded() {
            span.set("messaging.system", self.publisher.system());
            span.set("messaging.operation.type", "send");
            span.set("messaging.destination.name", event.event_type.as_str());
            span.set_shown("messaging.message.id", &event.id);
            span.about(&event.subject);
        }
        Some(span)
    }

    fn event(&self, event: &OutboxEvent, traceparent: Option<TraceContext>) -> Event {
        Event {
            id: event.id,
            event_type: event.event_type.clone(),
            source: self.source.to_owned(),
            subject: event.subject.clone(),
            time: event.at,
            sequence: event.sequence,
            traceparent,
            data: event.data.clone().into(),
        }
    }

    /// Takes what was confirmed out of the outbox and gives the rest back.
    async fn settle(
        &self,
        entries: Vec<OutboxEntry>,
        results: Vec<Result<(), Fault>>,
        metrics: &RelayMetrics,
    ) -> Result<usize, Fault> {
        let claimed = entries.len();
        let (mut confirmed, mut refused, mut first_fault) = (Vec::with_capacity(claimed), Vec::new(), None);
        for (entry, result) in entries.into_iter().zip(results) {
            match result {
                Ok(()) => confirmed.push(entry),
                Err(fault) => {
                    refused.push(entry);
                    first_fault.get_or_insert(fault);
                }
            }
        }
        metrics.published.inc_by(confirmed.len() as u64);
        metrics.failed.inc_by(refused.len() as u64);
        if !refused.is_empty() {
            self.store.unclaim_outbox(&refused).await?;
        }
        if !confirmed.is_empty() {
            self.store.trim_outbox(&confirmed).await?;
        }
        first_fault.map_or(Ok(claimed), Err)
    }

    /// The failures in a row after this round; says when they begin and when they end.
    fn note(&self, failures: u32, round: &Result<usize, Fault>) -> u32 {
        match round {
            Ok(_) if failures == 0 => 0,
            Ok(_) => {
                tracing::info!(source = self.source, failures, "outbox relay goes on");
                0
            }
            Err(fault) => {
                if failures == 0 {
                    tracing::warn!(source = self.source, %fault, "outbox relay cannot publish; trying on");
                }
                failures.saturating_add(1)
            }
        }
    }
}
