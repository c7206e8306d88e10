//! The order and its rules: pure decisions over facts. No clock, no I/O; `now` is an argument.

pub mod answer;
pub mod claim;
pub mod draft;
pub mod driver;
pub mod fact;
pub mod fingerprint;
pub mod line;
pub mod merge;
pub mod order;
pub mod refund;
pub mod schedule;
pub mod status;
pub mod timeline;
pub mod transitions;

pub use answer::{Answer, Refusal, Shortage};
pub use claim::{Claim, ClaimKey, Verdict};
pub use draft::Draft;
pub use driver::Driver;
pub use fact::{Fact, PaymentState, TicketState};
pub use line::{Line, Price};
pub use order::{Checkout, Order, Undo};
pub use refund::{Refund, RefundAsk, RefundDecision, RefundState, Returned};
pub use schedule::Visit;
pub use status::Status;
pub use timeline::{Actor, Entry};
pub use transitions::Cancel;
