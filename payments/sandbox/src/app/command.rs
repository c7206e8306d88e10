//! The commands of the API: parsed from a form, decided over the books.

use super::{
    books::{Books, Change},
    create_price::NewPrice,
    create_session::NewSession,
    refund::{Fate, NewRefund},
};
use crate::{
    domain::{Token, event::Cause},
    error::ApiError,
    faults::{Operation, Strike},
};

/// Something a caller wants done.
#[derive(Debug)]
pub enum Command {
    CreateSession(Box<NewSession>),
    ExpireSession(Token),
    Refund(NewRefund),
    CreatePrice(NewPrice),
}

impl Command {
    /// The operation that faults strike.
    #[must_use]
    pub fn operation(&self) -> Operation {
        match self {
            Self::CreateSession(_) => Operation::CreateSession,
            Self::ExpireSession(_) => Operation::ExpireSession,
            Self::Refund(_) => Operation::Refund,
            Self::CreatePrice(_) => Operation::CreatePrice,
        }
    }

    /// Decides what the command changes now. Nothing is written: the caller adds the reply and commits, and asks
    /// again when it loses a race.
    pub async fn decide(
        &self,
        books: &Books,
        cause: &Cause,
        strike: Option<Strike>,
    ) -> Result<Change, ApiError> {
        match self {
            Self::CreateSession(new) => new.decide(books).await,
            Self::ExpireSession(token) => super::expire_session::decide(books, *token, cause).await,
            Self::Refund(new) => new.decide(books, cause, Fate::from(strike)).await,
            Self::CreatePrice(new) => new.decide(books),
        }
    }
}
