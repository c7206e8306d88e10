//! Each event's data twice: with everything it may hold, and with nothing that may be absent. A new field does not
//! compile here until it has a sample, and fails in the document's test until it is described.

use common::{Currency, Money, OrderId, RefundId, Timestamp, id::Id as _};
use contracts::events::{
    OrderEvent, OrderEventLine, PaymentEvent, RefundOrder, RefundReport, StockEvent, StockEventLine,
    StockLow, TicketEvent,
};
use serde_json::{Value, to_value};

/// The schema's name, the fullest and the barest data.
pub(crate) type Sample = (&'static str, Value, Value);

const MONEY: Money = Money::new(1250, Currency::USD);

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn order_id() -> OrderId {
    "ord_0192d3a45b6c7d8e9f00112233445566".parse().unwrap()
}

fn refund_id() -> RefundId {
    // The same number under another prefix.
    RefundId::from_uuid(order_id().uuid())
}

fn at() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_123)
}

/// Samples of every schema that is an event's data.
pub(crate) fn all() -> Vec<Sample> {
    vec![order(), stock(), stock_low(), payment(), ticket()]
}

fn order() -> Sample {
    let line = OrderEventLine {
        item_id: "2".parse().unwrap(),
        quantity: 2,
        name: some("Coke"),
        unit_price: Some(MONEY),
    };
    let refund =
        RefundOrder { refund_id: refund_id(), amount: Some(MONEY), attempt: 1, reason: some("cold") };
    let full = OrderEvent {
        order_id: order_id(),
        customer_id: "2".parse().unwrap(),
        status: "refunding".to_owned(),
        lines: vec![line.clone()],
        total: Some(MONEY),
        note: some("no onions"),
        email: some("a@example.com"),
        cause: some("customer"),
        payment_link: some("https://pay.example/1"),
        ticket_started: true,
        refunds: vec![refund.clone()],
        at: at(),
    };
    let bare = OrderEvent {
        lines: vec![OrderEventLine { name: None, unit_price: None, ..line }],
        total: None,
        note: None,
        email: None,
        cause: None,
        payment_link: None,
        refunds: Vec::new(),
        ..full.clone()
    };
    ("OrderEvent", to_value(full).unwrap(), to_value(bare).unwrap())
}

fn stock() -> Sample {
    let line = StockEventLine { item_id: "2".parse().unwrap(), quantity: 2 };
    let full = to_value(StockEvent { order_id: order_id(), lines: vec![line], at: at() }).unwrap();
    ("StockEvent", full.clone(), full)
}

fn stock_low() -> Sample {
    let low = StockLow { item_id: "2".parse().unwrap(), name: "Coke".to_owned(), available: 3, at: at() };
    ("StockLow", to_value(&low).unwrap(), to_value(&low).unwrap())
}

fn payment() -> Sample {
    let refund = RefundReport {
        refund_id: Some(refund_id()),
        provider_id: "re_1".to_owned(),
        amount: MONEY,
        attempt: 1,
    };
    let full = PaymentEvent {
        order_id: order_id(),
        payment_id: "pay_1".to_owned(),
        captured: Some(MONEY),
        refund: Some(refund),
        at: at(),
    };
    let bare = PaymentEvent { captured: None, refund: None, ..full.clone() };
    ("PaymentEvent", to_value(full).unwrap(), to_value(bare).unwrap())
}

fn ticket() -> Sample {
    let full = TicketEvent {
        order_id: order_id(),
        ticket_id: "tkt_1".to_owned(),
        started: true,
        reason: some("no cheese"),
        at: at(),
    };
    let bare = TicketEvent { reason: None, ..full.clone() };
    ("TicketEvent", to_value(full).unwrap(), to_value(bare).unwrap())
}
