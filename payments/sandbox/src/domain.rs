//! What the sandbox remembers: checkout sessions with their payment, refunds, prices, events. Plain values, no I/O.

pub mod card;
pub mod event;
pub mod price;
pub mod refund;
pub mod session;
pub mod token;

pub use event::{EventRecord, EventType};
pub use price::Price;
pub use refund::Refund;
pub use session::Session;
pub use token::Token;

/// Keys and values that a caller attaches to an object.
pub type Metadata = std::collections::BTreeMap<String, String>;
