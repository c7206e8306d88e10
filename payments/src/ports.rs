//! The driven ports: what payments needs from outside, and which fault an adapter must return when.

use std::{collections::HashMap, fmt};

use async_trait::async_trait;
use common::{Fault, OrderId, Timestamp};

use crate::domain::{
    Alert, Change, CheckoutKey, CheckoutParams, InboxEntry, Payment, ProviderEvent, RefundParams, RefundView,
    SessionView,
};

/// Why the provider did not do what it was asked to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProviderError {
    /// A definite refusal (`payment_rejected`): nothing happened, and the same request will never be taken. Only for
    /// refusals of the request; a refusal of *us* (a wrong secret key, no permission) is an outage, thus `Unknown`.
    #[error("refused: {0}")]
    Rejected(Fault),
    /// The idempotency key is of no more use: the provider keeps a server fault under it and replays that, or it has
    /// seen the key with another body. What the first request did must be looked up.
    #[error("idempotency key spent: {0}")]
    KeySpent(String),
    /// No answer, or one that says to come back (`unavailable`, `deadline_exceeded`). It may have happened. Repeating
    /// it with the same parameters and key is right and safe.
    #[error("outcome unknown: {0}")]
    Unknown(Fault),
}

impl ProviderError {
    /// For calls that have no key to be spent and no refusal that means anything.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        match self {
            Self::Rejected(fault) | Self::Unknown(fault) => fault,
            Self::KeySpent(detail) => Fault::unavailable(detail),
        }
    }
}

/// A page of the provider's events, newest first.
#[derive(Clone, Debug)]
pub struct EventPage {
    pub events: Vec<ProviderEvent>,
    /// Where the older ones continue; `None` at the end.
    pub older: Option<String>,
}

/// The payment provider.
///
/// A definite refusal is `payment_rejected`, an unknown outcome `unavailable` or `deadline_exceeded`; each call is
/// bounded by the deadline of the present [`common::Call`]. A call whose future is dropped may have happened.
#[async_trait]
pub trait PaymentProcessor: Send + Sync + fmt::Debug {
    /// The name in webhook addresses, such as `stripe`.
    fn name(&self) -> &'static str;

    /// Creates a session with exactly these parameters, under this key. The same key and parameters give the same
    /// session, however often.
    async fn create_checkout(
        &self,
        params: &CheckoutParams,
        key: CheckoutKey,
    ) -> Result<SessionView, ProviderError>;

    /// The session as it is now. `payment_rejected` when there is none of this id.
    async fn retrieve_checkout(&self, session: &str) -> Result<SessionView, Fault>;

    /// Every session that refers to this order and was created at `since` or later (clocks may differ by minutes:
    /// the adapter looks further back), newest first.
    async fn find_checkout(&self, order: OrderId, since: Timestamp) -> Result<Vec<SessionView>, Fault>;

    /// Makes sure that the session cannot be paid any more and answers with what it is then. One that was not open
    /// is left alone and answered as it is: repeating it is safe.
    async fn expire_checkout(&self, session: &str) -> Result<SessionView, Fault>;

    /// Refunds part of a charge, under the key that the reference makes. The same reference gives the same refund.
    async fn refund(&self, params: &RefundParams) -> Result<RefundView, ProviderError>;

    /// The refunds of a charge, newest first.
    async fn find_refunds(&self, payment_intent: &str) -> Result<Vec<RefundView>, Fault>;

    /// The events of our types created at `since` or later, newest first; `older` continues a page.
    async fn list_events(&self, since: Timestamp, older: Option<&str>) -> Result<EventPage, Fault>;

    /// Reads a webhook. `headers` have lower-case names, `body` is as it came. `invalid_signature` when the body was
    /// not signed with one of our secrets, or at a time that is more than 300 s from ours. A verified event that
    /// cannot be read is no fault but [`crate::domain::Fact::Unreadable`].
    fn parse_webhook(&self, headers: &HashMap<String, String>, body: &[u8]) -> Result<ProviderEvent, Fault>;
}

/// Something with the version that it was loaded or saved at.
#[derive(Clone, Debug)]
pub struct Kept<T> {
    pub value: T,
    pub version: u64,
}

/// The payments, one document each. All methods: `unavailable` when the store is.
#[async_trait]
pub trait Payments: Send + Sync + fmt::Debug {
    async fn load(&self, order: OrderId) -> Result<Option<Kept<Payment>>, Fault>;

    /// The payment that a charge belongs to.
    async fn of_charge(&self, payment_intent: &str) -> Result<Option<Kept<Payment>>, Fault>;

    /// Saves a new payment. `version_conflict` when there is one.
    async fn insert(&self, payment: Payment) -> Result<Kept<Payment>, Fault>;

    /// Replaces the payment that was loaded at `version` and tells of the changes, in one write.
    /// `version_conflict` when it has changed since.
    async fn save(&self, payment: Payment, version: u64, changes: &[Change]) -> Result<Kept<Payment>, Fault>;

    /// The same, and after it, in the same durable wait, the inbox entry that caused it. `version_conflict` when
    /// either has changed since; the payment may be saved then and the entry not.
    async fn save_with_entry(
        &self,
        payment: Kept<Payment>,
        changes: &[Change],
        entry: Kept<InboxEntry>,
    ) -> Result<Kept<Payment>, Fault>;

    /// Payments that are due now, the most overdue first.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Kept<Payment>>, Fault>;
}

/// The provider's events until, and a while after, they took effect. All methods: `unavailable` when the store is.
#[async_trait]
pub trait Inbox: Send + Sync + fmt::Debug {
    /// Keeps a new event for good; `None` when it is there already.
    async fn take(&self, entry: InboxEntry) -> Result<Option<Kept<InboxEntry>>, Fault>;

    /// Which of these events are there.
    async fn known(&self, ids: &[String]) -> Result<Vec<bool>, Fault>;

    /// `version_conflict` when it has changed since.
    async fn save(&self, entry: Kept<InboxEntry>) -> Result<(), Fault>;

    /// Waiting entries that are due now, the most overdue first.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Kept<InboxEntry>>, Fault>;

    /// Removes entries that are of no more use, at most `limit`, and says how many.
    async fn forget(&self, now: Timestamp, limit: usize) -> Result<usize, Fault>;
}

/// How far the reconciler has read the provider's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Everything up to here has been read.
    pub read_to: Timestamp,
    /// The pass under way, when one stopped in the middle.
    pub pass: Option<Pass>,
}

/// One reading from the newest event back to where the last reading began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    pub since: Timestamp,
    /// The newest event of the pass: where `read_to` moves when the pass is through.
    pub newest: Timestamp,
    pub older: String,
}

/// Keeps the reconciler's cursor. `unavailable` when the store is.
#[async_trait]
pub trait Cursors: Send + Sync + fmt::Debug {
    /// The cursor; `None` before the first pass.
    async fn load(&self) -> Result<Option<Kept<Cursor>>, Fault>;

    /// `version` 0 when there was none. `version_conflict` when another instance was first.
    async fn save(&self, cursor: Cursor, version: u64) -> Result<(), Fault>;
}

/// Tells people of what needs them.
pub trait Alerts: Send + Sync + fmt::Debug {
    fn raise(&self, order: OrderId, alert: &Alert);
}
