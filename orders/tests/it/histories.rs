//! Every order of delivery of one real history, with every event delivered twice, ends in the same place.

use common::{Currency, Money, OrderId, RefundId, Timestamp, id::Id as _};
use orders::domain::{
    Actor, Checkout, Draft, Driver, Fact, Line, Order, PaymentState, Price, RefundAsk, Returned, Status,
    TicketState,
};

pub(crate) const TOTAL: i64 = 1000;

pub(crate) fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

pub(crate) fn at(second: u64) -> Timestamp {
    Timestamp::from_secs(1_750_000_000 + second)
}

/// A pending order of two cheese at 5.00.
pub(crate) fn pending() -> Order {
    let line = Line::new("1".parse().unwrap(), 2);
    let draft = Draft {
        order_id: order_id(),
        customer_id: "2".parse().unwrap(),
        lines: vec![line],
        note: None,
        email: None,
    };
    Order::place(draft, Driver::taken("a", at(10)), None, at(0))
}

fn order_id() -> OrderId {
    "ord_00000000000000000000000000000007".parse().unwrap()
}

/// The same order with its link.
pub(crate) fn waiting() -> Order {
    let mut order = pending();
    let price = Price { name: "Cheese".into(), unit: usd(TOTAL / 2), stripe_price_id: None };
    let lines = order.lines.iter().map(|line| Line { price: Some(price.clone()), ..line.clone() }).collect();
    order.price(lines).unwrap();
    order.link(Checkout { link: "https://pay".into(), expires_at: at(2700) }, 2, at(1));
    order
}

fn cancelled() -> Order {
    let mut order = waiting();
    order.cancel(Actor::Customer, None, at(2));
    order
}

/// The id of the refund that an order decides by itself.
fn own_refund() -> RefundId {
    RefundId::from_uuid(order_id().uuid())
}

pub(crate) fn succeeded() -> Fact {
    Fact::Payment { state: PaymentState::Succeeded, captured: Some(usd(TOTAL)) }
}

fn payment(state: PaymentState) -> Fact {
    Fact::Payment { state, captured: None }
}

pub(crate) fn ticket(state: TicketState) -> Fact {
    let started = matches!(state, TicketState::Preparing | TicketState::Ready | TicketState::PickedUp);
    Fact::Ticket { state, started }
}

pub(crate) fn returned(key: impl Into<String>, minor: i64) -> Fact {
    Fact::Returned(Returned { key: key.into(), amount: usd(minor) })
}

fn refund_failed(attempt: u32) -> Fact {
    Fact::RefundFailed { refund_id: own_refund(), attempt }
}

struct History {
    name: &'static str,
    start: Order,
    facts: Vec<Fact>,
    end: Status,
}

fn histories() -> Vec<History> {
    use TicketState::{Cancelled, PickedUp, Preparing, Queued, Ready, Rejected};
    let history = |name, start, facts, end| History { name, start, facts, end };
    let served = || vec![ticket(Queued), ticket(Preparing), ticket(Ready), ticket(PickedUp)];
    let with = |facts: Vec<Fact>, more: Vec<Fact>| facts.into_iter().chain(more).collect::<Vec<_>>();
    let back = || vec![returned(own_refund().to_string(), TOTAL)];
    vec![
        history("happy", waiting(), with(vec![succeeded()], served()), Status::Completed),
        history(
            "delayed method",
            waiting(),
            with(
                vec![payment(PaymentState::Processing), succeeded()],
                vec![ticket(Queued), ticket(Preparing)],
            ),
            Status::Preparing,
        ),
        history(
            "delayed method that fails",
            waiting(),
            vec![payment(PaymentState::Processing), payment(PaymentState::Failed), ticket(Cancelled)],
            Status::Cancelled,
        ),
        history("expired", waiting(), vec![payment(PaymentState::Expired)], Status::Expired),
        history(
            "cancelled, then the session expires",
            cancelled(),
            vec![payment(PaymentState::Expired), ticket(Cancelled)],
            Status::Cancelled,
        ),
        history(
            "cancelled, paid all the same",
            cancelled(),
            with(vec![payment(PaymentState::Processing), succeeded(), ticket(Cancelled)], back()),
            Status::Refunded,
        ),
        history(
            "rejected, refund fails once",
            waiting(),
            with(vec![succeeded(), ticket(Queued), ticket(Rejected), refund_failed(1)], back()),
            Status::Refunded,
        ),
        history(
            "cancelled by the kitchen's word",
            waiting(),
            with(vec![succeeded(), ticket(Queued), ticket(Cancelled)], back()),
            Status::Refunded,
        ),
        history(
            "refunded at the provider in two parts while it is cooked",
            waiting(),
            vec![
                succeeded(),
                ticket(Queued),
                ticket(Preparing),
                returned("re_1", TOTAL - 1),
                returned("re_2", 1),
            ],
            Status::Refunded,
        ),
        history(
            "paid before the link was stored",
            pending(),
            with(vec![succeeded()], served()),
            Status::Completed,
        ),
    ]
}

/// Calls `visit` with every order of `0..n`.
fn permutations(n: usize, visit: &mut impl FnMut(&[usize])) {
    fn place(rest: &mut Vec<usize>, taken: &mut Vec<usize>, visit: &mut impl FnMut(&[usize])) {
        if rest.is_empty() {
            return visit(taken);
        }
        for index in 0..rest.len() {
            let one = rest.remove(index);
            taken.push(one);
            place(rest, taken, visit);
            taken.pop();
            rest.insert(index, one);
        }
    }
    place(&mut (0..n).collect(), &mut Vec::new(), visit);
}

/// The ways in which the second delivery of each event mixes with the first.
fn doubled(order: &[usize]) -> [Vec<usize>; 3] {
    let twice = order.iter().flat_map(|one| [*one, *one]).collect();
    let again = order.iter().chain(order).copied().collect();
    let reversed = order.iter().chain(order.iter().rev()).copied().collect();
    [twice, again, reversed]
}

/// What must not depend on the order of delivery.
fn end_of(order: &Order) -> (Status, Option<Money>, i64, bool, Option<TicketState>, usize) {
    (
        order.status,
        order.captured,
        order.returned_minor(),
        order.ticket_started,
        order.ticket,
        order.open_refunds().count(),
    )
}

pub(crate) fn assert_whole(order: &Order) {
    let mut state = None;
    for entry in &order.timeline {
        assert_eq!(entry.from, state, "{:?}", order.timeline);
        assert!(state.is_none_or(|from| Status::may_become(from, entry.to)), "{:?}", order.timeline);
        state = Some(entry.to);
    }
    assert_eq!(state, Some(order.status));
}

#[test]
fn every_order_of_delivery_of_one_history_ends_in_the_same_place() {
    for History { name, start, facts, end } in histories() {
        let mut expected = None;
        permutations(facts.len(), &mut |order| {
            for deliveries in doubled(order) {
                let mut merged = start.clone();
                for (second, index) in (10..).zip(&deliveries) {
                    merged.merge(&facts[*index], at(second));
                }
                assert_eq!(merged.status, end, "{name}: {deliveries:?} {:?}", merged.timeline);
                assert_whole(&merged);
                let ends = end_of(&merged);
                assert_eq!(*expected.get_or_insert(ends), ends, "{name}: {deliveries:?}");
            }
        });
    }
}

#[test]
fn a_repeated_fact_changes_nothing_at_all() {
    for History { name, start, facts, .. } in histories() {
        let mut order = start;
        for fact in &facts {
            order.merge(fact, at(10));
            let before = order.clone();
            assert!(!order.merge(fact, at(20)), "{name}: {fact:?} was new twice");
            assert_eq!(order, before, "{name}: {fact:?}");
        }
    }
}

#[test]
fn a_payment_of_an_order_that_ended_is_always_paid_back() {
    let mut expired = waiting();
    expired.merge(&payment(PaymentState::Expired), at(3000));
    for mut order in [cancelled(), expired] {
        order.merge(&succeeded(), at(3001));
        assert_eq!(order.status, Status::Refunding);
        let refund: Vec<_> = order.open_refunds().map(|refund| (refund.id, refund.amount)).collect();
        assert_eq!(refund, [(own_refund(), Some(usd(TOTAL)))]);
        assert_eq!(order.cause.as_deref(), Some("late_payment"));
    }
}

#[test]
fn a_refund_asked_for_twice_is_one_and_another_amount_under_its_id_is_refused() {
    let mut order = waiting();
    order.merge(&succeeded(), at(2));
    let ask = |minor| RefundAsk { id: own_refund(), amount: Some(usd(minor)), reason: None };
    order.refund(ask(400), 4, at(3)).unwrap();
    let once = order.clone();
    order.refund(ask(400), 5, at(4)).unwrap();
    assert_eq!(order, once);
    let other = order.refund(ask(401), 5, at(4)).unwrap_err();
    assert_eq!(other.code(), common::Code::IdempotencyKeyReused);
    let too_much = RefundAsk {
        id: "rfd_00000000000000000000000000000009".parse().unwrap(),
        amount: Some(usd(601)),
        reason: None,
    };
    assert_eq!(order.refund(too_much, 5, at(4)).unwrap_err().code(), common::Code::InvalidRequest);
    assert_eq!(order.status, Status::Paid);
}

#[test]
fn a_refund_made_at_the_provider_leaves_less_for_ours_and_never_more_than_was_captured() {
    let mut order = waiting();
    order.merge(&succeeded(), at(2));
    let all = RefundAsk { id: own_refund(), amount: None, reason: None };
    order.refund(all, 4, at(3)).unwrap();
    order.merge(&returned("re_foreign", 300), at(4));
    order.merge(&refund_failed(1), at(5));
    let second = order.open_refunds().next().unwrap();
    assert_eq!((second.attempt, second.amount), (2, Some(usd(TOTAL - 300))));
    order.merge(&returned(own_refund().to_string(), TOTAL - 300), at(6));
    assert_eq!((order.status, order.returned_minor()), (Status::Refunded, TOTAL));
}
