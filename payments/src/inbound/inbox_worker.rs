//! Lets events take effect as soon as they are stored: a bounded queue in memory, with the inbox's sweep behind it.

use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::supervised::Supervisor;
use crate::{app::Cashier, domain::InboxEntry, ports::Kept};

/// Entries that wait for the worker; what does not fit waits for the sweep.
const WAITING_MAX: usize = 4096;
/// Entries in hand at once, so that their writes share fsyncs.
pub(crate) const CONCURRENCY: usize = 32;

/// Hands entries to the worker. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Waker(mpsc::Sender<Kept<InboxEntry>>);

impl Waker {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Kept<InboxEntry>>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self(sender), receiver)
    }

    /// Never waits: a full queue leaves the entry to the sweep.
    pub(crate) fn wake(&self, entry: Kept<InboxEntry>) {
        if self.0.try_send(entry).is_err() {
            tracing::debug!("inbox worker is busy; left to the sweep");
        }
    }
}

/// Processes entries until `shutdown`, then finishes those in hand.
pub(crate) async fn run(
    cashier: Cashier,
    supervisor: Supervisor,
    entries: mpsc::Receiver<Kept<InboxEntry>>,
    shutdown: CancellationToken,
) {
    ReceiverStream::new(entries)
        .take_until(shutdown.cancelled_owned())
        .for_each_concurrent(CONCURRENCY, |entry| process(&cashier, &supervisor, entry))
        .await;
}

/// Processes one entry in a scope of its own.
pub(crate) async fn process(cashier: &Cashier, supervisor: &Supervisor, entry: Kept<InboxEntry>) {
    let (id, kind, trace) = (entry.value.id.clone(), entry.value.kind.clone(), entry.value.trace);
    let processed = supervisor.scope("payments.process_event", trace, cashier.process_event(entry));
    if let Err(fault) = processed.await {
        tracing::warn!(event = id, kind, %fault, "provider event is put off");
    }
}
