//! Server-Sent Events over the Watch streams: bounded in number, ended at drain, the latest state only for a slow
//! reader, and reopened upstream when that stream breaks.

mod mailbox;
mod slots;
mod source;

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use axum::response::{
    IntoResponse as _, Response,
    sse::{Event, KeepAlive, Sse},
};
use common::{Call, Deadline, Fault, Random, TraceContext};
use futures::{Stream, stream};
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use runtime::{Platform, Tasks};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::Streaming;

use self::{
    mailbox::Mailbox,
    slots::{Slot, Slots},
    source::{Opened, Source},
};
pub(crate) use source::{order_source, ticket_source};

/// Comments that keep proxies from closing a quiet stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it reconnects.
const RETRY: Duration = Duration::from_secs(2);
/// Waits between tries to reopen an upstream: doubling from the first to the last.
const REOPEN_FIRST: Duration = Duration::from_millis(200);
const REOPEN_LAST: Duration = Duration::from_secs(5);

/// The event streams of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Streams {
    slots: Slots,
    tasks: Tasks,
    random: Arc<dyn Random>,
    open_timeout: Duration,
}

/// What a reader holds: dropping it stops the pump and frees the slot.
struct Reader {
    mailbox: Arc<Mailbox>,
    _stop_pump: DropGuard,
    _slot: Slot,
}

impl Streams {
    pub(crate) fn new(platform: &Platform, open_timeout: Duration) -> Self {
        Self {
            slots: Slots::new(&platform.metrics),
            tasks: platform.tasks.clone(),
            random: platform.random.clone(),
            open_timeout,
        }
    }

    /// Opens the upstream and answers with its events. `too_many_streams` or `unavailable` beyond the bounds, and
    /// whatever fault the upstream opens with.
    pub(crate) async fn follow<S: Source>(
        &self,
        mut source: S,
        address: Option<IpAddr>,
    ) -> Result<Response, Fault> {
        let slot = self.slots.enter(address)?;
        let upstream = match source.first().await? {
            Opened::Stream(upstream) => upstream,
            Opened::NothingMore => return Ok(StatusCode::NO_CONTENT.into_response()),
        };
        let mailbox = Arc::new(Mailbox::default());
        let stop = CancellationToken::new();
        let pump = Pump {
            source,
            mailbox: mailbox.clone(),
            trace: Call::current().map(|call| call.trace),
            random: self.random.clone(),
            open_timeout: self.open_timeout,
        };
        let (stopped, shutdown) = (stop.clone(), self.tasks.shutdown());
        self.tasks.spawn("gateway.events", async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = shutdown.cancelled() => {}
                () = pump.run(*upstream) => {}
            }
        });
        let reader = Reader { mailbox, _stop_pump: stop.drop_guard(), _slot: slot };
        Ok(respond(reader))
    }
}

fn respond(reader: Reader) -> Response {
    let events = Sse::new(events(reader)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    let mut response = events.into_response();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    response
}

fn events(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((reader, true), |(reader, is_first)| async move {
        let update = reader.mailbox.next().await?;
        let event = Event::default().event(update.event).id(update.version.to_string()).data(update.json);
        let event = if is_first { event.retry(RETRY) } else { event };
        Some((Ok(event), (reader, false)))
    })
}

/// Reads the upstream into the mailbox for as long as somebody reads that.
struct Pump<S> {
    source: S,
    mailbox: Arc<Mailbox>,
    trace: Option<TraceContext>,
    random: Arc<dyn Random>,
    open_timeout: Duration,
}

impl<S> Drop for Pump<S> {
    /// However the pump ends, its reader ends with it.
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

impl<S: Source> Pump<S> {
    async fn run(mut self, first: Streaming<S::Message>) {
        let mut upstream = first;
        let mut wait = REOPEN_FIRST;
        loop {
            if self.copy(&mut upstream).await {
                wait = REOPEN_FIRST;
            }
            if self.source.is_over() || self.mailbox.is_closed() {
                return;
            }
            match self.reopen(&mut wait).await {
                Some(next) => upstream = next,
                None => return,
            }
        }
    }

    /// Copies until the upstream ends or breaks; whether anything came.
    async fn copy(&mut self, upstream: &mut Streaming<S::Message>) -> bool {
        let mut came = false;
        while let Ok(Some(message)) = upstream.message().await {
            came = true;
            if let Some(update) = self.source.update(message)
                && !self.mailbox.put(update)
            {
                break;
            }
        }
        came
    }

    /// Tries until it is open again; gives up only when the thing itself is gone.
    async fn reopen(&mut self, wait: &mut Duration) -> Option<Streaming<S::Message>> {
        loop {
            let jitter = self.random.below(u64::try_from(wait.as_millis() / 2).unwrap_or(0));
            tokio::time::sleep(*wait + Duration::from_millis(jitter)).await;
            *wait = (*wait * 2).min(REOPEN_LAST);
            let trace = self.trace.unwrap_or_else(|| TraceContext::root(&*self.random));
            let call = Call::new(Deadline::after(self.open_timeout), trace);
            let opening = call.scope(self.source.open());
            match call.deadline.bound("reopening an event stream", opening).await {
                Ok(upstream) => return Some(upstream),
                Err(fault) if fault.is_not_found() => return None,
                Err(fault) => tracing::debug!(%fault, "event stream could not be reopened yet"),
            }
        }
    }
}
