//! `charge`: the money that a payment moved.

use common::Currency;
use serde::Serialize;

use crate::domain::{Metadata, Session, session::Payment, token};

#[derive(Debug, Serialize)]
pub struct Charge<'a> {
    id: String,
    object: &'static str,
    amount: i64,
    amount_captured: i64,
    amount_refunded: i64,
    billing_details: BillingDetails<'a>,
    captured: bool,
    created: u64,
    currency: Currency,
    customer: Option<&'a str>,
    disputed: bool,
    livemode: bool,
    metadata: &'a Metadata,
    paid: bool,
    payment_intent: String,
    receipt_email: Option<&'a str>,
    refunded: bool,
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct BillingDetails<'a> {
    email: Option<&'a str>,
}

impl<'a> Charge<'a> {
    #[must_use]
    pub fn new(session: &'a Session, payment: &Payment) -> Self {
        let email = session.customer_email.as_deref();
        Self {
            id: session.token.with(token::CHARGE),
            object: "charge",
            amount: session.total_minor,
            amount_captured: session.total_minor,
            amount_refunded: payment.refunded_minor,
            billing_details: BillingDetails { email },
            captured: true,
            created: payment.at,
            currency: session.currency,
            customer: None,
            disputed: false,
            livemode: false,
            metadata: &session.payment_metadata,
            paid: true,
            payment_intent: session.token.with(token::INTENT),
            receipt_email: email,
            refunded: payment.refunded_minor == session.total_minor,
            status: "succeeded",
        }
    }
}
