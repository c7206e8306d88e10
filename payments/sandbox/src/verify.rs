//! Checks what is stored: at most one succeeded charge per reference, and no refund beyond its charge.

use std::{collections::HashMap, sync::Arc};

use common::{Clock, Currency, Fault, Ids, SystemClock, SystemRandom, report::Report};
use serde::Serialize;
use store::{DocumentStore, Documents};

use crate::{
    app::listing,
    domain::{
        EventRecord, Refund, Session, event::Delivery, refund::RefundStatus, session::PaymentStatus, token,
    },
};

/// A succeeded charge.
#[derive(Clone, Debug, Serialize)]
pub struct Charge {
    pub id: String,
    pub payment_intent: String,
    pub session: String,
    pub client_reference_id: Option<String>,
    pub amount_minor: i64,
    pub refunded_minor: i64,
    pub currency: Currency,
}

impl Charge {
    /// The charge of a session, if it has succeeded.
    #[must_use]
    pub fn of(session: &Session) -> Option<Self> {
        let payment = session.charge()?;
        Some(Self {
            id: session.token.with(token::CHARGE),
            payment_intent: session.token.with(token::INTENT),
            session: session.token.with(token::SESSION),
            client_reference_id: session.client_reference_id.clone(),
            amount_minor: session.total_minor,
            refunded_minor: payment.refunded_minor,
            currency: session.currency,
        })
    }
}

/// The collections of a store, for reading.
struct Records {
    sessions: Documents<Session>,
    refunds: Documents<Refund>,
    events: Documents<EventRecord>,
}

impl Records {
    /// Reading mints no id, so that any clock and any randomness will do.
    fn of(store: &Arc<dyn DocumentStore>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids = Ids::new(Arc::clone(&clock), Arc::new(SystemRandom));
        Self {
            sessions: Documents::new(Arc::clone(store), ids.clone(), Arc::clone(&clock)),
            refunds: Documents::new(Arc::clone(store), ids.clone(), Arc::clone(&clock)),
            events: Documents::new(Arc::clone(store), ids, clock),
        }
    }
}

/// Every succeeded charge, oldest first. Faults: `unavailable`.
pub async fn charges(store: &Arc<dyn DocumentStore>) -> Result<Vec<Charge>, Fault> {
    let sessions = listing::all(&Records::of(store).sessions, None, "").await?;
    Ok(sessions.iter().filter_map(|session| Charge::of(&session.body)).collect())
}

/// Checks a sandbox's store. Faults: `unavailable`.
pub async fn check(store: &Arc<dyn DocumentStore>) -> Result<Report, Fault> {
    let records = Records::of(store);
    let mut report = Report::default();
    let refunded = refunds(&records, &mut report).await?;
    sessions(&records, &refunded, &mut report).await?;
    for event in listing::all(&records.events, Some("pending"), "").await? {
        let id = event.body.token.with(token::EVENT);
        if let Delivery::Pending { attempts, .. } = event.body.delivery {
            report.in_flight(format!(
                "{id} {} is not delivered after {attempts} attempts",
                event.body.event_type.as_str()
            ));
        }
    }
    Ok(report)
}

/// What refunds hold, by the token of their payment.
async fn refunds(records: &Records, report: &mut Report) -> Result<HashMap<String, i64>, Fault> {
    let mut refunded = HashMap::new();
    for refund in listing::all(&records.refunds, None, "").await? {
        let refund = refund.body;
        if matches!(refund.status, RefundStatus::Pending { .. }) {
            report.in_flight(format!("{} is pending", refund.token.with(token::REFUND)));
        }
        if refund.status != RefundStatus::Failed {
            *refunded.entry(refund.payment.with("")).or_default() += refund.amount_minor;
        }
    }
    Ok(refunded)
}

async fn sessions(
    records: &Records,
    refunded: &HashMap<String, i64>,
    report: &mut Report,
) -> Result<(), Fault> {
    let mut charged: HashMap<String, String> = HashMap::new();
    for session in listing::all(&records.sessions, None, "").await? {
        let session = session.body;
        let id = session.token.with(token::SESSION);
        let refunds = refunded.get(&session.token.with("")).copied().unwrap_or_default();
        let held = session.payment().map_or(0, |payment| payment.refunded_minor);
        let captured = session.charge().map_or(0, |_| session.total_minor);
        if refunds > captured || refunds != held {
            report.violation(format!("{id}: {refunds} refunded and {held} noted of {captured} captured"));
        }
        if matches!(session.payment(), Some(p) if matches!(p.status, PaymentStatus::Processing { .. })) {
            report.in_flight(format!("{id} is being paid by a delayed method"));
        }
        if let (Some(reference), Some(_)) = (&session.client_reference_id, session.charge())
            && let Some(other) = charged.insert(reference.clone(), id.clone())
        {
            report.violation(format!("{reference} was charged twice: {other} and {id}"));
        }
    }
    Ok(())
}
