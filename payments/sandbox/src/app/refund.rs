//! Refund a charge or a part of it. The amount is reserved in the session's own document, so that refunds together
//! never exceed the charge.

use store::{Expected, Loaded, Save, Write};

use super::books::{Books, Change, raw};
use crate::{
    domain::{
        EventType, Metadata, Refund, Session, Token,
        event::Cause,
        refund::RefundStatus,
        session::{MAX_TOTAL_MINOR, NotRefundable},
        token,
    },
    error::ApiError,
    faults::Strike,
    form::Form,
    object,
};

/// How long a refund that is decided later stays pending.
const PENDING_MS: u64 = 1000;

#[derive(Debug)]
pub struct NewRefund {
    payment: Payment,
    amount_minor: Option<i64>,
    reason: Option<&'static str>,
    metadata: Metadata,
}

/// How the caller named the payment.
#[derive(Debug)]
struct Payment {
    param: &'static str,
    what: &'static str,
    prefix: &'static str,
    id: String,
}

/// What becomes of a refund: faults decide it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Succeeds,
    Fails,
    DecidedLater { succeeds: bool },
}

impl From<Option<Strike>> for Fate {
    fn from(strike: Option<Strike>) -> Self {
        match strike {
            Some(Strike::Fail) => Self::Fails,
            Some(Strike::FailLater) => Self::DecidedLater { succeeds: false },
            Some(Strike::SucceedLater) => Self::DecidedLater { succeeds: true },
            _ => Self::Succeeds,
        }
    }
}

impl NewRefund {
    pub fn parse(mut form: Form) -> Result<Self, ApiError> {
        let payment = match (form.text("payment_intent")?, form.text("charge")?) {
            (Some(id), _) => {
                Payment { param: "payment_intent", what: "payment_intent", prefix: token::INTENT, id }
            }
            (None, Some(id)) => Payment { param: "charge", what: "charge", prefix: token::CHARGE, id },
            (None, None) => {
                let message = "One of the following params should be provided for this request: payment_intent or charge.";
                return Err(ApiError::parameter("parameter_missing", "payment_intent", message));
            }
        };
        let reasons = ["duplicate", "fraudulent", "requested_by_customer"];
        let new = Self {
            payment,
            amount_minor: form.integer("amount", 1..=MAX_TOTAL_MINOR)?,
            reason: form.one_of("reason", &reasons)?,
            metadata: form.metadata()?,
        };
        form.finish()?;
        Ok(new)
    }

    pub(super) async fn decide(&self, books: &Books, cause: &Cause, fate: Fate) -> Result<Change, ApiError> {
        let mut session = self.find(books).await?;
        let amount_minor = session.body.reserve_refund(self.amount_minor).map_err(|why| self.refuse(why))?;
        let refund = self.refund(books, &session.body, amount_minor, fate);
        if fate == Fate::Fails {
            session.body.release_refund(amount_minor);
        }
        let shown = object::refund::Refund::new(&refund);
        let mut writes = vec![
            books.session_write(&session)?,
            books.refunds.write(&refund, Expected::Absent, Save::new())?,
            books.event(EventType::RefundCreated, &shown, cause)?,
        ];
        writes.push(match fate {
            Fate::Fails => books.event(EventType::RefundFailed, &shown, cause)?,
            Fate::Succeeds | Fate::DecidedLater { .. } => charge_refunded(books, &session.body, cause)?,
        });
        Ok(Change { writes, answer: raw(&shown)? })
    }

    async fn find(&self, books: &Books) -> Result<Loaded<Session>, ApiError> {
        let Payment { param, what, prefix, id } = &self.payment;
        let missing = || ApiError::no_such_param(what, id, *param);
        let token = Token::parse(id, prefix).ok_or_else(missing)?;
        let session = books.session(token).await?.ok_or_else(missing)?;
        // A payment intent exists from the payment on, not from the session on.
        if session.body.payment().is_some() { Ok(session) } else { Err(missing()) }
    }

    fn refund(&self, books: &Books, session: &Session, amount_minor: i64, fate: Fate) -> Refund {
        let due_ms = books.now().as_millis() + PENDING_MS;
        Refund {
            token: books.mint(),
            payment: session.token,
            amount_minor,
            currency: session.currency,
            status: match fate {
                Fate::Succeeds => RefundStatus::Succeeded,
                Fate::Fails => RefundStatus::Failed,
                Fate::DecidedLater { succeeds } => RefundStatus::Pending { succeeds, due_ms },
            },
            reason: self.reason.map(str::to_owned),
            metadata: self.metadata.clone(),
        }
    }

    fn refuse(&self, why: NotRefundable) -> ApiError {
        let Payment { what, id, .. } = &self.payment;
        let error = match why {
            NotRefundable::NoCharge => {
                ApiError::invalid(format!("This {what} ({id}) does not have a successful charge to refund."))
                    .with_code("payment_intent_unexpected_state")
            }
            NotRefundable::AlreadyRefunded => {
                ApiError::invalid(format!("The charge of {id} has already been refunded."))
                    .with_code("charge_already_refunded")
            }
            NotRefundable::MoreThanLeft { left_minor } => ApiError::invalid(format!(
                "Refund amount ({}) is greater than unrefunded amount on charge ({left_minor}).",
                self.amount_minor.unwrap_or_default()
            ))
            .with_param("amount"),
        };
        error.kept()
    }
}

fn charge_refunded(books: &Books, session: &Session, cause: &Cause) -> Result<Write, ApiError> {
    let payment = session.payment().ok_or_else(ApiError::internal)?;
    let charge = object::charge::Charge::new(session, payment);
    Ok(books.event(EventType::ChargeRefunded, &charge, cause)?)
}
