//! What this service needs from outside, in its own words; each method says which fault an adapter must return.

use std::fmt;

use async_trait::async_trait;
use common::{
    CustomerId, EventId, Fault, ItemId, Limit, Money, OrderId, Page, RefundId, Timestamp, TraceContext,
};

use crate::domain::{
    Checkout, Claim, ClaimKey, Fact, Line, Order, PaymentState, Refund, Shortage, Status, TicketState,
};

/// A document and the version it was read or written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<T> {
    pub body: T,
    pub version: u64,
}

/// Which orders a list shows, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// `None`: every customer's.
    pub customer: Option<CustomerId>,
    /// `None`: in every state.
    pub status: Option<Status>,
}

/// Which sweep an order is due for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueFor {
    /// Pending, and its driver is gone or waits for the next attempt.
    Driver,
    /// Anything else that is overdue.
    Visit,
}

/// A claim that is written before its order.
#[derive(Clone, Debug)]
pub struct ClaimWrite {
    pub claim: Claim,
    /// The version of the claim that it replaces; `None` when there must be none.
    pub replaces: Option<u64>,
}

/// The orders and the claims on them. Each save is one atomic, durable write; the states that the order entered leave
/// with it as events.
///
/// Every method returns `unavailable` when the store cannot be reached; a write is indeterminate then.
#[async_trait]
pub trait Orders: Send + Sync + fmt::Debug {
    /// Stores a new order, after its claim if there is one: in this order, waited for once. `version_conflict` when
    /// the claim or the order is there already (a claim may have been stored before that).
    async fn create(&self, order: Order, claim: Option<ClaimWrite>) -> Result<Stored<Order>, Fault>;

    /// The order; `None` when there is none.
    async fn load(&self, id: OrderId) -> Result<Option<Stored<Order>>, Fault>;

    /// The claim; `None` when there is none.
    async fn load_claim(&self, key: &ClaimKey) -> Result<Option<Stored<Claim>>, Fault>;

    /// Replaces the order read at `version`. `version_conflict` when it has changed since.
    async fn save(
        &self,
        order: Order,
        version: u64,
        handled: Option<EventId>,
    ) -> Result<Stored<Order>, Fault>;

    /// A page of orders, newest first. `invalid_parameter` for a cursor that is not ours.
    async fn list(
        &self,
        filter: &Filter,
        limit: Limit,
        cursor: Option<String>,
    ) -> Result<Page<Stored<Order>>, Fault>;

    /// How many orders are in this state.
    async fn count(&self, status: Status) -> Result<u64, Fault>;

    /// Orders that are due for a sweep, the longest overdue first.
    async fn due(&self, what: DueFor, now: Timestamp, limit: usize) -> Result<Vec<Stored<Order>>, Fault>;

    /// Claims whose time is over.
    async fn expired_claims(&self, now: Timestamp, limit: usize) -> Result<Vec<Stored<Claim>>, Fault>;

    /// Forgets a claim. `version_conflict` when it was renewed since.
    async fn remove_claim(&self, claim: &Stored<Claim>) -> Result<(), Fault>;
}

/// What stock says to a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// All lines are held, at these prices.
    Held(Vec<Line>),
    Short(Vec<Shortage>),
    Unknown(Vec<ItemId>),
    /// The lines cannot be reserved together (mixed currencies); the text may be shown.
    Refused(String),
    /// The order's reservation was undone before.
    Closed,
}

/// The stock service. Faults: `unavailable`, `deadline_exceeded`, or whatever else the peer reports.
#[async_trait]
pub trait Stock: Send + Sync + fmt::Debug {
    /// Holds all lines or none, once per order; a repeat answers the same.
    async fn reserve(&self, order: &Order, hold_until: Timestamp) -> Result<Reservation, Fault>;

    /// Undoes the hold; closes the order's reservation when there is none yet.
    async fn release(&self, id: OrderId, ticket_started: bool) -> Result<(), Fault>;
}

/// What payments says to a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckoutAnswer {
    Open(Checkout),
    /// The provider refuses for good.
    Rejected,
    /// The order's payment was closed before.
    Closed,
}

/// What payments knows of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentView {
    pub state: PaymentState,
    pub captured: Option<Money>,
    /// Reports about refunds that are ours.
    pub refunds: Vec<Fact>,
}

/// The payments service. Faults: `unavailable`, `deadline_exceeded`, or whatever else the peer reports.
#[async_trait]
pub trait Payments: Send + Sync + fmt::Debug {
    /// A link for the priced order; a repeat answers with the same one.
    async fn create_checkout(&self, order: &Order) -> Result<CheckoutAnswer, Fault>;

    /// What is known; `payment_not_found` when there is no payment.
    async fn payment(&self, id: OrderId) -> Result<PaymentView, Fault>;

    /// Makes sure that the order can no longer be paid, as far as that is still open.
    async fn expire_checkout(&self, id: OrderId) -> Result<PaymentView, Fault>;

    /// Asks for one refund, under its id and attempt; the facts that are certain by now.
    async fn refund(&self, id: OrderId, refund: &Refund) -> Result<Vec<Fact>, Fault>;
}

/// What the kitchen knows of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketView {
    pub state: TicketState,
    pub started: bool,
}

/// The kitchen service. Faults: `unavailable`, `deadline_exceeded`, or whatever else the peer reports.
#[async_trait]
pub trait Kitchen: Send + Sync + fmt::Debug {
    /// The ticket of a paid order, made if it is not there; a closed one is answered as cancelled.
    async fn ensure_ticket(&self, order: &Order) -> Result<TicketView, Fault>;

    /// The kitchen's decision: cancelled, or `order_not_cancellable` when it was started.
    async fn cancel_ticket(&self, id: OrderId, reason: Option<&str>) -> Result<TicketView, Fault>;
}

/// Something that a person should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Of the event behind it: a notice that is given twice has the same.
    pub id: EventId,
    /// Such as `order.paid`.
    pub event_type: String,
    /// When it happened.
    pub at: Timestamp,
    pub news: News,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Order {
        order_id: OrderId,
        customer_id: CustomerId,
        status: String,
        email: Option<String>,
        total: Option<Money>,
        payment_link: Option<String>,
    },
    LowStock {
        item_id: ItemId,
        name: String,
        available: u64,
    },
}

/// Tells customers and staff, at least once; a notice that nobody can be told of is no fault.
#[async_trait]
pub trait Notifier: Send + Sync + fmt::Debug {
    /// Faults, by kind:
    /// * `Unavailable`, `DeadlineExceeded`: the receiver is away, or refuses us; every other notice would fare as this
    ///   one does, and it is given again.
    /// * `Aborted`: the receiver takes others but not yet this one, which is given again and holds up nobody.
    /// * `Invalid`: the receiver takes others and will never take this one.
    /// * `Internal`: the receiver takes others and has failed on this one for long.
    async fn notify(&self, notice: &Notice) -> Result<(), Fault>;
}

/// An event as the audit keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    pub id: EventId,
    pub event_type: String,
    pub source: String,
    pub subject: String,
    pub time: Timestamp,
    pub sequence: u64,
    pub trace: Option<TraceContext>,
    /// The event's JSON data.
    pub data: String,
}

/// The append-only record of every event of the mesh.
#[async_trait]
pub trait Audit: Send + Sync + fmt::Debug {
    /// Keeps the record; one with the same id is kept already and that is fine. `unavailable` without a store.
    async fn append(&self, record: AuditRecord) -> Result<(), Fault>;
}

/// What someone on duty must see: a log line and a metric.
pub trait Alerts: Send + Sync + fmt::Debug {
    /// Money that we owe did not go back; it is tried again.
    fn refund_failed(&self, order: OrderId, refund: RefundId, attempt: u32);

    /// A saga ended without a link after ten minutes.
    fn saga_gave_up(&self, order: OrderId, why: &str);
}

/// How full a queue of the bus is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    pub queue: String,
    pub ready: u64,
    pub in_flight: u64,
    pub dead_letters: u64,
}

/// A message that no handler could take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it within its queue.
    pub id: String,
    pub queue: String,
    /// The event as JSON, when it can be read.
    pub event_json: Option<String>,
    /// The message otherwise.
    pub raw: Option<String>,
    pub reason: String,
    pub attempts: u32,
    pub first_failed_at: Timestamp,
}

/// The bus as an operator sees it: every service's queues.
///
/// Every method returns `unavailable` without a broker, and `invalid_parameter` for a queue that is not there.
#[async_trait]
pub trait Queues: Send + Sync + fmt::Debug {
    /// Every durable queue.
    async fn depths(&self) -> Result<Vec<QueueDepth>, Fault>;

    /// The oldest dead letters of a queue.
    async fn dead_letters(&self, queue: &str, limit: Limit) -> Result<Vec<DeadLetter>, Fault>;

    /// The dead letter of this id; `None` when there is none.
    async fn dead_letter(&self, queue: &str, id: &str) -> Result<Option<DeadLetter>, Fault>;

    /// Puts it back into its queue, its failures forgotten; false when there is none of this id. `invalid_request`
    /// when it cannot be read.
    async fn replay(&self, queue: &str, id: &str) -> Result<bool, Fault>;

    /// Removes it for good; false when there is none of this id.
    async fn purge(&self, queue: &str, id: &str) -> Result<bool, Fault>;
}

/// A piece of work that outlives the request that started it.
pub type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs work under supervision.
#[async_trait]
pub trait Background: Send + Sync + fmt::Debug {
    fn spawn(&self, name: &'static str, work: Work);

    /// Returns when everything should stop.
    async fn stopping(&self);
}
