//! The kernel: values that every part of the mesh shares. It does no I/O and knows no service.

pub mod backoff;
pub mod call;
pub mod clock;
pub mod crash;
pub mod deadline;
pub mod fault;
pub mod id;
pub mod idempotency;
pub mod money;
pub mod page;
pub mod random;
pub mod report;
pub mod span;
pub mod trace;

pub use backoff::Backoff;
pub use call::Call;
pub use clock::{Clock, SystemClock, Timestamp};
pub use deadline::Deadline;
pub use fault::{Code, Fault, Kind, Violation};
pub use id::{CustomerId, EventId, ItemId, MovementId, OrderId, RefundId};
pub use idempotency::IdempotencyKey;
pub use money::{Currency, Money};
pub use page::{Limit, Page};
pub use random::{Ids, Random, SystemRandom};
pub use report::Report;
pub use span::{Span, SpanKind, Spans};
pub use trace::TraceContext;
