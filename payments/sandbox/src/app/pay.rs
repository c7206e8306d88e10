//! Pay a session, as its hosted page does: once, never after it ran out, decided by one compare-and-swap.

use common::Fault;

use super::books::{Books, MAX_RACES};
use crate::domain::{
    EventType, Session, Token,
    card::Outcome,
    event::Cause,
    session::{PaymentStatus, Refusal},
};

/// How an attempt ended; the session is as it is afterwards.
#[derive(Debug)]
pub enum Attempt {
    Paid(Session),
    Refused(Refusal, Session),
    NoSuchSession,
}

impl Books {
    /// Faults: `unavailable`.
    pub async fn pay(&self, token: Token, outcome: Outcome, delay_ms: u64) -> Result<Attempt, Fault> {
        for _ in 0..MAX_RACES {
            let Some(mut session) = self.session(token).await? else { return Ok(Attempt::NoSuchSession) };
            if let Err(refusal) = session.body.pay(outcome.clone(), self.now(), delay_ms) {
                return Ok(Attempt::Refused(refusal, session.body));
            }
            let mut writes = vec![
                self.session_write(&session)?,
                self.session_event(EventType::SessionCompleted, &session.body, &Cause::default())?,
            ];
            if let Some(payment) = session.body.payment()
                && payment.status == PaymentStatus::Succeeded
            {
                writes.push(self.intent_event(EventType::IntentSucceeded, &session.body, payment)?);
            }
            match self.commit(writes).await {
                Err(fault) if fault.is_version_conflict() => {}
                result => {
                    result?;
                    common::crash::point!("sandbox.pay.committed");
                    return Ok(Attempt::Paid(session.body));
                }
            }
        }
        Err(Fault::unavailable("the session changed too often to be paid"))
    }
}
