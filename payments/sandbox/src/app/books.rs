//! The books: every collection, and the one way in which a change is written down together with its events.

use std::sync::{Arc, Mutex, PoisonError};

use common::{Clock, Fault, Ids, Timestamp};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use store::{DocumentStore, Documents, Expected, Loaded, Save, Write};
use tokio::sync::Notify;

use super::idempotency::Reply;
use crate::{
    domain::{
        EventRecord, EventType, Price, Refund, Session, Token,
        event::{Cause, Delivery},
    },
    object::session::{CheckoutSession, Expand},
};

/// How often a change is decided anew when it loses against another one.
pub const MAX_RACES: u32 = 100;

/// Everything that is remembered. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Books {
    pub store: Arc<dyn DocumentStore>,
    pub sessions: Documents<Session>,
    pub refunds: Documents<Refund>,
    pub prices: Documents<Price>,
    pub events: Documents<EventRecord>,
    pub replies: Documents<Reply>,
    pub ids: Ids,
    pub clock: Arc<dyn Clock>,
    /// Base of the links to the hosted page, without a slash at its end.
    pub public_url: Arc<str>,
    /// Whether somebody is to be told of events.
    pub posts_webhooks: bool,
    /// Rung when there is a webhook to send.
    pub posted: Arc<Notify>,
    /// The newest token, so that what is made in one millisecond is listed in the order in which it was made.
    newest: Arc<Mutex<Token>>,
}

/// A change that has been decided and not yet written: its writes in order, and what the caller is told.
#[derive(Debug)]
pub struct Change {
    pub writes: Vec<Write>,
    pub answer: Box<RawValue>,
}

impl Books {
    #[must_use]
    pub fn new(
        store: Arc<dyn DocumentStore>,
        ids: Ids,
        clock: Arc<dyn Clock>,
        public_url: &str,
        posts_webhooks: bool,
    ) -> Self {
        Self {
            sessions: Documents::new(Arc::clone(&store), ids.clone(), Arc::clone(&clock)),
            refunds: Documents::new(Arc::clone(&store), ids.clone(), Arc::clone(&clock)),
            prices: Documents::new(Arc::clone(&store), ids.clone(), Arc::clone(&clock)),
            events: Documents::new(Arc::clone(&store), ids.clone(), Arc::clone(&clock)),
            replies: Documents::new(Arc::clone(&store), ids.clone(), Arc::clone(&clock)),
            store,
            ids,
            clock,
            public_url: public_url.trim_end_matches('/').into(),
            posts_webhooks,
            posted: Arc::default(),
            newest: Arc::new(Mutex::new(Token::first_of_second(0))),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new token, behind every one that was minted before in the same millisecond.
    #[must_use]
    pub fn mint(&self) -> Token {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        *newest = self.ids.mint::<Token>().behind(*newest);
        *newest
    }

    /// Writes a change down, durably. The first write decides: when it loses, nothing is written. Faults:
    /// `version_conflict`, `unavailable`.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), Fault> {
        let tells =
            writes.iter().any(|write| write.collection == <EventRecord as store::Document>::COLLECTION);
        self.store.save_in_order(writes).await?;
        if tells {
            self.posted.notify_one();
        }
        Ok(())
    }

    /// The write of a session that was loaded.
    pub fn session_write(&self, session: &Loaded<Session>) -> Result<Write, Fault> {
        self.sessions.write(&session.body, Expected::Version(session.version), Save::new())
    }

    /// The write of a new event about an object as it is now.
    pub fn event(
        &self,
        event_type: EventType,
        object: &impl Serialize,
        cause: &Cause,
    ) -> Result<Write, Fault> {
        let told = self.posts_webhooks && event_type.is_subscribed();
        let record = EventRecord {
            token: self.mint(),
            event_type,
            object: raw(object)?,
            cause: cause.clone(),
            delivery: if told {
                Delivery::Pending { attempts: 0, next_ms: self.now().as_millis() }
            } else {
                Delivery::None
            },
        };
        self.events.write(&record, Expected::Absent, Save::new())
    }

    /// The write of an event about a session.
    pub fn session_event(
        &self,
        event_type: EventType,
        session: &Session,
        cause: &Cause,
    ) -> Result<Write, Fault> {
        self.event(event_type, &self.show(session, Expand::default()), cause)
    }

    /// The session as callers see it.
    #[must_use]
    pub fn show<'a>(&self, session: &'a Session, expand: Expand) -> CheckoutSession<'a> {
        CheckoutSession::new(session, &self.public_url, expand)
    }
}

/// An object as the JSON that is stored or answered.
pub fn raw(object: &impl Serialize) -> Result<Box<RawValue>, Fault> {
    to_raw_value(object).map_err(|e| Fault::internal(format!("encode an object: {e}")))
}
