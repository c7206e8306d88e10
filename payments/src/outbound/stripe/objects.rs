//! What we read of Stripe's objects. An event comes in the API version of its endpoint, and a field that Stripe adds,
//! drops or changes elsewhere in an object must not stop a payment: so only the fields that we use are read.

use std::collections::HashMap;

use common::{Code, Currency, Fault, Money, OrderId, Timestamp};
use miniserde::{Deserialize, json};

use super::requests::{ORDER, REFUND};
use crate::domain::{Fact, ProviderEvent, RefundState, RefundView, SessionStatus, SessionView};

const ASYNC_PAYMENT_FAILED: &str = "checkout.session.async_payment_failed";
const CHARGE_REFUNDED: &str = "charge.refunded";

/// The events that we act on.
pub(super) const EVENT_KINDS: [&str; 8] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    ASYNC_PAYMENT_FAILED,
    "checkout.session.expired",
    CHARGE_REFUNDED,
    "refund.created",
    "refund.updated",
    "refund.failed",
];

type Metadata = Option<HashMap<String, String>>;

/// A page of a list, newest first.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    has_more: bool,
}

impl<T> List<T> {
    /// Where the next page starts, if there is one.
    pub(super) fn older(&self, id: impl Fn(&T) -> &String) -> Option<String> {
        self.data.last().filter(|_| self.has_more).map(|last| id(last).clone())
    }
}

/// A checkout session.
#[derive(Deserialize)]
pub(super) struct SessionObject {
    pub(super) id: String,
    client_reference_id: Option<String>,
    metadata: Metadata,
    status: Option<String>,
    payment_status: Option<String>,
    url: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
    expires_at: i64,
    payment_intent: Option<json::Value>,
}

impl SessionObject {
    /// The order that it refers to, if it is one of ours.
    pub(super) fn order_id(&self) -> Option<OrderId> {
        order_in(&self.metadata).or_else(|| self.client_reference_id.as_deref()?.parse().ok())
    }

    pub(super) fn view(self) -> Result<SessionView, String> {
        let status = self.present_status()?;
        self.view_as(status)
    }

    fn present_status(&self) -> Result<SessionStatus, String> {
        match (self.status.as_deref(), self.payment_status.as_deref()) {
            (Some("open"), _) => Ok(SessionStatus::Open),
            (Some("expired"), _) => Ok(SessionStatus::Expired),
            (Some("complete"), Some("paid" | "no_payment_required")) => Ok(SessionStatus::Paid),
            (Some("complete"), Some("unpaid")) if self.charge_failed() => Ok(SessionStatus::Failed),
            (Some("complete"), Some("unpaid")) => Ok(SessionStatus::Processing),
            (status, paid) => Err(format!("session {} is {status:?} and {paid:?}", self.id)),
        }
    }

    /// A delayed method that failed leaves its charge waiting for another one. Known when the charge is expanded.
    fn charge_failed(&self) -> bool {
        let Some(json::Value::Object(charge)) = &self.payment_intent else { return false };
        let status = charge.get("status");
        matches!(status, Some(json::Value::String(s)) if s == "requires_payment_method" || s == "canceled")
    }

    fn view_as(self, status: SessionStatus) -> Result<SessionView, String> {
        Ok(SessionView {
            order_id: self.order_id(),
            status,
            total: money(self.amount_total, self.currency.as_deref())?,
            expires_at: moment(self.expires_at),
            payment_intent: id_of(self.payment_intent),
            link: self.url,
            id: self.id,
        })
    }
}

/// A refund.
#[derive(Deserialize)]
pub(super) struct RefundObject {
    id: String,
    amount: Option<i64>,
    currency: Option<String>,
    status: Option<String>,
    payment_intent: Option<json::Value>,
    metadata: Metadata,
}

impl RefundObject {
    pub(super) fn view(self) -> Result<RefundView, String> {
        let reference = self.metadata.as_ref().and_then(|metadata| metadata.get(REFUND)?.parse().ok());
        Ok(RefundView {
            reference,
            amount: money(self.amount, self.currency.as_deref())?,
            state: match self.status.as_deref() {
                Some("succeeded") => RefundState::Succeeded,
                Some("failed" | "canceled") => RefundState::Failed,
                _ => RefundState::Pending,
            },
            payment_intent: id_of(self.payment_intent),
            provider_id: self.id,
        })
    }
}

/// A charge of which something was refunded.
#[derive(Deserialize)]
struct ChargeObject {
    id: String,
    payment_intent: Option<json::Value>,
    amount_refunded: Option<i64>,
    currency: Option<String>,
    metadata: Metadata,
}

impl ChargeObject {
    fn fact(self) -> Result<Fact, String> {
        let payment_intent = id_of(self.payment_intent);
        Ok(Fact::ChargeRefunded {
            payment_intent: payment_intent.ok_or_else(|| format!("{} has no intent", self.id))?,
            order_id: order_in(&self.metadata),
            refunded: money(self.amount_refunded, self.currency.as_deref())?,
        })
    }
}

/// An event whose object is read once its type is known.
#[derive(Deserialize)]
pub(super) struct EventObject {
    pub(super) id: String,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    data: EventData,
}

#[derive(Deserialize)]
struct EventData {
    object: json::Value,
}

impl EventObject {
    pub(super) fn event(self) -> ProviderEvent {
        ProviderEvent {
            fact: fact(&self.kind, &self.data.object).unwrap_or_else(|why| Fact::Unreadable { why }),
            created_at: moment(self.created),
            id: self.id,
            kind: self.kind,
        }
    }
}

/// Reads a verified body; `invalid_request` when it is no event at all.
pub(super) fn parse_event(body: &[u8]) -> Result<ProviderEvent, Fault> {
    let no_event = || Fault::new(Code::InvalidRequest, "the body is not an event");
    let text = std::str::from_utf8(body).map_err(|_| no_event())?;
    json::from_str::<EventObject>(text).map(EventObject::event).map_err(|_| no_event())
}

fn fact(kind: &str, object: &json::Value) -> Result<Fact, String> {
    match kind {
        ASYNC_PAYMENT_FAILED => {
            reread::<SessionObject>(object)?.view_as(SessionStatus::Failed).map(Fact::Session)
        }
        CHARGE_REFUNDED => reread::<ChargeObject>(object)?.fact(),
        kind if !EVENT_KINDS.contains(&kind) => Ok(Fact::Unknown),
        kind if kind.starts_with("refund.") => reread::<RefundObject>(object)?.view().map(Fact::Refund),
        _ => reread::<SessionObject>(object)?.view().map(Fact::Session),
    }
}

/// miniserde has no way from a value to a type but through its text.
fn reread<T: Deserialize>(object: &json::Value) -> Result<T, String> {
    json::from_str(&json::to_string(object))
        .map_err(|_| "a field that we need is missing or of another type".to_owned())
}

fn order_in(metadata: &Metadata) -> Option<OrderId> {
    metadata.as_ref()?.get(ORDER)?.parse().ok()
}

/// The id of something that may be expanded.
fn id_of(value: Option<json::Value>) -> Option<String> {
    match value? {
        json::Value::String(id) => Some(id),
        json::Value::Object(mut object) => match object.remove("id")? {
            json::Value::String(id) => Some(id),
            _ => None,
        },
        _ => None,
    }
}

fn money(amount: Option<i64>, currency: Option<&str>) -> Result<Money, String> {
    let amount = amount.ok_or("an amount is missing")?;
    let currency: Currency =
        currency.ok_or("a currency is missing")?.parse().map_err(|fault: Fault| fault.to_string())?;
    Ok(Money::new(amount, currency))
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(seconds).unwrap_or(0))
}
