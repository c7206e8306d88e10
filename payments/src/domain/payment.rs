//! The payment of one order: its state, the intent behind it, and the commands that change it.

use common::{Code, Fault, Money, OrderId, Timestamp, TraceContext};
use serde::{Deserialize, Serialize};

use super::{
    checkout::{CheckoutKey, CheckoutParams, Session, Terms},
    refund::{Refund, RefundState, Reported},
    schedule::{SILENCE, Tries},
};

/// Where a payment stands. The order of the variants is their rank: an event moves a payment up or not at all. Of the
/// three ends, which exclude each other in any real history, the one with money in it wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Created,
    Open,
    Processing,
    Expired,
    Failed,
    Succeeded,
}

/// What a payment tells the rest of the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Processing,
    Succeeded,
    Failed,
    Expired,
    Refunded(Reported),
    RefundFailed(Reported),
}

/// What we are about to ask, or have asked, the provider for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    pub epoch: u32,
    pub params: CheckoutParams,
    /// When the first epoch was decided: sessions of ours are not older than this.
    pub since: Timestamp,
}

impl Intent {
    #[must_use]
    pub fn key(&self) -> CheckoutKey {
        CheckoutKey { order_id: self.params.order_id, epoch: self.epoch }
    }
}

/// The payment of one order, kept as one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub order_id: OrderId,
    pub state: State,
    /// Absent in a tombstone: closed before anything was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The order is over: nothing of this may be paid any more.
    #[serde(default)]
    pub close_requested: bool,
    /// Why the provider, or our check of its answer, refused the checkout for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<String>,
    /// What was charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Money>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<Refund>,
    pub tries: Tries,
    pub created_at: Timestamp,
    /// The order's, which the payment's events go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
}

impl Payment {
    /// A payment whose session is about to be created.
    #[must_use]
    pub fn intend(params: CheckoutParams, now: Timestamp) -> Self {
        let order_id = params.order_id;
        Self {
            intent: Some(Intent { epoch: 1, params, since: now }),
            state: State::Created,
            close_requested: false,
            ..Self::tombstone(order_id, now)
        }
    }

    /// A payment that was closed before it began: a delayed creation finds it and gives up.
    #[must_use]
    pub fn tombstone(order_id: OrderId, now: Timestamp) -> Self {
        Self {
            order_id,
            state: State::Expired,
            intent: None,
            session: None,
            close_requested: true,
            rejection: None,
            captured: None,
            refunds: Vec::new(),
            tries: Tries::begin(now),
            created_at: now,
            trace: None,
        }
    }

    /// The intent that has no reply yet.
    #[must_use]
    pub fn open_intent(&self) -> Option<&Intent> {
        self.intent.as_ref().filter(|_| self.state == State::Created)
    }

    /// The answer to a creation. `payment_rejected` after a definite refusal, `already_closed` when nothing can be
    /// paid any more, `unavailable` while there is no reply.
    pub fn checkout_answer(&self) -> Result<(), Fault> {
        match self.state {
            _ if self.rejection.is_some() => Err(Self::rejected()),
            State::Processing | State::Succeeded => Ok(()),
            State::Expired | State::Failed => Err(Self::closed()),
            _ if self.close_requested => Err(Self::closed()),
            State::Open => Ok(()),
            State::Created => {
                Err(Fault::unavailable(format!("no checkout session for {} yet", self.order_id)))
            }
        }
    }

    /// Refuses a repeat that asks for something else than the first time.
    pub fn expect_same(&self, params: &CheckoutParams) -> Result<(), Fault> {
        match &self.intent {
            Some(intent) if !intent.params.charge_the_same(params) => {
                Err(Fault::new(Code::InvalidTransition, "the order has a payment for something else already"))
            }
            _ => Ok(()),
        }
    }

    /// The order is over. True when that was news.
    pub fn request_close(&mut self, now: Timestamp) -> bool {
        let news = !self.close_requested && self.state < State::Expired;
        if news {
            self.close_requested = true;
            self.tries = Tries::begin(now);
        }
        news
    }

    /// A definite refusal: the checkout will never be.
    pub fn reject(&mut self, reason: impl Into<String>, now: Timestamp) {
        if self.state == State::Created {
            self.state = if self.close_requested { State::Expired } else { State::Failed };
            self.rejection = Some(reason.into());
            self.tries = Tries::begin(now);
        }
    }

    /// The key is spent or its parameters are stale, and the provider has no session of ours: on to the next epoch,
    /// or, when the order is over, to the end. Only before a session was adopted: no link that was handed out can be
    /// paid beside the new one.
    pub fn next_epoch(&mut self, terms: &Terms, now: Timestamp) {
        if self.state != State::Created {
            return;
        }
        if self.close_requested {
            self.state = State::Expired;
        } else if let Some(intent) = &mut self.intent {
            intent.epoch += 1;
            intent.params.renew(terms, now);
        }
        self.tries = Tries::begin(now);
    }

    /// The session that must be expired at the provider.
    #[must_use]
    pub fn session_to_close(&self) -> Option<&Session> {
        let over = self.close_requested || matches!(self.state, State::Failed | State::Expired);
        self.session.as_ref().filter(|session| session.open && over)
    }

    /// What was charged and went back for certain; `None` before anything was charged. Money on a session that was
    /// not this payment's is counted apart.
    pub fn refunded(&self) -> Result<Option<Money>, Fault> {
        let Some(captured) = self.captured else { return Ok(None) };
        self.refund_sum(captured, |refund| refund.state == RefundState::Succeeded).map(Some)
    }

    /// What can still be refunded: charged, and neither refunded nor about to be.
    pub fn refundable(&self) -> Result<Money, Fault> {
        let captured = self.captured.ok_or_else(|| {
            Fault::new(Code::InvalidTransition, "nothing was paid, so there is nothing to refund")
        })?;
        captured.minus(self.refund_sum(captured, |refund| refund.state != RefundState::Failed)?)
    }

    fn refund_sum(&self, captured: Money, counts: impl Fn(&Refund) -> bool) -> Result<Money, Fault> {
        let counted = self.refunds.iter().filter(|refund| refund.is_of_this_charge() && counts(refund));
        counted.map(|refund| refund.amount).try_fold(Money::zero(captured.currency), Money::plus)
    }

    /// When to look at it although nothing happened; `NEVER` when nothing is left to do.
    #[must_use]
    pub fn due_at(&self) -> Timestamp {
        let unsent = self.refunds.iter().any(Refund::is_to_be_sent);
        let unconfirmed = self.refunds.iter().any(|refund| refund.state == RefundState::Pending);
        if self.open_intent().is_some() || self.session_to_close().is_some() || unsent {
            return self.tries.owed_at();
        }
        match (self.state, &self.session) {
            _ if unconfirmed => self.tries.ask_at(),
            (State::Open, Some(session)) if self.tries.failed == 0 => session.expires_at + SILENCE,
            (State::Open, Some(session)) => self.tries.ask_at().max(session.expires_at + SILENCE),
            (State::Processing, _) => self.tries.ask_at(),
            _ => Timestamp::NEVER,
        }
    }

    fn rejected() -> Fault {
        Fault::new(Code::PaymentRejected, "the payment provider refused this order")
    }

    fn closed() -> Fault {
        Fault::new(Code::AlreadyClosed, "the payment of this order is closed")
    }
}
