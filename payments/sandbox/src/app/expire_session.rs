//! Expire a session on demand.

use super::books::{Books, Change, raw};
use crate::{
    domain::{EventType, Token, event::Cause, token},
    error::ApiError,
    object::session::{Expand, status},
};

pub(super) async fn decide(books: &Books, token: Token, cause: &Cause) -> Result<Change, ApiError> {
    let found = books.session(token).await?;
    let mut session =
        found.ok_or_else(|| ApiError::no_such("checkout.session", &token.with(token::SESSION)))?;
    let before = status(&session.body);
    if !session.body.expire() {
        let message = format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status \
             of `{before}`."
        );
        return Err(ApiError::invalid(message).kept());
    }
    let writes = vec![
        books.session_write(&session)?,
        books.session_event(EventType::SessionExpired, &session.body, cause)?,
    ];
    Ok(Change { writes, answer: raw(&books.show(&session.body, Expand::default()))? })
}
