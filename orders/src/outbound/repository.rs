//! Orders and claims as documents: their indexes, their events, one write each.

use std::sync::Arc;

use async_trait::async_trait;
use common::{EventId, Fault, Limit, OrderId, Page, Timestamp, TraceContext};
use contracts::{
    events::{OrderEvent, OrderEventLine, RefundOrder},
    topics::EventType,
};
use store::{
    Collection, Document, DocumentStore, Documents, Expected, IndexKey, IndexQuery, Loaded,
    Order as Direction, Save,
};

use crate::{
    domain::{Claim, ClaimKey, Line, Order, Status},
    ports::{ClaimWrite, DueFor, Filter, Orders, Stored},
};

const BY_CUSTOMER: &str = "customer";
const BY_CUSTOMER_AND_STATUS: &str = "customer_status";
const BY_STATUS: &str = "status";
const BY_DUE: &str = "due";
const BY_EXPIRY: &str = "expires";

impl Document for Order {
    const COLLECTION: Collection = Collection("orders");
    const INDEXES: &'static [&'static str] = &[BY_CUSTOMER, BY_CUSTOMER_AND_STATUS, BY_STATUS, BY_DUE];
    const EVENTS: bool = true;

    fn document_id(&self) -> String {
        self.id.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let (id, customer, status) = (self.id, &self.customer_id, self.status.as_str());
        let mut keys = vec![
            IndexKey::new(BY_CUSTOMER, format!("{customer}/{id}")),
            IndexKey::new(BY_CUSTOMER_AND_STATUS, format!("{customer}/{status}/{id}")),
            IndexKey::new(BY_STATUS, format!("{status}/{id}")),
        ];
        let due_at = self.due_at();
        if due_at < Timestamp::NEVER {
            let queue = if self.status == Status::Pending { DueFor::Driver } else { DueFor::Visit };
            keys.push(IndexKey::new(BY_DUE, format!("{}{}", due_prefix(queue), due_at.sort_key())));
        }
        keys
    }

    fn trace(&self) -> Option<TraceContext> {
        self.trace
    }
}

const fn due_prefix(what: DueFor) -> &'static str {
    match what {
        DueFor::Driver => "driver/",
        DueFor::Visit => "visit/",
    }
}

impl Document for Claim {
    const COLLECTION: Collection = Collection("claims");
    const INDEXES: &'static [&'static str] = &[BY_EXPIRY];

    fn document_id(&self) -> String {
        self.key.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        vec![IndexKey::new(BY_EXPIRY, self.expires_at.sort_key())]
    }
}

/// The repository over the service's document store.
#[derive(Clone, Debug)]
pub struct Repository {
    pub store: Arc<dyn DocumentStore>,
    pub orders: Documents<Order>,
    pub claims: Documents<Claim>,
}

#[async_trait]
impl Orders for Repository {
    async fn create(&self, mut order: Order, claim: Option<ClaimWrite>) -> Result<Stored<Order>, Fault> {
        let save = told(&mut order, None)?;
        let Some(claim) = claim else {
            let version = self.orders.insert(&order, save).await?;
            return Ok(Stored { body: order, version });
        };
        let expected = claim.replaces.map_or(Expected::Absent, Expected::Version);
        let writes = vec![
            self.claims.write(&claim.claim, expected, Save::new())?,
            self.orders.write(&order, Expected::Absent, save)?,
        ];
        self.store.save_in_order(writes).await?;
        Ok(Stored { body: order, version: Expected::Absent.next() })
    }

    async fn load(&self, id: OrderId) -> Result<Option<Stored<Order>>, Fault> {
        Ok(self.orders.load(&id.to_string()).await?.map(stored))
    }

    async fn load_claim(&self, key: &ClaimKey) -> Result<Option<Stored<Claim>>, Fault> {
        Ok(self.claims.load(&key.to_string()).await?.map(stored))
    }

    async fn save(
        &self,
        mut order: Order,
        version: u64,
        handled: Option<EventId>,
    ) -> Result<Stored<Order>, Fault> {
        let save = told(&mut order, handled)?;
        let version = self.orders.update(&order, version, save).await?;
        Ok(Stored { body: order, version })
    }

    async fn list(
        &self,
        filter: &Filter,
        limit: Limit,
        cursor: Option<String>,
    ) -> Result<Page<Stored<Order>>, Fault> {
        let (index, prefix) = match (&filter.customer, filter.status) {
            (None, None) => (None, String::new()),
            (None, Some(status)) => (Some(BY_STATUS), format!("{}/", status.as_str())),
            (Some(customer), None) => (Some(BY_CUSTOMER), format!("{customer}/")),
            (Some(customer), Some(status)) => {
                (Some(BY_CUSTOMER_AND_STATUS), format!("{customer}/{}/", status.as_str()))
            }
        };
        let order = Direction::Descending;
        let query = IndexQuery { index, prefix, below: None, order, limit: limit.get(), cursor };
        Ok(self.orders.list(query).await?.map(stored))
    }

    async fn count(&self, status: Status) -> Result<u64, Fault> {
        self.orders.count(Some(BY_STATUS), &format!("{}/", status.as_str())).await
    }

    async fn due(&self, what: DueFor, now: Timestamp, limit: usize) -> Result<Vec<Stored<Order>>, Fault> {
        let query = overdue(BY_DUE, due_prefix(what), now, limit);
        Ok(self.orders.list(query).await?.map(stored).entries)
    }

    async fn expired_claims(&self, now: Timestamp, limit: usize) -> Result<Vec<Stored<Claim>>, Fault> {
        Ok(self.claims.list(overdue(BY_EXPIRY, "", now, limit)).await?.map(stored).entries)
    }

    async fn remove_claim(&self, claim: &Stored<Claim>) -> Result<(), Fault> {
        self.claims.remove(&claim.body.key.to_string(), claim.version).await
    }
}

/// Whose time has come, the longest overdue first.
fn overdue(index: &'static str, prefix: &str, now: Timestamp, limit: usize) -> IndexQuery {
    let just_after = now + std::time::Duration::from_millis(1);
    IndexQuery {
        index: Some(index),
        prefix: prefix.to_owned(),
        below: Some(format!("{prefix}{}", just_after.sort_key())),
        order: Direction::Ascending,
        limit,
        cursor: None,
    }
}

fn stored<T>(loaded: Loaded<T>) -> Stored<T> {
    Stored { body: loaded.body, version: loaded.version }
}

/// One event per state that the order entered, each with the order as it is now.
fn told(order: &mut Order, handled: Option<EventId>) -> Result<Save, Fault> {
    let entered = order.take_entered();
    entered.into_iter().try_fold(Save::new().handling(handled), |save, status| {
        save.event(event_type(status).as_str(), &event(order, status))
    })
}

fn event(order: &Order, status: Status) -> OrderEvent {
    OrderEvent {
        order_id: order.id,
        customer_id: order.customer_id.clone(),
        status: status.as_str().to_owned(),
        lines: order.lines.iter().map(event_line).collect(),
        total: order.total,
        note: order.note.clone(),
        email: order.email.clone(),
        cause: order.cause.clone(),
        payment_link: order.checkout.as_ref().map(|checkout| checkout.link.clone()),
        ticket_started: order.may_have_started(),
        refunds: order.open_refunds().map(refund_order).collect(),
        at: order.updated_at,
    }
}

fn event_line(line: &Line) -> OrderEventLine {
    OrderEventLine {
        item_id: line.item_id.clone(),
        quantity: line.quantity,
        name: line.price.as_ref().map(|price| price.name.clone()),
        unit_price: line.price.as_ref().map(|price| price.unit),
    }
}

fn refund_order(refund: &crate::domain::Refund) -> RefundOrder {
    RefundOrder {
        refund_id: refund.id,
        amount: refund.amount,
        attempt: refund.attempt,
        reason: refund.reason.clone(),
    }
}

const fn event_type(status: Status) -> EventType {
    match status {
        Status::Pending => EventType::OrderCreated,
        Status::WaitingPayment => EventType::OrderWaitingPayment,
        Status::Cancelled => EventType::OrderCancelled,
        Status::Expired => EventType::OrderExpired,
        Status::Paid => EventType::OrderPaid,
        Status::Preparing => EventType::OrderPreparing,
        Status::Ready => EventType::OrderReady,
        Status::Completed => EventType::OrderCompleted,
        Status::Refunding => EventType::OrderRefunding,
        Status::Refunded => EventType::OrderRefunded,
    }
}
