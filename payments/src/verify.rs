//! What `ordermesh verify` asks of the payments' store: is every invariant kept, and what is still under way?

use std::collections::HashSet;

use common::{Fault, Money, OrderId, Timestamp, report::Report};
use store::DocumentStore;

use crate::domain::{InboxEntry, InboxState, Payment, Refund, RefundOrigin, RefundState, State};

/// What the checks between services need of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub order_id: OrderId,
    pub captured: Option<Money>,
}

/// Every payment, oldest first.
pub async fn summaries(store: &dyn DocumentStore) -> Result<Vec<Summary>, Fault> {
    let mut all = Vec::new();
    let summary = |payment: Payment| Summary { order_id: payment.order_id, captured: payment.captured };
    store::each(store, |payment| all.push(summary(payment))).await?;
    Ok(all)
}

/// Reads everything there is. Faults: `unavailable`, and `internal` for a document that cannot be read.
pub async fn check(store: &dyn DocumentStore) -> Result<Report, Fault> {
    let mut report = Report::default();
    store::each::<Payment>(store, |payment| check_payment(&payment, &mut report)).await?;
    store::each::<InboxEntry>(store, |entry| check_entry(&entry, &mut report)).await?;
    Ok(report)
}

fn check_entry(entry: &InboxEntry, report: &mut Report) {
    match &entry.state {
        InboxState::Waiting => report.in_flight(format!("event {} ({}) waits", entry.id, entry.kind)),
        InboxState::GivenUp { why } => report.in_flight(format!("event {} was given up: {why}", entry.id)),
        InboxState::Done => {}
    }
}

/// The invariants of one payment, and what it still has to do.
fn check_payment(payment: &Payment, report: &mut Report) {
    let order = payment.order_id;
    for broken in broken_invariants(payment) {
        report.violation(format!("payment of {order}: {broken}"));
    }
    if payment.due_at() < Timestamp::NEVER && payment.state != State::Open {
        report.in_flight(format!(
            "payment of {order} is {:?} and due at {}",
            payment.state,
            payment.due_at()
        ));
    }
    for refund in payment.refunds.iter().filter(|refund| refund.state == RefundState::Pending) {
        let name = refund.reference().map_or_else(|| "at the provider".to_owned(), |r| r.to_string());
        report.in_flight(format!("refund {name} of {order} is not confirmed"));
    }
}

fn broken_invariants(payment: &Payment) -> Vec<String> {
    let mut broken = Vec::new();
    let mut expect = |kept: bool, what: &str| {
        if !kept {
            broken.push(what.to_owned());
        }
    };
    let strays = payment.refunds.iter().filter(|refund| refund.origin == RefundOrigin::Stray).count();
    expect(strays == 0, "was charged more than once");
    expect(payment.state != State::Succeeded || payment.captured.is_some(), "succeeded without a charge");
    expect(payment.captured.is_none() || payment.state >= State::Failed, "was charged and is not at its end");
    let live = matches!(payment.state, State::Open | State::Processing);
    expect(!live || payment.session.is_some(), "is open without a session");
    expect(payment.state != State::Created || payment.intent.is_some(), "was created without an intent");
    expect(refunds_fit(payment), "refunds exceed what was charged");
    expect(refunds_are_distinct(&payment.refunds), "holds one refund twice");
    broken
}

fn refunds_fit(payment: &Payment) -> bool {
    match (payment.captured, payment.refunded()) {
        (Some(captured), Ok(Some(refunded))) => refunded.amount_minor <= captured.amount_minor,
        (None, _) => !payment.refunds.iter().any(Refund::is_of_this_charge),
        (Some(_), _) => false,
    }
}

fn refunds_are_distinct(refunds: &[Refund]) -> bool {
    let mut seen = HashSet::new();
    let mut at_provider = HashSet::new();
    refunds.iter().all(|refund| {
        refund.id.is_none_or(|id| seen.insert(id))
            && refund.provider_id.as_ref().is_none_or(|id| at_provider.insert(id))
    })
}
