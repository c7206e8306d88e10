//! What time does: sessions run out, delayed payments and pending refunds are decided. Done when somebody looks, and
//! by the sweep for what nobody looks at.

use common::Fault;
use store::{Expected, Loaded, Save, Write};

use super::books::{Books, MAX_RACES};
use crate::{
    domain::{
        EventType, Refund, Session, Token,
        event::Cause,
        refund::RefundStatus,
        session::{Payment, Turn},
        token,
    },
    object,
};

impl Books {
    /// The session as it is now: what was due has been done and written down. Faults: `unavailable`.
    pub async fn session(&self, token: Token) -> Result<Option<Loaded<Session>>, Fault> {
        let id = token.with(token::SESSION);
        for _ in 0..MAX_RACES {
            let Some(loaded) = self.sessions.load(&id).await? else { return Ok(None) };
            match self.settled(loaded).await {
                Err(fault) if fault.is_version_conflict() => {}
                settled => return settled.map(Some),
            }
        }
        Err(Fault::unavailable(format!("{id} changed too often to be read")))
    }

    /// The loaded session with what was due done. Faults: `version_conflict`, `unavailable`.
    pub async fn settled(&self, mut session: Loaded<Session>) -> Result<Loaded<Session>, Fault> {
        let Some(turn) = session.body.fall_due(self.now()) else { return Ok(session) };
        let mut writes = vec![self.session_write(&session)?];
        writes.extend(self.turn_events(&session.body, turn)?);
        self.commit(writes).await?;
        session.version += 1;
        Ok(session)
    }

    fn turn_events(&self, session: &Session, turn: Turn) -> Result<Vec<Write>, Fault> {
        let cause = Cause::default();
        let session_event = |event_type| self.session_event(event_type, session, &cause);
        match (turn, session.payment()) {
            (Turn::AsyncSucceeded, Some(payment)) => Ok(vec![
                session_event(EventType::AsyncPaymentSucceeded)?,
                self.intent_event(EventType::IntentSucceeded, session, payment)?,
            ]),
            (Turn::AsyncFailed, Some(payment)) => Ok(vec![
                session_event(EventType::AsyncPaymentFailed)?,
                self.intent_event(EventType::IntentFailed, session, payment)?,
            ]),
            _ => Ok(vec![session_event(EventType::SessionExpired)?]),
        }
    }

    /// The write of an event about the payment intent of a session.
    pub fn intent_event(
        &self,
        event_type: EventType,
        session: &Session,
        payment: &Payment,
    ) -> Result<Write, Fault> {
        let intent = object::payment_intent::PaymentIntent::new(session, payment, false);
        self.event(event_type, &intent, &Cause::default())
    }

    /// Decides a pending refund that is due. Faults: `version_conflict`, `unavailable`.
    pub async fn settle_refund(&self, mut refund: Loaded<Refund>) -> Result<(), Fault> {
        if !refund.body.fall_due(self.now()) {
            return Ok(());
        }
        let mut writes = Vec::with_capacity(4);
        let failed = refund.body.status == RefundStatus::Failed;
        if failed && let Some(mut session) = self.session(refund.body.payment).await? {
            session.body.release_refund(refund.body.amount_minor);
            writes.push(self.session_write(&session)?);
        }
        writes.push(self.refunds.write(&refund.body, Expected::Version(refund.version), Save::new())?);
        let shown = object::refund::Refund::new(&refund.body);
        if failed {
            writes.push(self.event(EventType::RefundFailed, &shown, &Cause::default())?);
        }
        writes.push(self.event(EventType::RefundUpdated, &shown, &Cause::default())?);
        self.commit(writes).await
    }
}
