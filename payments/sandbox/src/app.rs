//! What the sandbox does: one use case per file, over the books.

pub mod books;
pub mod command;
pub mod create_price;
pub mod create_session;
pub mod expire_session;
pub mod idempotency;
pub mod listing;
pub mod pay;
pub mod refund;
pub mod settle;

pub use books::{Books, Change};
pub use command::Command;
