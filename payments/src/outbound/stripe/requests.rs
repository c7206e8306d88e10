//! Our parameters as async-stripe's generated requests. Metadata has one key each: the encoder walks a hash map, and
//! a retry must be the same bytes.

use std::{collections::HashMap, time::Duration};

use common::{Code, Fault, Timestamp};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionAllowedPaymentMethodTypes, CreateCheckoutSessionLineItems,
    CreateCheckoutSessionLineItemsPriceData, CreateCheckoutSessionPaymentIntentData, ExpireCheckoutSession,
    ListCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_core::{
    event::ListEvent,
    refund::{CreateRefund, ListRefund},
};
use stripe_shared::CheckoutSessionMode;
use stripe_types::{Currency, RangeQueryTs};

use super::objects::EVENT_KINDS;
use crate::domain::{CheckoutLine, CheckoutParams, RefundParams};

/// The metadata key that names the order, on sessions and charges.
pub(super) const ORDER: &str = "order_id";
/// The metadata key that names the refund entry and its attempt.
pub(super) const REFUND: &str = "refund";
/// Most entries per page that Stripe gives.
const PAGE: i64 = 100;
/// How far the provider's clock may be behind ours.
const CLOCK_SLACK: Duration = Duration::from_secs(120);

/// `payment_rejected` for a currency that Stripe does not know.
pub(super) fn create_session(params: &CheckoutParams) -> Result<CreateCheckoutSession, Fault> {
    let lines = params.lines.iter().map(line).collect::<Result<Vec<_>, _>>()?;
    let order = params.order_id.to_string();
    let mut charge = CreateCheckoutSessionPaymentIntentData::new();
    charge.metadata = Some(HashMap::from([(ORDER.to_owned(), order.clone())]));
    let request = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .allowed_payment_method_types(vec![CreateCheckoutSessionAllowedPaymentMethodTypes::Card])
        .client_reference_id(order.clone())
        .metadata(HashMap::from([(ORDER.to_owned(), order)]))
        .payment_intent_data(charge)
        .line_items(lines)
        .expires_at(seconds(params.expires_at))
        .success_url(params.success_url.clone())
        .cancel_url(params.cancel_url.clone());
    Ok(match &params.email {
        Some(email) => request.customer_email(email.clone()),
        None => request,
    })
}

fn line(line: &CheckoutLine) -> Result<CreateCheckoutSessionLineItems, Fault> {
    let mut item = CreateCheckoutSessionLineItems::new();
    item.quantity = Some(u64::from(line.quantity));
    if let Some(price) = &line.price_id {
        item.price = Some(price.clone());
        return Ok(item);
    }
    let currency = line.unit_price.currency;
    let known: Currency = currency.as_str().parse().map_err(|_| {
        Fault::new(Code::PaymentRejected, "the payment provider does not know this currency")
            .with_detail(currency.to_string())
    })?;
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(known);
    price.unit_amount = Some(line.unit_price.amount_minor);
    price.product_data = Some(ProductData::new(line.name.clone()));
    item.price_data = Some(price);
    Ok(item)
}

/// The session with its charge, whose state tells a delayed method that failed from one that is under way.
pub(super) fn retrieve_session(session: &str) -> RetrieveCheckoutSession {
    RetrieveCheckoutSession::new(session).expand(vec!["payment_intent".to_owned()])
}

pub(super) fn expire_session(session: &str) -> ExpireCheckoutSession {
    ExpireCheckoutSession::new(session)
}

pub(super) fn list_sessions(since: Timestamp, older: Option<&str>) -> ListCheckoutSession {
    let request = ListCheckoutSession::new().created(from(since - CLOCK_SLACK)).limit(PAGE);
    match older {
        Some(older) => request.starting_after(older),
        None => request,
    }
}

pub(super) fn create_refund(params: &RefundParams) -> CreateRefund {
    CreateRefund::new()
        .payment_intent(params.payment_intent.clone())
        .amount(params.amount.amount_minor)
        .metadata(HashMap::from([(REFUND.to_owned(), params.reference.to_string())]))
}

pub(super) fn list_refunds(payment_intent: &str) -> ListRefund {
    ListRefund::new().payment_intent(payment_intent).limit(PAGE)
}

pub(super) fn list_events(since: Timestamp, older: Option<&str>) -> ListEvent {
    let kinds: Vec<String> = EVENT_KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    let request = ListEvent::new().created(from(since)).types(kinds).limit(PAGE);
    match older {
        Some(older) => request.starting_after(older),
        None => request,
    }
}

fn from(since: Timestamp) -> RangeQueryTs {
    RangeQueryTs::gte(seconds(since))
}

fn seconds(at: Timestamp) -> stripe_types::Timestamp {
    i64::try_from(at.as_secs()).unwrap_or(i64::MAX)
}
