//! The use cases, one per file; they know the domain and the ports, and nothing of wires or disks.

mod audit_event;
mod books;
mod cancel_order;
mod change;
mod dead_letters;
mod drive;
mod drivers;
mod figures;
mod get_stats;
mod merge_facts;
mod notify;
mod place_order;
mod read_orders;
mod refund_order;
mod sweep_claims;
mod sweep_due;
mod sweep_sagas;
mod visit;
mod watch_order;
mod watchers;

use std::{sync::Arc, time::Duration};

use common::{Call, Clock, Deadline, Fault, Random, Span, SpanKind, Spans, Timestamp, TraceContext};

pub use figures::Figures;
pub use get_stats::Stats;
pub use place_order::Placed;
pub use refund_order::RefundAnswer;
pub use sweep_claims::SweepClaims;
pub use sweep_due::SweepDue;
pub use sweep_sagas::SweepSagas;
pub use watch_order::OrderWatch;

use crate::{
    domain::Order,
    ports::{Alerts, Audit, Background, Kitchen, Notifier, Orders, Payments, Queues, Stock},
};

use self::{books::Books, drivers::Drivers, watchers::Watchers};

/// What the use cases stand on.
#[derive(Clone, Debug)]
pub struct Parts {
    pub orders: Arc<dyn Orders>,
    pub stock: Arc<dyn Stock>,
    pub payments: Arc<dyn Payments>,
    pub kitchen: Arc<dyn Kitchen>,
    pub notifier: Arc<dyn Notifier>,
    pub audit: Arc<dyn Audit>,
    pub alerts: Arc<dyn Alerts>,
    pub queues: Arc<dyn Queues>,
    pub background: Arc<dyn Background>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub spans: Spans,
    pub timing: Timing,
}

/// The durations that the settings decide.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub checkout_ttl: Duration,
    pub request_deadline: Duration,
}

/// The orders service without its edges.
#[derive(Debug)]
pub struct App {
    parts: Parts,
    /// Names this process in driver leases.
    owner: String,
    drivers: Arc<Drivers>,
    watchers: Arc<Watchers>,
    books: Books,
}

/// What a lease lasts beyond the request's deadline.
pub const LEASE_SLACK: Duration = Duration::from_secs(5);

impl App {
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let owner = format!("{:016x}", parts.random.next_u64());
        Arc::new(Self {
            parts,
            owner,
            drivers: Arc::default(),
            watchers: Arc::default(),
            books: Books::default(),
        })
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// A span of work on an order: in the order's own trace, linked to the request that caused it, if another did.
    fn work_on(&self, order: &Order, name: &'static str, cause: Option<TraceContext>) -> Span {
        let what = (SpanKind::Internal, format_args!("{name}"));
        let mut span = self.parts.spans.of_trace(order.trace, cause, what);
        if span.is_recorded() {
            span.about(&order.id.to_string());
        }
        span
    }

    /// Runs one step with a deadline and a span of its own: what is under way finishes, whatever became of the
    /// caller.
    async fn step<T>(
        &self,
        (name, parent): (&'static str, TraceContext),
        step: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let mut span = self.parts.spans.internal(name, Some(parent));
        let deadline = Deadline::after(self.parts.timing.request_deadline);
        let result = Call::new(deadline, span.context()).scope(step).await;
        span.note(&result);
        result
    }

    /// Until when a driver or a claim that starts now holds its lease.
    fn lease_until(&self, now: Timestamp) -> Timestamp {
        now + self.parts.timing.request_deadline + LEASE_SLACK
    }

    /// Something may have happened to the order: look again. `None`: to any order.
    pub fn hint(&self, order: Option<common::OrderId>) {
        match order {
            Some(id) => self.watchers.notify(id),
            None => self.watchers.notify_all(),
        }
    }
}
