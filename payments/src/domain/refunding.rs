//! How a payment's refunds come and go: asked for by the order, answered by the provider, merged by rank.

use common::{Code, Fault, Money, Timestamp};

use super::{
    payment::{Change, Payment},
    refund::{Refund, RefundOrigin, RefundParams, RefundReference, RefundRequest, RefundState, RefundView},
    schedule::Tries,
};

/// How many refunds one payment may have; more is a fault of the caller.
pub const REFUNDS_MAX: usize = 100;

impl Payment {
    /// Takes an order's refund entry, or a new attempt at one that failed. Answers with what it changed; a repeat
    /// changes nothing. `invalid_transition` when nothing was paid or less is left, `invalid_request` for an amount
    /// that is none.
    pub fn request_refund(&mut self, request: &RefundRequest, now: Timestamp) -> Result<Requested, Fault> {
        let place = self.refunds.iter().position(|refund| refund.id == Some(request.id));
        let mut refund = match place.map(|at| &self.refunds[at]) {
            Some(known) if known.state != RefundState::Failed || request.attempt <= known.attempt => {
                return Ok(Requested::Known);
            }
            Some(failed) => failed.clone(),
            None if self.refunds.len() >= REFUNDS_MAX => return Err(too_many()),
            None => fresh(request, self.refundable()?, now),
        };
        refund.amount = self.amount_to_refund(request)?;
        refund.attempt = request.attempt;
        refund.provider_id = None;
        // With nothing left to pay back (it went back at the dashboard) the entry is fulfilled as it stands.
        refund.state = if refund.amount.is_zero() { RefundState::Succeeded } else { RefundState::Pending };
        let changes = settled(&refund);
        match place {
            Some(at) => self.refunds[at] = refund,
            None => self.refunds.push(refund),
        }
        self.tries = Tries::begin(now);
        Ok(Requested::Recorded(changes))
    }

    fn amount_to_refund(&self, request: &RefundRequest) -> Result<Money, Fault> {
        let left = self.refundable()?;
        let amount = request.amount.unwrap_or(left);
        let rest = left.minus(amount)?;
        if request.amount.is_some_and(|amount| amount.amount_minor <= 0) {
            return Err(Fault::new(Code::InvalidRequest, "a refund is more than nothing"));
        }
        if rest.amount_minor < 0 {
            return Err(Fault::new(Code::InvalidTransition, "less than that is left to refund")
                .with_detail(format!("{left} is left of {}, {amount} was asked for", self.order_id)));
        }
        Ok(amount)
    }

    /// What to send for a refund that the provider has not answered.
    #[must_use]
    pub fn refund_params(&self, reference: RefundReference) -> Option<RefundParams> {
        let refund = self.refunds.iter().find(|refund| refund.reference() == Some(reference))?;
        let own = || self.session.as_ref().and_then(|session| session.payment_intent.clone());
        let payment_intent = refund.payment_intent.clone().or_else(own)?;
        refund.is_to_be_sent().then_some(RefundParams { reference, payment_intent, amount: refund.amount })
    }

    /// The charges with refunds that the provider has not settled.
    #[must_use]
    pub fn unsettled_charges(&self) -> Vec<String> {
        let own = self.session.as_ref().and_then(|session| session.payment_intent.clone());
        let pending = self.refunds.iter().filter(|refund| refund.state == RefundState::Pending);
        let mut charges: Vec<String> =
            pending.filter_map(|refund| refund.payment_intent.clone().or_else(|| own.clone())).collect();
        charges.sort_unstable();
        charges.dedup();
        charges
    }

    /// Takes in what the provider says of a refund of this payment's charges.
    pub fn observe_refund(&mut self, view: &RefundView, now: Timestamp) -> Vec<Change> {
        let place = self.place_of(view);
        let mut refund = match place {
            Some(at) => self.refunds[at].clone(),
            None if self.is_superseded(view) || self.refunds.len() >= REFUNDS_MAX => return Vec::new(),
            None => foreign(view, now),
        };
        let news = place.is_none() || view.state > refund.state;
        if !news && refund.provider_id.is_some() {
            return Vec::new();
        }
        refund.provider_id = Some(view.provider_id.clone());
        refund.state = refund.state.max(view.state);
        let changes = if news { settled(&refund) } else { Vec::new() };
        match place {
            Some(at) => self.refunds[at] = refund,
            None => self.refunds.push(refund),
        }
        self.tries = Tries::begin(now);
        changes
    }

    /// The attempt is refused for good; the order may ask for a new one.
    pub fn fail_refund(&mut self, reference: RefundReference, why: String, now: Timestamp) -> Vec<Change> {
        let pending = |refund: &&mut Refund| refund.reference() == Some(reference) && refund.is_to_be_sent();
        let Some(refund) = self.refunds.iter_mut().find(pending) else { return Vec::new() };
        refund.state = RefundState::Failed;
        refund.reason = Some(why);
        let changes = settled(refund);
        self.tries = Tries::begin(now);
        changes
    }

    fn place_of(&self, view: &RefundView) -> Option<usize> {
        let known = |refund: &Refund| {
            refund.provider_id.as_ref() == Some(&view.provider_id)
                || (refund.provider_id.is_none()
                    && view.reference.is_some()
                    && refund.reference() == view.reference)
        };
        self.refunds.iter().position(known)
    }

    /// Whether the news are of an attempt that another one has followed.
    fn is_superseded(&self, view: &RefundView) -> bool {
        let Some(reference) = view.reference else { return false };
        self.refunds
            .iter()
            .any(|refund| refund.id == Some(reference.id) && refund.attempt >= reference.attempt)
    }
}

/// What a refund request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// It was there already, at this attempt or a later one.
    Known,
    Recorded(Vec<Change>),
}

fn settled(refund: &Refund) -> Vec<Change> {
    let change = match refund.state {
        RefundState::Pending => return Vec::new(),
        RefundState::Succeeded => Change::Refunded,
        RefundState::Failed => Change::RefundFailed,
    };
    refund.report().map(change).into_iter().collect()
}

fn fresh(request: &RefundRequest, left: Money, now: Timestamp) -> Refund {
    let amount = request.amount.unwrap_or(left);
    let mut refund = Refund::of_our_own(request.id, RefundOrigin::Order, amount, None, now);
    refund.reason.clone_from(&request.reason);
    refund
}

fn foreign(view: &RefundView, now: Timestamp) -> Refund {
    Refund {
        id: view.reference.map(|reference| reference.id),
        origin: if view.reference.is_some() { RefundOrigin::Order } else { RefundOrigin::Provider },
        amount: view.amount,
        attempt: view.reference.map_or(1, |reference| reference.attempt),
        state: RefundState::Pending,
        provider_id: None,
        payment_intent: None,
        reason: None,
        at: now,
    }
}

fn too_many() -> Fault {
    Fault::new(Code::ResourceExhausted, "the order has too many refunds")
}
