//! `payment_intent`: the payment of a session as money sees it.

use common::Currency;
use serde::Serialize;

use super::{Expandable, charge::Charge};
use crate::domain::{
    Metadata, Session,
    session::{Payment, PaymentStatus},
    token,
};

#[derive(Debug, Serialize)]
pub struct PaymentIntent<'a> {
    id: String,
    object: &'static str,
    amount: i64,
    amount_capturable: i64,
    amount_received: i64,
    capture_method: &'static str,
    client_secret: Option<&'a str>,
    confirmation_method: &'static str,
    created: u64,
    currency: Currency,
    customer: Option<&'a str>,
    latest_charge: Option<Expandable<Charge<'a>>>,
    livemode: bool,
    metadata: &'a Metadata,
    payment_method_types: &'a [String],
    receipt_email: Option<&'a str>,
    status: &'static str,
}

impl<'a> PaymentIntent<'a> {
    #[must_use]
    pub fn new(session: &'a Session, payment: &'a Payment, expand_charge: bool) -> Self {
        let charged = payment.status == PaymentStatus::Succeeded;
        let latest_charge = charged.then(|| {
            if expand_charge {
                Expandable::Object(Box::new(Charge::new(session, payment)))
            } else {
                Expandable::Id(session.token.with(token::CHARGE))
            }
        });
        Self {
            id: session.token.with(token::INTENT),
            object: "payment_intent",
            amount: session.total_minor,
            amount_capturable: 0,
            amount_received: if charged { session.total_minor } else { 0 },
            capture_method: "automatic_async",
            client_secret: None,
            confirmation_method: "automatic",
            created: payment.at,
            currency: session.currency,
            customer: None,
            latest_charge,
            livemode: false,
            metadata: &session.payment_metadata,
            payment_method_types: &session.payment_method_types,
            receipt_email: session.customer_email.as_deref(),
            status: match payment.status {
                PaymentStatus::Succeeded | PaymentStatus::NotRequired => "succeeded",
                PaymentStatus::Processing { .. } => "processing",
                PaymentStatus::Failed => "requires_payment_method",
            },
        }
    }
}
