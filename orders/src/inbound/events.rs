//! The consumers: one handler per queue, each turning events into calls of a use case.

use std::sync::Arc;

use async_trait::async_trait;
use bus::{Event, Handler};
use common::Fault;
use contracts::{
    events::{OrderEvent, PaymentEvent, StockLow, TicketEvent},
    topics::EventType,
};

use crate::{
    app::App,
    domain::{Fact, PaymentState, Returned, TicketState},
    ports::{AuditRecord, News, Notice},
};

/// `orders.payments`: what became of payments and refunds.
#[derive(Clone, Debug)]
pub struct PaymentEvents(pub Arc<App>);

#[async_trait]
impl Handler for PaymentEvents {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let data: PaymentEvent = event.decode()?;
        let facts = payment_facts(&event.event_type, &data);
        if facts.is_empty() {
            return Ok(());
        }
        self.0.merge_facts(data.order_id, &facts, event.id).await
    }
}

/// The facts of a payment event; none for a type that is not known here.
#[must_use]
pub fn payment_facts(event_type: &str, data: &PaymentEvent) -> Vec<Fact> {
    let payment = |state| Fact::Payment { state, captured: data.captured };
    // A refund speaks of a payment that succeeded, even when that event is still on its way.
    let succeeded = data.captured.map(|_| payment(PaymentState::Succeeded));
    let refund = data.refund.as_ref();
    match EventType::parse(event_type) {
        Some(EventType::PaymentProcessing) => vec![payment(PaymentState::Processing)],
        Some(EventType::PaymentSucceeded) => vec![payment(PaymentState::Succeeded)],
        Some(EventType::PaymentFailed) => vec![payment(PaymentState::Failed)],
        Some(EventType::PaymentExpired) => vec![payment(PaymentState::Expired)],
        Some(EventType::PaymentRefunded) => succeeded
            .into_iter()
            .chain(refund.map(|refund| {
                let own = refund.refund_id.map(|id| id.to_string());
                let key = own.unwrap_or_else(|| refund.provider_id.clone());
                Fact::Returned(Returned { key, amount: refund.amount })
            }))
            .collect(),
        Some(EventType::PaymentRefundFailed) => succeeded
            .into_iter()
            .chain(refund.and_then(|refund| {
                Some(Fact::RefundFailed { refund_id: refund.refund_id?, attempt: refund.attempt })
            }))
            .collect(),
        _ => Vec::new(),
    }
}

/// `orders.kitchen`: how far the kitchen is.
#[derive(Clone, Debug)]
pub struct TicketEvents(pub Arc<App>);

#[async_trait]
impl Handler for TicketEvents {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let data: TicketEvent = event.decode()?;
        let Some(state) = ticket_state(&event.event_type) else { return Ok(()) };
        let fact = Fact::Ticket { state, started: data.started };
        self.0.merge_facts(data.order_id, &[fact], event.id).await
    }
}

/// The state that a ticket event reports; `None` for a type that is not known here.
#[must_use]
pub fn ticket_state(event_type: &str) -> Option<TicketState> {
    Some(match EventType::parse(event_type)? {
        EventType::TicketQueued => TicketState::Queued,
        EventType::TicketPreparing => TicketState::Preparing,
        EventType::TicketReady => TicketState::Ready,
        EventType::TicketPickedUp => TicketState::PickedUp,
        EventType::TicketRejected => TicketState::Rejected,
        EventType::TicketCancelled => TicketState::Cancelled,
        _ => return None,
    })
}

/// `orders.notifications`: what people should hear of.
#[derive(Clone, Debug)]
pub struct Notifications(pub Arc<App>);

#[async_trait]
impl Handler for Notifications {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let news = match EventType::parse(&event.event_type) {
            Some(EventType::StockLow) => {
                let data: StockLow = event.decode()?;
                News::LowStock { item_id: data.item_id, name: data.name, available: data.available }
            }
            Some(_) => order_news(event.decode()?),
            None => return Ok(()),
        };
        let (id, at, event_type) = (event.id, event.time, event.event_type.clone());
        self.0.notify(&Notice { id, event_type, at, news }).await
    }
}

fn order_news(data: OrderEvent) -> News {
    News::Order {
        order_id: data.order_id,
        customer_id: data.customer_id,
        status: data.status,
        email: data.email,
        total: data.total,
        payment_link: data.payment_link,
    }
}

/// `orders.audit`: everything.
#[derive(Clone, Debug)]
pub struct AuditTrail(pub Arc<App>);

#[async_trait]
impl Handler for AuditTrail {
    async fn handle(&self, event: &Event) -> Result<(), Fault> {
        let record = AuditRecord {
            id: event.id,
            event_type: event.event_type.clone(),
            source: event.source.clone(),
            subject: event.subject.clone(),
            time: event.time,
            sequence: event.sequence,
            trace: event.traceparent,
            data: event.data.get().to_owned(),
        };
        self.0.audit_event(record).await
    }
}
