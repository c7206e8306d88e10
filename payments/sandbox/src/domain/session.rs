//! A checkout session and the one payment it can have. Its state is decided here; saving it is not.

use common::{Currency, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Collection, Document, IndexKey};

use super::{
    Metadata, Token,
    card::{Decline, Outcome},
    token,
};

/// A session must be payable for at least this long after its creation, and for at most [`MAX_LIFE_S`].
pub const MIN_LIFE_S: u64 = 30 * 60;
pub const MAX_LIFE_S: u64 = 24 * 60 * 60;
/// The largest amount that can be charged, in minor units.
pub const MAX_TOTAL_MINOR: i64 = 99_999_999;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    pub token: Token,
    /// Seconds since the epoch, as every time here that does not say otherwise.
    pub expires_at: u64,
    pub currency: Currency,
    pub lines: Vec<Line>,
    pub total_minor: i64,
    pub state: State,
    pub client_reference_id: Option<String>,
    pub customer_email: Option<String>,
    pub success_url: String,
    pub cancel_url: Option<String>,
    pub metadata: Metadata,
    pub payment_metadata: Metadata,
    pub payment_method_types: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub name: String,
    pub description: Option<String>,
    pub unit_minor: i64,
    pub quantity: u32,
    pub total_minor: i64,
    /// The stored price it was made of, if any.
    pub price: Option<Token>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Open,
    Expired,
    Complete(Payment),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payment {
    pub at: u64,
    pub status: PaymentStatus,
    /// The last digits of the card; none for a method that is no card.
    pub last4: Option<String>,
    /// What refunds have taken or hold, in minor units.
    pub refunded_minor: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Nothing was due.
    NotRequired,
    /// A delayed method: decided at `due_ms`.
    Processing {
        succeeds: bool,
        due_ms: u64,
    },
    Succeeded,
    Failed,
}

/// Why a session cannot be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    AlreadyComplete,
    Expired,
    Declined(Decline),
}

/// What became of a session by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Expired,
    AsyncSucceeded,
    AsyncFailed,
}

/// Why an amount cannot be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotRefundable {
    NoCharge,
    AlreadyRefunded,
    MoreThanLeft { left_minor: i64 },
}

impl Session {
    /// Takes the one payment of the session.
    pub fn pay(&mut self, outcome: Outcome, now: Timestamp, delay_ms: u64) -> Result<(), Refusal> {
        match self.state {
            State::Complete(_) => return Err(Refusal::AlreadyComplete),
            State::Expired => return Err(Refusal::Expired),
            State::Open if now.as_secs() >= self.expires_at => return Err(Refusal::Expired),
            State::Open => {}
        }
        let due_ms = now.as_millis() + delay_ms;
        let (status, last4) = match outcome {
            _ if self.total_minor == 0 => (PaymentStatus::NotRequired, None),
            Outcome::Charged { last4 } => (PaymentStatus::Succeeded, Some(last4)),
            Outcome::Delayed { succeeds } => (PaymentStatus::Processing { succeeds, due_ms }, None),
            Outcome::Declined(decline) => return Err(Refusal::Declined(decline)),
        };
        self.state = State::Complete(Payment { at: now.as_secs(), status, last4, refunded_minor: 0 });
        Ok(())
    }

    /// Closes an open session; false when it is not open.
    pub fn expire(&mut self) -> bool {
        let open = matches!(self.state, State::Open);
        if open {
            self.state = State::Expired;
        }
        open
    }

    /// Does what is due by now: an open session runs out, a delayed payment is decided.
    pub fn fall_due(&mut self, now: Timestamp) -> Option<Turn> {
        match &mut self.state {
            State::Open if now.as_secs() >= self.expires_at => {
                self.state = State::Expired;
                Some(Turn::Expired)
            }
            State::Complete(payment) => payment.fall_due(now),
            State::Open | State::Expired => None,
        }
    }

    #[must_use]
    pub fn payment(&self) -> Option<&Payment> {
        match &self.state {
            State::Complete(payment) => Some(payment),
            State::Open | State::Expired => None,
        }
    }

    /// The payment once it has moved money.
    #[must_use]
    pub fn charge(&self) -> Option<&Payment> {
        self.payment().filter(|payment| payment.status == PaymentStatus::Succeeded)
    }

    /// Reserves an amount of the charge for a refund, all that is left when none is given, and answers with it.
    pub fn reserve_refund(&mut self, wanted_minor: Option<i64>) -> Result<i64, NotRefundable> {
        let total = self.total_minor;
        let State::Complete(payment) = &mut self.state else { return Err(NotRefundable::NoCharge) };
        if payment.status != PaymentStatus::Succeeded {
            return Err(NotRefundable::NoCharge);
        }
        let left_minor = total - payment.refunded_minor;
        let amount = wanted_minor.unwrap_or(left_minor);
        if left_minor == 0 {
            return Err(NotRefundable::AlreadyRefunded);
        }
        if amount > left_minor {
            return Err(NotRefundable::MoreThanLeft { left_minor });
        }
        payment.refunded_minor += amount;
        Ok(amount)
    }

    /// Gives back what a failed refund had reserved.
    pub fn release_refund(&mut self, amount_minor: i64) {
        if let State::Complete(payment) = &mut self.state {
            payment.refunded_minor -= amount_minor;
        }
    }

    fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Open => Some(Timestamp::from_secs(self.expires_at)),
            State::Complete(Payment { status: PaymentStatus::Processing { due_ms, .. }, .. }) => {
                Some(Timestamp::from_millis(*due_ms))
            }
            State::Complete(_) | State::Expired => None,
        }
    }
}

impl Payment {
    fn fall_due(&mut self, now: Timestamp) -> Option<Turn> {
        let PaymentStatus::Processing { succeeds, due_ms } = self.status else { return None };
        if now.as_millis() < due_ms {
            return None;
        }
        let (status, turn) = if succeeds {
            (PaymentStatus::Succeeded, Turn::AsyncSucceeded)
        } else {
            (PaymentStatus::Failed, Turn::AsyncFailed)
        };
        self.status = status;
        Some(turn)
    }
}

impl Document for Session {
    const COLLECTION: Collection = Collection("sessions");
    const INDEXES: &'static [&'static str] = &["reference", "due"];

    fn document_id(&self) -> String {
        self.token.with(token::SESSION)
    }

    fn index_keys(&self) -> Vec<IndexKey> {
        let mut keys = Vec::with_capacity(2);
        if let Some(reference) = &self.client_reference_id {
            keys.push(IndexKey::new("reference", reference.as_str()));
        }
        if let Some(due) = self.due() {
            keys.push(IndexKey::new("due", due.sort_key()));
        }
        keys
    }
}
