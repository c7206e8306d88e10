//! Payments as documents, with the events that tell of their changes in the same write.

use std::sync::Arc;

use async_trait::async_trait;
use common::{Fault, OrderId, Timestamp, TraceContext};
use contracts::{
    events::{PaymentEvent, RefundReport},
    topics::EventType,
};
use store::{
    Collection, Document, DocumentStore, Documents, Expected, IndexKey, IndexQuery, Loaded, Order, Save,
};

use crate::{
    domain::{Change, InboxEntry, Payment, Reported},
    ports::{Kept, Payments},
};

/// Index of payments by when they are due.
pub const DUE: &str = "due";
/// Index of payments by the provider's id of their charge.
pub const CHARGE: &str = "charge";

impl Document for Payment {
    const COLLECTION: Collection = Collection("payments");
    const INDEXES: &'static [&'static str] = &[DUE, CHARGE];
    const EVENTS: bool = true;

    fn document_id(&self) -> String {
        self.order_id.to_string()
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let due_at = self.due_at();
        let due = (due_at < Timestamp::NEVER).then(|| IndexKey::new(DUE, due_at.sort_key()));
        let charge = self.session.as_ref().and_then(|session| session.payment_intent.as_deref());
        due.into_iter().chain(charge.map(|charge| IndexKey::new(CHARGE, charge))).collect()
    }

    fn trace(&self) -> Option<TraceContext> {
        self.trace
    }
}

/// The payments of one store.
#[derive(Clone, Debug)]
pub struct PaymentDocuments {
    store: Arc<dyn DocumentStore>,
    payments: Documents<Payment>,
    entries: Documents<InboxEntry>,
}

impl PaymentDocuments {
    #[must_use]
    pub fn new(
        store: Arc<dyn DocumentStore>,
        payments: Documents<Payment>,
        entries: Documents<InboxEntry>,
    ) -> Self {
        Self { store, payments, entries }
    }
}

#[async_trait]
impl Payments for PaymentDocuments {
    async fn load(&self, order: OrderId) -> Result<Option<Kept<Payment>>, Fault> {
        Ok(self.payments.load(&order.to_string()).await?.map(kept))
    }

    async fn of_charge(&self, payment_intent: &str) -> Result<Option<Kept<Payment>>, Fault> {
        let page = self.payments.list(IndexQuery {
            index: Some(CHARGE),
            prefix: payment_intent.to_owned(),
            below: None,
            order: Order::Ascending,
            limit: 2,
            cursor: None,
        });
        let of_this = |loaded: &Loaded<Payment>| {
            let session = loaded.body.session.as_ref();
            session.and_then(|session| session.payment_intent.as_deref()) == Some(payment_intent)
        };
        Ok(page.await?.entries.into_iter().find(of_this).map(kept))
    }

    async fn insert(&self, payment: Payment) -> Result<Kept<Payment>, Fault> {
        let version = self.payments.insert(&payment, Save::new()).await?;
        Ok(Kept { value: payment, version })
    }

    async fn save(&self, payment: Payment, version: u64, changes: &[Change]) -> Result<Kept<Payment>, Fault> {
        let save = telling(&payment, changes)?;
        let version = self.payments.update(&payment, version, save).await?;
        Ok(Kept { value: payment, version })
    }

    async fn save_with_entry(
        &self,
        payment: Kept<Payment>,
        changes: &[Change],
        entry: Kept<InboxEntry>,
    ) -> Result<Kept<Payment>, Fault> {
        let save = telling(&payment.value, changes)?;
        let first = self.payments.write(&payment.value, Expected::Version(payment.version), save)?;
        let second = self.entries.write(&entry.value, Expected::Version(entry.version), Save::new())?;
        self.store.save_in_order(vec![first, second]).await?;
        Ok(Kept { value: payment.value, version: payment.version + 1 })
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Kept<Payment>>, Fault> {
        let page = self.payments.list(due_before(DUE, now, limit)).await?;
        Ok(page.entries.into_iter().map(kept).collect())
    }
}

/// Everything in a time index up to and including this moment.
pub(super) fn due_before(index: &'static str, now: Timestamp, limit: usize) -> IndexQuery {
    let below = Timestamp::from_millis(now.as_millis() + 1).sort_key();
    IndexQuery {
        index: Some(index),
        prefix: String::new(),
        below: Some(below),
        order: Order::Ascending,
        limit,
        cursor: None,
    }
}

fn kept(loaded: Loaded<Payment>) -> Kept<Payment> {
    Kept { value: loaded.body, version: loaded.version }
}

fn telling(payment: &Payment, changes: &[Change]) -> Result<Save, Fault> {
    changes.iter().try_fold(Save::new(), |save, change| {
        let (event_type, refund) = match change {
            Change::Processing => (EventType::PaymentProcessing, None),
            Change::Succeeded => (EventType::PaymentSucceeded, None),
            Change::Failed => (EventType::PaymentFailed, None),
            Change::Expired => (EventType::PaymentExpired, None),
            Change::Refunded(refund) => (EventType::PaymentRefunded, Some(report(refund))),
            Change::RefundFailed(refund) => (EventType::PaymentRefundFailed, Some(report(refund))),
        };
        save.event(event_type.as_str(), &event(payment, refund))
    })
}

fn event(payment: &Payment, refund: Option<RefundReport>) -> PaymentEvent {
    PaymentEvent {
        order_id: payment.order_id,
        payment_id: payment.order_id.shown_as("pay"),
        captured: payment.captured,
        refund,
        at: payment.tries.last_at,
    }
}

fn report(refund: &Reported) -> RefundReport {
    RefundReport {
        refund_id: refund.id,
        provider_id: refund.provider_id.clone(),
        amount: refund.amount,
        attempt: refund.attempt,
    }
}
