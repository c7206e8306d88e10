//! How a payment takes in what the provider says: by rank, so that late, doubled and reordered news end the same.

use common::{Ids, Money, Timestamp};

use super::{
    checkout::{Session, SessionStatus, SessionView},
    payment::{Change, Payment, State},
    refund::{Refund, RefundOrigin},
    schedule::Tries,
};

/// What somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alert {
    /// A session or a charge is over another sum than the order.
    WrongAmount { session: String, expected: Money, actual: Money },
    /// Money arrived on a session whose link never left us.
    StrayCharge { session: String },
}

/// What follows from news.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the payment is another one now.
    pub changed: bool,
    pub changes: Vec<Change>,
    pub alerts: Vec<Alert>,
    /// A session that is not this payment's and must be expired.
    pub stray: Option<String>,
}

impl Payment {
    /// Takes in what the provider says of a session that refers to this payment's order.
    pub fn observe(&mut self, view: &SessionView, ids: &Ids, now: Timestamp) -> Outcome {
        let before = self.clone();
        let mut outcome = Outcome::default();
        match &self.session {
            Some(session) if session.id != view.id => self.observe_stray(view, ids, now, &mut outcome),
            Some(_) => self.observe_own(view, ids, now, &mut outcome),
            None => self.adopt(view, ids, now, &mut outcome),
        }
        outcome.changed = *self != before;
        if outcome.changed {
            self.tries = Tries::begin(now);
        }
        outcome
    }

    /// The first session with our reference becomes this payment's, unless it is over already: then nothing can
    /// come of it, and the next epoch's session may yet come.
    fn adopt(&mut self, view: &SessionView, ids: &Ids, now: Timestamp, outcome: &mut Outcome) {
        if matches!(view.status, SessionStatus::Expired | SessionStatus::Failed) {
            return;
        }
        if view.status == SessionStatus::Open
            && let Some(expected) = self.wrong_amount(view)
        {
            outcome.alerts.push(wrong_amount(view, expected));
            self.reject("the session is over another sum than the order", now);
        }
        self.session = Some(Session::from(view));
        self.observe_own(view, ids, now, outcome);
    }

    fn observe_own(&mut self, view: &SessionView, ids: &Ids, now: Timestamp, outcome: &mut Outcome) {
        self.complete_session(view);
        match view.status {
            SessionStatus::Paid => self.capture(view, ids, now, outcome),
            SessionStatus::Open => self.raise(State::Open, None, outcome),
            SessionStatus::Processing => self.raise(State::Processing, Some(Change::Processing), outcome),
            SessionStatus::Expired => self.raise(State::Expired, Some(Change::Expired), outcome),
            SessionStatus::Failed => self.raise(State::Failed, Some(Change::Failed), outcome),
        }
    }

    fn complete_session(&mut self, view: &SessionView) {
        let Some(session) = &mut self.session else { return };
        session.open &= view.status == SessionStatus::Open;
        session.link = session.link.take().or_else(|| view.link.clone());
        session.payment_intent = session.payment_intent.take().or_else(|| view.payment_intent.clone());
    }

    fn raise(&mut self, to: State, change: Option<Change>, outcome: &mut Outcome) {
        if to > self.state {
            self.state = to;
            outcome.changes.extend(change);
        }
    }

    /// Money arrived. It counts once, whatever the state: a success on an order that is over is still reported, and
    /// one over another sum goes back.
    fn capture(&mut self, view: &SessionView, ids: &Ids, now: Timestamp, outcome: &mut Outcome) {
        if self.captured.is_some() {
            return;
        }
        self.captured = Some(view.total);
        let Some(expected) = self.wrong_amount(view) else {
            return self.raise(State::Succeeded, Some(Change::Succeeded), outcome);
        };
        outcome.alerts.push(wrong_amount(view, expected));
        self.send_back(view, RefundOrigin::WrongAmount, ids, now);
        self.raise(State::Failed, Some(Change::Failed), outcome);
    }

    fn observe_stray(&mut self, view: &SessionView, ids: &Ids, now: Timestamp, outcome: &mut Outcome) {
        match view.status {
            SessionStatus::Open => outcome.stray = Some(view.id.clone()),
            SessionStatus::Paid if !self.sent_back(view) => {
                outcome.alerts.push(Alert::StrayCharge { session: view.id.clone() });
                self.send_back(view, RefundOrigin::Stray, ids, now);
            }
            _ => {}
        }
    }

    fn sent_back(&self, view: &SessionView) -> bool {
        self.refunds.iter().any(|refund| refund.payment_intent == view.payment_intent)
    }

    fn send_back(&mut self, view: &SessionView, origin: RefundOrigin, ids: &Ids, now: Timestamp) {
        if !view.total.is_zero() {
            let refund = Refund::of_our_own(ids.mint(), origin, view.total, view.payment_intent.clone(), now);
            self.refunds.push(refund);
        }
    }

    /// The sum that was expected, when the session is over another one.
    fn wrong_amount(&self, view: &SessionView) -> Option<Money> {
        self.intent.as_ref().map(|intent| intent.params.total).filter(|total| *total != view.total)
    }
}

fn wrong_amount(view: &SessionView, expected: Money) -> Alert {
    Alert::WrongAmount { session: view.id.clone(), expected, actual: view.total }
}
