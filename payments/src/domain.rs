//! What a payment is and how it moves: values only, no I/O.

pub mod checkout;
pub mod merge;
pub mod payment;
pub mod provider_event;
pub mod refund;
pub mod refunding;
pub mod schedule;

pub use checkout::{
    CheckoutKey, CheckoutLine, CheckoutOrder, CheckoutParams, Session, SessionStatus, SessionView, Terms,
};
pub use merge::{Alert, Outcome};
pub use payment::{Change, Intent, Payment, State};
pub use provider_event::{Fact, InboxEntry, InboxState, ProviderEvent, Source};
pub use refund::{
    Refund, RefundOrigin, RefundParams, RefundReference, RefundRequest, RefundState, RefundView, Reported,
};
