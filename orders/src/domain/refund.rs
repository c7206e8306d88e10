//! Refunds: entries that reserve an amount before anyone is asked to pay it back, and what came of them.

use std::time::Duration;

use common::{Code, Fault, Money, RefundId, Timestamp, id::Id as _};
use serde::{Deserialize, Serialize};

use super::{order::Order, schedule::ASK_AFTER, status::Status, timeline::Actor};

/// Longest wait before a failed refund is tried again.
pub const RETRY_MAX: Duration = Duration::from_secs(3600);

/// One refund of the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    /// Absent while nobody said what was captured: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What the caller asked for; absent: all that was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub state: RefundState,
    /// The first is 1; a failed refund is tried again as a new one.
    pub attempt: u32,
    /// When the sweep asks payments about it.
    pub due_at: Timestamp,
    /// The order as the caller was told; absent for refunds that nobody asked for by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// The part of an answer that later changes of the order would hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub status: Status,
    pub version: u64,
    pub at: Timestamp,
    pub returned_minor: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    Pending,
    Succeeded,
    /// Nothing was left to pay back when it was tried again.
    Void,
}

/// Money that went back for certain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// Our refund's id, or the provider's own for one that was made there: each counts once.
    pub key: String,
    pub amount: Money,
}

/// A refund that staff ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundAsk {
    pub id: RefundId,
    /// Absent: all that is left.
    pub amount: Option<Money>,
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundDecision {
    Made,
    /// The same ask was decided before; nothing is changed.
    Replayed,
}

impl Refund {
    /// How long to leave the present attempt alone: 30 s doubling to an hour.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        ASK_AFTER.saturating_mul(factor).min(RETRY_MAX)
    }

    fn is_open(&self) -> bool {
        self.state == RefundState::Pending
    }
}

impl Order {
    /// What went back for certain, in minor units.
    #[must_use]
    pub fn returned_minor(&self) -> i64 {
        self.returned.iter().fold(0, |sum: i64, one| sum.saturating_add(one.amount.amount_minor))
    }

    /// What went back; `None` before anything did.
    #[must_use]
    pub fn refunded_total(&self) -> Option<Money> {
        let first = self.returned.first()?;
        Some(Money::new(self.returned_minor(), first.amount.currency))
    }

    /// What is neither returned nor promised to be; `None` while nobody said what was captured.
    #[must_use]
    pub fn refundable(&self) -> Option<Money> {
        let captured = self.captured?;
        let promised = self
            .refunds
            .iter()
            .filter(|refund| refund.is_open())
            .filter_map(|refund| refund.amount)
            .fold(self.returned_minor(), |sum, amount| sum.saturating_add(amount.amount_minor));
        Some(Money::new(captured.amount_minor.saturating_sub(promised).max(0), captured.currency))
    }

    /// Every cent that was captured has gone back.
    #[must_use]
    pub fn is_fully_returned(&self) -> bool {
        self.captured.is_some_and(|captured| self.returned_minor() >= captured.amount_minor)
    }

    /// Refunds that payments should be asked about now.
    pub fn refunds_due(&self, now: Timestamp) -> impl Iterator<Item = &Refund> {
        self.open_refunds().filter(move |refund| refund.due_at <= now)
    }

    /// Refunds that are not confirmed.
    pub fn open_refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().filter(|refund| refund.is_open())
    }

    /// Decides a refund that staff ask for; `next_version` is the order's after the save.
    ///
    /// Faults: `invalid_transition` before the order is paid or when nothing is left, `invalid_request` for an amount
    /// that is not within what is left, `idempotency_key_reused` for a known id with other parameters, `unavailable`
    /// while the captured amount is not known.
    pub fn refund(
        &mut self,
        ask: RefundAsk,
        next_version: u64,
        now: Timestamp,
    ) -> Result<RefundDecision, Fault> {
        if let Some(known) = self.refunds.iter().find(|refund| refund.id == ask.id) {
            return if known.asked == ask.amount && known.reason == ask.reason {
                Ok(RefundDecision::Replayed)
            } else {
                let text = "this refund was asked for before with other parameters";
                Err(Fault::new(Code::IdempotencyKeyReused, text))
            };
        }
        let amount = self.checked_amount(ask.amount)?;
        self.push_refund(ask.id, Some(amount), ask.reason, now);
        self.updated_at = now;
        if self.refundable().is_some_and(|left| left.is_zero()) {
            self.settle("refund", Actor::Staff, now);
        }
        let told = Told {
            status: self.status,
            version: next_version,
            at: self.updated_at,
            returned_minor: self.returned_minor(),
        };
        if let Some(refund) = self.refunds.iter_mut().find(|refund| refund.id == ask.id) {
            refund.asked = ask.amount;
            refund.told = Some(told);
        }
        Ok(RefundDecision::Made)
    }

    fn checked_amount(&self, asked: Option<Money>) -> Result<Money, Fault> {
        let refuse = |text: &'static str| Err(Fault::new(Code::InvalidTransition, text));
        if !self.status.is_paid_or_later() {
            return refuse("only a paid order can be refunded");
        }
        let left =
            self.refundable().ok_or_else(|| Fault::unavailable("the captured amount is not known yet"))?;
        if left.is_zero() {
            return refuse("the order is refunded already");
        }
        let amount = asked.unwrap_or(left);
        if amount.currency != left.currency || !(1..=left.amount_minor).contains(&amount.amount_minor) {
            let text = format!("a refund is above zero and at most what is left: {left}");
            return Err(Fault::new(Code::InvalidRequest, text).with_violation("/amount", "out of range"));
        }
        Ok(amount)
    }

    /// Promises everything that is left, under an id that follows from the order's: there is one such entry by
    /// construction, whoever makes it first.
    pub(super) fn refund_rest(&mut self, reason: &str, now: Timestamp) {
        let id = RefundId::from_uuid(self.id.uuid());
        let left = self.refundable();
        if left.is_some_and(|left| left.is_zero()) || self.refunds.iter().any(|refund| refund.id == id) {
            return;
        }
        self.push_refund(id, left, Some(reason.to_owned()), now);
    }

    fn push_refund(&mut self, id: RefundId, amount: Option<Money>, reason: Option<String>, now: Timestamp) {
        let confirmed = self.returned.iter().any(|one| one.key == id.to_string());
        let state = if confirmed { RefundState::Succeeded } else { RefundState::Pending };
        self.refunds.push(Refund {
            id,
            amount,
            asked: None,
            reason,
            state,
            attempt: 1,
            due_at: now + ASK_AFTER,
            told: None,
        });
    }

    /// Gives entries that were made before the captured amount was known their amount.
    pub(super) fn fill_refunds(&mut self) {
        let Some(left) = self.refundable() else { return };
        for refund in self.refunds.iter_mut().filter(|refund| refund.is_open() && refund.amount.is_none()) {
            refund.amount = Some(left);
        }
    }

    /// False when it was known.
    pub(super) fn learn_returned(&mut self, report: &Returned) -> bool {
        if self.returned.iter().any(|known| known.key == report.key) {
            return false;
        }
        self.returned.push(report.clone());
        if let Some(refund) = self.refunds.iter_mut().find(|refund| refund.id.to_string() == report.key) {
            refund.state = RefundState::Succeeded;
            refund.amount = Some(report.amount);
        }
        true
    }

    /// Makes a new attempt of a failed refund, for no more than is left; false when the report is old.
    pub(super) fn learn_refund_failed(&mut self, id: RefundId, attempt: u32, now: Timestamp) -> bool {
        let current = |refund: &Refund| refund.id == id && refund.is_open() && refund.attempt == attempt;
        let Some(index) = self.refunds.iter().position(current) else { return false };
        let room = self.room_for(id);
        let refund = &mut self.refunds[index];
        refund.attempt = attempt.saturating_add(1);
        refund.due_at = now + refund.wait();
        if let (Some(amount), Some(room)) = (&mut refund.amount, room) {
            amount.amount_minor = amount.amount_minor.min(room);
            if room <= 0 {
                refund.state = RefundState::Void;
            }
        }
        true
    }

    /// What this refund may still pay back: what was captured less what went back and what others promised. A refund
    /// made at the provider can leave less than was promised.
    fn room_for(&self, id: RefundId) -> Option<i64> {
        let others = self.open_refunds().filter(|refund| refund.id != id).filter_map(|refund| refund.amount);
        let taken = others.fold(self.returned_minor(), |sum, amount| sum.saturating_add(amount.amount_minor));
        Some(self.captured?.amount_minor.saturating_sub(taken))
    }
}
