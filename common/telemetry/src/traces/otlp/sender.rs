//! The queue between those who end spans and the one task that sends them: bounded, in batches, never waited for.

use std::time::Duration;

use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tokio::sync::{
    mpsc::{self, Receiver, Sender},
    oneshot,
};

use super::Counts;

/// Spans of one service that may wait.
const CAPACITY: usize = 4096;
/// Spans of one export.
const BATCH_MAX: usize = 512;
/// How long the first span of a batch waits for others.
const LINGER: Duration = Duration::from_millis(500);

/// What the queue holds. A span is stored as it is: a box would be one more allocation for each.
#[allow(clippy::large_enum_variant, reason = "nearly all are spans")]
#[derive(Debug)]
enum Item {
    Span(SpanData),
    /// Answered once all before it is sent or lost.
    Flush(oneshot::Sender<()>),
}

/// The way in. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    sender: Sender<Item>,
    counts: Counts,
}

impl Queue {
    /// Starts the sending task; it lives as long as the queue.
    pub(super) fn start(exporter: SpanExporter, counts: Counts) -> Self {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let queue = Self { sender, counts: counts.clone() };
        tokio::spawn(send_all(receiver, exporter, counts));
        queue
    }

    pub(super) fn take(&self, span: SpanData) {
        if self.sender.try_send(Item::Span(span)).is_err() {
            self.counts.dropped.inc();
        }
    }

    /// Returns once everything queued so far was sent or lost. The caller brings the time limit.
    pub(super) async fn flush(&self) {
        let (done, sent) = oneshot::channel();
        if self.sender.send(Item::Flush(done)).await.is_ok() {
            // An error means that the task is gone, and then nothing is queued either.
            let _ = sent.await;
        }
    }
}

async fn send_all(mut receiver: Receiver<Item>, exporter: SpanExporter, counts: Counts) {
    let mut failing = false;
    let mut batch = Vec::new();
    while let Some(first) = receiver.recv().await {
        let mut flush = add(&mut batch, first);
        let fill = async {
            while flush.is_none() && batch.len() < BATCH_MAX {
                let Some(next) = receiver.recv().await else { return };
                flush = add(&mut batch, next);
            }
        };
        // What is in the batch stays there when the time is over.
        let _ = tokio::time::timeout(LINGER, fill).await;
        if !batch.is_empty() {
            failing = export(&exporter, std::mem::take(&mut batch), &counts, failing).await;
        }
        if let Some(done) = flush {
            let _ = done.send(());
        }
    }
}

fn add(batch: &mut Vec<SpanData>, item: Item) -> Option<oneshot::Sender<()>> {
    match item {
        Item::Span(span) => {
            batch.push(span);
            None
        }
        Item::Flush(done) => Some(done),
    }
}

/// Sends one batch and says whether that failed; told in the log when it begins and when it ends.
async fn export(exporter: &SpanExporter, batch: Vec<SpanData>, counts: &Counts, failing: bool) -> bool {
    let spans = batch.len() as u64;
    match exporter.export(batch).await {
        Ok(()) => {
            counts.exported.inc_by(spans);
            if failing {
                tracing::info!("traces are exported again");
            }
            false
        }
        Err(error) => {
            counts.dropped.inc_by(spans);
            counts.failed_exports.inc();
            if !failing {
                tracing::warn!(%error, "traces cannot be exported; their spans are dropped");
            }
            true
        }
    }
}
