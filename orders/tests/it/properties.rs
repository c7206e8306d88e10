//! Whatever arrives in whatever order, the aggregate's invariants hold after each step.

use common::{Money, RefundId, Timestamp};
use orders::domain::{Actor, Fact, Order, PaymentState, RefundAsk, Status, TicketState, Undo};
use proptest::prelude::*;

use crate::histories::{TOTAL, assert_whole, at, pending, returned, succeeded, ticket, usd, waiting};

#[derive(Clone, Debug)]
enum Input {
    Fact(Fact),
    Cancel,
    Refund(u8, Option<i64>),
    Undone(Undo),
    Postpone,
}

fn refund_id(n: u8) -> RefundId {
    format!("rfd_{n:032x}").parse().unwrap()
}

fn facts() -> impl Strategy<Value = Fact> {
    use PaymentState::{Expired, Failed, Processing};
    use TicketState::{Cancelled, PickedUp, Preparing, Queued, Ready, Rejected};
    prop_oneof![
        Just(succeeded()),
        prop::sample::select(vec![Processing, Failed, Expired])
            .prop_map(|state| Fact::Payment { state, captured: None }),
        prop::sample::select(vec![Queued, Preparing, Ready, PickedUp, Rejected, Cancelled]).prop_map(ticket),
        (1_u8..9, 1..=TOTAL).prop_map(|(n, minor)| returned(format!("re_{n}"), minor / 8)),
        (1_u8..9, 1..=TOTAL / 8).prop_map(|(n, minor)| returned(refund_id(n).to_string(), minor)),
        (1_u8..9, 1_u32..4).prop_map(|(n, attempt)| Fact::RefundFailed { refund_id: refund_id(n), attempt }),
    ]
}

fn inputs() -> impl Strategy<Value = Input> {
    prop_oneof![
        6 => facts().prop_map(Input::Fact),
        1 => Just(Input::Cancel),
        2 => (1_u8..9, prop::option::of(1..=TOTAL)).prop_map(|(n, minor)| Input::Refund(n, minor)),
        1 => (any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(ticket, checkout, stock)| Input::Undone(Undo { ticket, checkout, stock })),
        1 => Just(Input::Postpone),
    ]
}

fn take(order: &mut Order, input: &Input, now: Timestamp) {
    match input {
        Input::Fact(fact) => drop(order.merge(fact, now)),
        Input::Cancel => drop(order.cancel(Actor::Customer, None, now)),
        Input::Refund(n, minor) => {
            let ask = RefundAsk { id: refund_id(*n), amount: minor.map(usd), reason: None };
            let _ = order.refund(ask, 2, now);
        }
        Input::Undone(undo) => order.confirm(*undo),
        Input::Postpone => order.postpone(now),
    }
}

/// Money that staff promised by hand on top of what had gone back when they did.
fn promised(order: &Order) -> i64 {
    order.open_refunds().filter_map(|refund| refund.amount).map(|amount: Money| amount.amount_minor).sum()
}

fn has_open_work(order: &Order) -> bool {
    let waits = !matches!(
        order.status,
        Status::Cancelled | Status::Expired | Status::Completed | Status::Refunding | Status::Refunded
    );
    let unheard = order.status.is_paid_or_later() && order.captured.is_none();
    waits || unheard || order.undo.is_open() || order.open_refunds().next().is_some()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_rank_never_falls_and_what_is_open_is_always_due(
        linked in any::<bool>(),
        inputs in prop::collection::vec(inputs(), 1..24),
    ) {
        let mut order = if linked { waiting() } else { pending() };
        for (second, input) in (10..).zip(&inputs) {
            let before = order.clone();
            take(&mut order, input, at(second));
            prop_assert!(order.status.rank() >= before.status.rank(), "{:?} after {input:?}", order.status);
            prop_assert!(order.timeline.len() >= before.timeline.len());
            prop_assert!(!before.ticket_started || order.ticket_started);
            prop_assert!(before.captured.is_none() || order.captured == before.captured);
            assert_whole(&order);
            prop_assert_eq!(order.due_at() < Timestamp::NEVER, has_open_work(&order), "{:?}", order);
        }
    }

    #[test]
    fn what_is_promised_by_hand_never_exceeds_what_is_left(
        asks in prop::collection::vec((1_u8..9, prop::option::of(1..=TOTAL)), 1..8),
        foreign in prop::option::of(1..=TOTAL),
    ) {
        let mut order = waiting();
        order.merge(&succeeded(), at(2));
        if let Some(minor) = foreign {
            order.merge(&returned("re_foreign", minor), at(3));
        }
        for (n, minor) in asks {
            take(&mut order, &Input::Refund(n, minor), at(4));
            prop_assert!(promised(&order) + order.returned_minor() <= TOTAL);
            let all = promised(&order) + order.returned_minor() == TOTAL;
            prop_assert_eq!(all, order.status.rank() >= Status::Refunding.rank());
        }
    }
}
