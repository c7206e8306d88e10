//! Event types, queues and their bindings: the topology that every bus adapter declares.

/// The one durable topic exchange.
pub const EXCHANGE: &str = "ordermesh.events";

macro_rules! event_types {
    ($($variant:ident = $text:literal),+ $(,)?) => {
        /// The type of an event, which is its routing key too.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventType { $($variant),+ }

        impl EventType {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

event_types! {
    OrderCreated = "order.created",
    OrderWaitingPayment = "order.waiting_payment",
    OrderPaid = "order.paid",
    OrderCancelled = "order.cancelled",
    OrderExpired = "order.expired",
    OrderRefunding = "order.refunding",
    OrderRefunded = "order.refunded",
    OrderPreparing = "order.preparing",
    OrderReady = "order.ready",
    OrderCompleted = "order.completed",
    StockReserved = "stock.reserved",
    StockReleased = "stock.released",
    StockCommitted = "stock.committed",
    StockLow = "stock.low",
    PaymentProcessing = "payment.processing",
    PaymentSucceeded = "payment.succeeded",
    PaymentFailed = "payment.failed",
    PaymentExpired = "payment.expired",
    PaymentRefunded = "payment.refunded",
    PaymentRefundFailed = "payment.refund_failed",
    TicketQueued = "ticket.queued",
    TicketPreparing = "ticket.preparing",
    TicketReady = "ticket.ready",
    TicketPickedUp = "ticket.picked_up",
    TicketRejected = "ticket.rejected",
    TicketCancelled = "ticket.cancelled",
}

/// A durable queue and the routing-key patterns (`*` one word, `#` any number of words) that feed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    pub name: &'static str,
    pub bindings: &'static [&'static str],
}

pub const ORDERS_PAYMENTS: Queue = Queue { name: "orders.payments", bindings: &["payment.*"] };
pub const ORDERS_KITCHEN: Queue = Queue { name: "orders.kitchen", bindings: &["ticket.*"] };
pub const ORDERS_NOTIFICATIONS: Queue =
    Queue { name: "orders.notifications", bindings: &["order.*", "stock.low"] };
pub const ORDERS_AUDIT: Queue = Queue { name: "orders.audit", bindings: &["#"] };
pub const STOCK_ORDERS: Queue = Queue {
    name: "stock.orders",
    bindings: &["order.paid", "order.cancelled", "order.expired", "order.refunding"],
};
pub const KITCHEN_ORDERS: Queue =
    Queue { name: "kitchen.orders", bindings: &["order.paid", "order.cancelled", "order.refunding"] };
pub const PAYMENTS_ORDERS: Queue =
    Queue { name: "payments.orders", bindings: &["order.cancelled", "order.refunding"] };

/// Every durable queue there is.
pub const QUEUES: [Queue; 7] = [
    ORDERS_PAYMENTS,
    ORDERS_KITCHEN,
    ORDERS_NOTIFICATIONS,
    ORDERS_AUDIT,
    STOCK_ORDERS,
    KITCHEN_ORDERS,
    PAYMENTS_ORDERS,
];

/// What the live queues of orders and kitchen processes listen to; hints only.
pub const LIVE_ORDERS: &str = "order.*";
pub const LIVE_TICKETS: &str = "ticket.*";
