//! What a checkout session is asked for, and what the provider says of one.

use std::{fmt, time::Duration};

use common::{Code, CustomerId, Fault, ItemId, Money, OrderId, Timestamp};
use serde::{Deserialize, Serialize};

/// The provider demands this much life of a session, from its own clock at creation.
pub const PROVIDER_MINIMUM: Duration = Duration::from_secs(30 * 60);
/// Slack for the way there and for clocks that differ: parameters with less life left are not sent again.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// What an order wants to be paid for.
#[derive(Clone, Debug)]
pub struct CheckoutOrder {
    pub order_id: OrderId,
    pub customer_id: CustomerId,
    pub email: Option<String>,
    pub lines: Vec<CheckoutLine>,
    pub total: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutLine {
    pub item_id: ItemId,
    pub name: String,
    pub quantity: u32,
    pub unit_price: Money,
    /// A price kept at the provider, used in place of name and unit price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_id: Option<String>,
}

/// What we add to every checkout.
#[derive(Clone, Debug)]
pub struct Terms {
    pub ttl: Duration,
    /// Base of the pages that the provider sends the customer back to.
    pub public_url: String,
}

/// The exact parameters of one creation. They are stored before the first call, and every retry sends these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutParams {
    pub order_id: OrderId,
    pub customer_id: CustomerId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub lines: Vec<CheckoutLine>,
    pub total: Money,
    pub expires_at: Timestamp,
    pub success_url: String,
    pub cancel_url: String,
}

impl CheckoutParams {
    /// The parameters for an order; `invalid_request` when its lines are empty or do not add up to its total.
    pub fn new(order: CheckoutOrder, terms: &Terms, now: Timestamp) -> Result<Self, Fault> {
        adds_up(&order)?;
        let page = |name: &str| {
            let base = terms.public_url.trim_end_matches('/');
            format!("{base}/{name}.html?customer_id={}&order_id={}", order.customer_id, order.order_id)
        };
        Ok(Self {
            success_url: page("success"),
            cancel_url: page("cancel"),
            expires_at: expiry(terms, now),
            order_id: order.order_id,
            customer_id: order.customer_id,
            email: order.email,
            lines: order.lines,
            total: order.total,
        })
    }

    /// The same with a fresh life, for a new epoch.
    pub fn renew(&mut self, terms: &Terms, now: Timestamp) {
        self.expires_at = expiry(terms, now);
    }

    /// Whether the provider would still take them: too little life left is refused as a bad request.
    #[must_use]
    pub fn are_sendable(&self, now: Timestamp) -> bool {
        self.expires_at.since(now) >= PROVIDER_MINIMUM + CLOCK_SLACK
    }

    /// Whether these charge for the same things.
    #[must_use]
    pub fn charge_the_same(&self, other: &Self) -> bool {
        self.total == other.total && self.lines == other.lines && self.customer_id == other.customer_id
    }
}

/// Whole seconds: what the provider is told is what we remember.
fn expiry(terms: &Terms, now: Timestamp) -> Timestamp {
    Timestamp::from_secs((now + terms.ttl).as_secs())
}

fn adds_up(order: &CheckoutOrder) -> Result<(), Fault> {
    let wrong = |what: &'static str| Err(Fault::new(Code::InvalidRequest, what));
    if order.lines.is_empty() || order.lines.iter().any(|line| line.quantity == 0) {
        return wrong("a checkout needs lines, each with a quantity");
    }
    let mut sum = Money::zero(order.total.currency);
    for line in &order.lines {
        sum = sum.plus(line.unit_price.times(line.quantity)?)?;
    }
    if sum == order.total && sum.amount_minor >= 0 {
        Ok(())
    } else {
        wrong("the lines do not add up to the total")
    }
}

/// The idempotency key of one creation: a new epoch only when the key before is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckoutKey {
    pub order_id: OrderId,
    pub epoch: u32,
}

impl fmt::Display for CheckoutKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:checkout:{}", self.order_id, self.epoch)
    }
}

/// The session whose link was handed out, or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    pub expires_at: Timestamp,
    /// The provider's id of the charge-to-be; known once the customer has paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
    /// Whether it can still be paid, as far as we heard.
    pub open: bool,
}

impl From<&SessionView> for Session {
    fn from(view: &SessionView) -> Self {
        Self {
            id: view.id.clone(),
            link: view.link.clone(),
            expires_at: view.expires_at,
            payment_intent: view.payment_intent.clone(),
            open: view.status == SessionStatus::Open,
        }
    }
}

/// Where a session stands at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    Open,
    /// Complete, and the money is on its way (a delayed method).
    Processing,
    /// Paid, or nothing was to pay.
    Paid,
    /// A delayed method failed.
    Failed,
    Expired,
}

/// A session as the provider shows it, in an answer or in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub id: String,
    /// The order that it refers to; `None` when it is not one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    pub status: SessionStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    pub total: Money,
    pub expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
}
