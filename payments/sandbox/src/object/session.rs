//! `checkout.session` and its line items.

use common::Currency;
use serde::Serialize;

use super::{
    Empty, Expandable,
    list::List,
    payment_intent::PaymentIntent,
    price::{Price, PriceSource},
};
use crate::domain::{
    Metadata, Session,
    session::{Line, PaymentStatus, State},
    token,
};

#[derive(Debug, Serialize)]
pub struct CheckoutSession<'a> {
    id: String,
    object: &'static str,
    amount_subtotal: i64,
    amount_total: i64,
    automatic_tax: AutomaticTax,
    cancel_url: Option<&'a str>,
    client_reference_id: Option<&'a str>,
    created: u64,
    currency: Currency,
    custom_fields: [Empty; 0],
    custom_text: Empty,
    customer: Option<&'a str>,
    customer_details: Option<CustomerDetails<'a>>,
    customer_email: Option<&'a str>,
    expires_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    line_items: Option<List<LineItem<'a>>>,
    livemode: bool,
    metadata: &'a Metadata,
    mode: &'static str,
    payment_intent: Option<Expandable<PaymentIntent<'a>>>,
    payment_method_collection: &'static str,
    payment_method_types: &'a [String],
    payment_status: &'static str,
    shipping_options: [Empty; 0],
    status: &'static str,
    success_url: &'a str,
    total_details: TotalDetails,
    ui_mode: &'static str,
    url: Option<String>,
}

#[derive(Debug, Serialize)]
struct AutomaticTax {
    enabled: bool,
}

#[derive(Debug, Serialize)]
struct CustomerDetails<'a> {
    email: &'a str,
    tax_exempt: &'static str,
}

#[derive(Debug, Serialize)]
struct TotalDetails {
    amount_discount: i64,
    amount_shipping: i64,
    amount_tax: i64,
}

/// Which parts a caller asked to see in full.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expand {
    pub payment_intent: bool,
    pub latest_charge: bool,
    pub line_items: bool,
}

impl<'a> CheckoutSession<'a> {
    /// The session as it is; `public_url` is where its hosted page is reached.
    #[must_use]
    pub fn new(session: &'a Session, public_url: &str, expand: Expand) -> Self {
        let id = session.token.with(token::SESSION);
        let open = matches!(session.state, State::Open);
        let line_items = || {
            let url = format!("/v1/checkout/sessions/{id}/line_items");
            List::new(
                session.lines.iter().enumerate().map(|l| LineItem::new(session, l)).collect(),
                false,
                url,
            )
        };
        Self {
            line_items: expand.line_items.then(line_items),
            url: open.then(|| page_url(public_url, &id)),
            id,
            object: "checkout.session",
            amount_subtotal: session.total_minor,
            amount_total: session.total_minor,
            automatic_tax: AutomaticTax { enabled: false },
            cancel_url: session.cancel_url.as_deref(),
            client_reference_id: session.client_reference_id.as_deref(),
            created: session.token.created(),
            currency: session.currency,
            custom_fields: [],
            custom_text: Empty {},
            customer: None,
            customer_details: session
                .customer_email
                .as_deref()
                .map(|email| CustomerDetails { email, tax_exempt: "none" }),
            customer_email: session.customer_email.as_deref(),
            expires_at: session.expires_at,
            livemode: false,
            metadata: &session.metadata,
            mode: "payment",
            payment_intent: payment_intent(session, expand),
            payment_method_collection: "if_required",
            payment_method_types: &session.payment_method_types,
            payment_status: payment_status(session),
            shipping_options: [],
            status: status(session),
            success_url: &session.success_url,
            total_details: TotalDetails { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
            ui_mode: "hosted_page",
        }
    }
}

/// Where the payer goes.
#[must_use]
pub fn page_url(public_url: &str, session_id: &str) -> String {
    format!("{public_url}/c/pay/{session_id}")
}

fn payment_intent(session: &Session, expand: Expand) -> Option<Expandable<PaymentIntent<'_>>> {
    let payment = session.payment().filter(|p| p.status != PaymentStatus::NotRequired)?;
    Some(if expand.payment_intent {
        Expandable::Object(Box::new(PaymentIntent::new(session, payment, expand.latest_charge)))
    } else {
        Expandable::Id(session.token.with(token::INTENT))
    })
}

/// `open`, `complete` or `expired`.
#[must_use]
pub fn status(session: &Session) -> &'static str {
    match session.state {
        State::Open => "open",
        State::Expired => "expired",
        State::Complete(_) => "complete",
    }
}

fn payment_status(session: &Session) -> &'static str {
    match session.payment().map(|payment| payment.status) {
        Some(PaymentStatus::Succeeded) => "paid",
        Some(PaymentStatus::NotRequired) => "no_payment_required",
        Some(PaymentStatus::Processing { .. } | PaymentStatus::Failed) | None => "unpaid",
    }
}

#[derive(Debug, Serialize)]
pub struct LineItem<'a> {
    id: String,
    object: &'static str,
    amount_discount: i64,
    amount_subtotal: i64,
    amount_tax: i64,
    amount_total: i64,
    currency: Currency,
    description: &'a str,
    price: Price<'a>,
    quantity: u32,
}

impl<'a> LineItem<'a> {
    #[must_use]
    pub fn new(session: &'a Session, (number, line): (usize, &'a Line)) -> Self {
        let source = line.price.map_or(PriceSource::Inline(session.token, number), PriceSource::Stored);
        Self {
            id: format!("li_{}_{number}", session.token.with("")),
            object: "item",
            amount_discount: 0,
            amount_subtotal: line.total_minor,
            amount_tax: 0,
            amount_total: line.total_minor,
            currency: session.currency,
            description: &line.name,
            price: Price::of_line(session, line, source),
            quantity: line.quantity,
        }
    }
}
