//! A deterministic payment provider in memory: it keeps sessions, refunds, keys and events, and fails as it is told.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use common::{Clock, Code, Fault, Money, OrderId, Timestamp};
use payments::{
    domain::{
        CheckoutKey, CheckoutParams, Fact, ProviderEvent, RefundParams, RefundState, RefundView,
        SessionStatus, SessionView,
    },
    ports::{EventPage, PaymentProcessor, ProviderError},
};
use testkit::clock::ManualClock;

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strike {
    /// Nothing does.
    Pass,
    /// Nothing is done, and there is no answer.
    LostBefore,
    /// It is done, and there is no answer.
    LostAfter,
    /// Nothing is done, and the key keeps a server fault.
    SpentBefore,
    /// It is done, and the key keeps a server fault.
    SpentAfter,
    /// A definite refusal.
    Refused,
}

#[derive(Clone, Debug)]
struct FakeSession {
    view: SessionView,
    created_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
enum Stored {
    Made(usize),
    Spent,
}

#[derive(Debug, Default)]
struct Books {
    sessions: Vec<FakeSession>,
    refunds: Vec<RefundView>,
    events: Vec<ProviderEvent>,
    keys: HashMap<String, Stored>,
    script: VecDeque<Strike>,
    calls: Vec<String>,
    /// What sessions are over instead of the order's total, as with a stale stored price.
    total_instead: Option<Money>,
    refund_state: Option<RefundState>,
}

/// The provider. Calls take the next strike of the script; without one they pass.
#[derive(Debug)]
pub(crate) struct FakeProcessor {
    clock: Arc<ManualClock>,
    books: Mutex<Books>,
}

impl FakeProcessor {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self { clock, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// What goes wrong with the next calls, one strike each.
    pub(crate) fn script(&self, strikes: &[Strike]) {
        self.books().script = strikes.iter().copied().collect();
    }

    /// The calls so far, by name and key.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.books().calls.clone()
    }

    pub(crate) fn charge_instead(&self, total: Money) {
        self.books().total_instead = Some(total);
    }

    /// How refunds start out; `Succeeded` unless told.
    pub(crate) fn refunds_start_as(&self, state: RefundState) {
        self.books().refund_state = Some(state);
    }

    pub(crate) fn sessions(&self) -> Vec<SessionView> {
        self.books().sessions.iter().map(|session| session.view.clone()).collect()
    }

    pub(crate) fn refunds(&self) -> Vec<RefundView> {
        self.books().refunds.clone()
    }

    /// Moves a session, as a customer or time does, and tells of it. What is over stays as it is.
    pub(crate) fn turn(&self, session: &str, status: SessionStatus) -> ProviderEvent {
        let mut books = self.books();
        let found = books.sessions.iter_mut().find(|s| s.view.id == session).unwrap();
        found.view.status = status;
        if status != SessionStatus::Expired {
            found.view.payment_intent = Some(format!("pi_{session}"));
        }
        let view = found.view.clone();
        self.tell(&mut books, Fact::Session(view))
    }

    /// Everything that was told so far.
    pub(crate) fn events(&self) -> Vec<ProviderEvent> {
        self.books().events.clone()
    }

    /// Expires what is past its time.
    pub(crate) fn expire_overdue(&self) {
        let now = self.clock.now();
        let overdue = |view: &SessionView| view.status == SessionStatus::Open && view.expires_at <= now;
        for session in self.sessions().into_iter().filter(overdue) {
            self.turn(&session.id, SessionStatus::Expired);
        }
    }

    /// Settles a refund, and tells of it.
    pub(crate) fn settle(&self, refund: &str, state: RefundState) -> ProviderEvent {
        let mut books = self.books();
        let found = books.refunds.iter_mut().find(|r| r.provider_id == refund).unwrap();
        found.state = state;
        let view = found.clone();
        self.tell(&mut books, Fact::Refund(view))
    }

    /// A refund that somebody makes at the dashboard.
    pub(crate) fn refund_by_hand(&self, payment_intent: &str, amount: Money) -> ProviderEvent {
        let mut books = self.books();
        let view = RefundView {
            provider_id: format!("re_{}", books.refunds.len() + 1),
            reference: None,
            amount,
            state: RefundState::Succeeded,
            payment_intent: Some(payment_intent.to_owned()),
        };
        books.refunds.push(view);
        let fact = Fact::ChargeRefunded {
            payment_intent: payment_intent.to_owned(),
            order_id: None,
            refunded: amount,
        };
        self.tell(&mut books, fact)
    }

    /// Tells of a session as it never was.
    pub(crate) fn tell_of(&self, view: SessionView) -> ProviderEvent {
        self.tell(&mut self.books(), Fact::Session(view))
    }

    fn tell(&self, books: &mut Books, fact: Fact) -> ProviderEvent {
        let event = ProviderEvent {
            id: format!("evt_{}", books.events.len() + 1),
            kind: "told".into(),
            created_at: self.clock.now(),
            fact,
        };
        books.events.push(event.clone());
        event
    }

    /// Notes the call and takes its strike.
    fn called(&self, call: String) -> Strike {
        let mut books = self.books();
        books.calls.push(call);
        books.script.pop_front().unwrap_or(Strike::Pass)
    }

    /// For calls that have no key.
    fn read(&self, call: String) -> Result<(), Fault> {
        match self.called(call) {
            Strike::Pass | Strike::Refused => Ok(()),
            _ => Err(lost()),
        }
    }

    /// Does something once per key, with its strike.
    fn once<T>(
        &self,
        key: String,
        make: impl FnOnce(&mut Books) -> usize,
        show: impl Fn(&Books, usize) -> T,
    ) -> Result<T, ProviderError> {
        let strike = self.called(key.clone());
        let mut books = self.books();
        match (books.keys.get(&key), strike) {
            (_, Strike::LostBefore) => return Err(ProviderError::Unknown(lost())),
            (Some(Stored::Spent), _) => return Err(ProviderError::KeySpent("replayed".into())),
            (Some(Stored::Made(at)), _) => return Ok(show(&books, *at)),
            (None, Strike::Refused) => return Err(ProviderError::Rejected(refused())),
            (None, Strike::SpentBefore) => {
                books.keys.insert(key, Stored::Spent);
                return Err(ProviderError::KeySpent("stored".into()));
            }
            (None, _) => {}
        }
        let at = make(&mut books);
        let spent = strike == Strike::SpentAfter;
        books.keys.insert(key, if spent { Stored::Spent } else { Stored::Made(at) });
        match strike {
            Strike::LostAfter => Err(ProviderError::Unknown(lost())),
            Strike::SpentAfter => Err(ProviderError::KeySpent("stored".into())),
            _ => Ok(show(&books, at)),
        }
    }

    fn make_session(&self, books: &mut Books, params: &CheckoutParams) -> usize {
        let id = format!("cs_{}", books.sessions.len() + 1);
        let view = SessionView {
            link: Some(format!("https://pay.example/{id}")),
            id,
            order_id: Some(params.order_id),
            status: SessionStatus::Open,
            total: books.total_instead.unwrap_or(params.total),
            expires_at: params.expires_at,
            payment_intent: None,
        };
        books.sessions.push(FakeSession { view, created_at: self.clock.now() });
        books.sessions.len() - 1
    }
}

fn lost() -> Fault {
    Fault::unavailable("no answer from the provider")
}

fn refused() -> Fault {
    Fault::new(Code::PaymentRejected, "refused")
}

#[async_trait]
impl PaymentProcessor for FakeProcessor {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn create_checkout(
        &self,
        params: &CheckoutParams,
        key: CheckoutKey,
    ) -> Result<SessionView, ProviderError> {
        if params.expires_at < self.clock.now() + Duration::from_secs(1800) {
            self.called(key.to_string());
            return Err(ProviderError::Rejected(refused()));
        }
        let make = |books: &mut Books| self.make_session(books, params);
        self.once(key.to_string(), make, |books, at| books.sessions[at].view.clone())
    }

    async fn retrieve_checkout(&self, session: &str) -> Result<SessionView, Fault> {
        self.read(format!("retrieve {session}"))?;
        let found = self.books().sessions.iter().find(|s| s.view.id == session).map(|s| s.view.clone());
        found.ok_or_else(refused)
    }

    async fn find_checkout(&self, order: OrderId, since: Timestamp) -> Result<Vec<SessionView>, Fault> {
        self.read(format!("find {order}"))?;
        let books = self.books();
        let ours =
            books.sessions.iter().rev().filter(|s| s.view.order_id == Some(order) && s.created_at >= since);
        Ok(ours.map(|session| session.view.clone()).collect())
    }

    async fn expire_checkout(&self, session: &str) -> Result<SessionView, Fault> {
        let strike = self.called(format!("expire {session}"));
        if !matches!(strike, Strike::Pass | Strike::Refused | Strike::LostAfter) {
            return Err(lost());
        }
        let open = {
            let books = self.books();
            let found = books.sessions.iter().find(|s| s.view.id == session).ok_or_else(refused)?;
            found.view.status == SessionStatus::Open
        };
        if open {
            self.turn(session, SessionStatus::Expired);
        }
        if strike == Strike::LostAfter {
            return Err(lost());
        }
        let books = self.books();
        Ok(books.sessions.iter().find(|s| s.view.id == session).unwrap().view.clone())
    }

    async fn refund(&self, params: &RefundParams) -> Result<RefundView, ProviderError> {
        let (refunded, charged) = {
            let books = self.books();
            let of_charge = |view: &&RefundView| view.payment_intent.as_ref() == Some(&params.payment_intent);
            let live =
                books.refunds.iter().filter(of_charge).filter(|view| view.state != RefundState::Failed);
            let charge = books
                .sessions
                .iter()
                .find(|s| s.view.payment_intent.as_ref() == Some(&params.payment_intent));
            let charged = charge.map_or(0, |s| s.view.total.amount_minor);
            (live.map(|view| view.amount.amount_minor).sum::<i64>(), charged)
        };
        let known = self.books().keys.contains_key(&params.reference.to_string());
        if !known && refunded + params.amount.amount_minor > charged {
            self.called(params.reference.to_string());
            return Err(ProviderError::Rejected(refused()));
        }
        let make = |books: &mut Books| {
            books.refunds.push(RefundView {
                provider_id: format!("re_{}", books.refunds.len() + 1),
                reference: Some(params.reference),
                amount: params.amount,
                state: books.refund_state.unwrap_or(RefundState::Succeeded),
                payment_intent: Some(params.payment_intent.clone()),
            });
            books.refunds.len() - 1
        };
        self.once(params.reference.to_string(), make, |books, at| books.refunds[at].clone())
    }

    async fn find_refunds(&self, payment_intent: &str) -> Result<Vec<RefundView>, Fault> {
        self.read(format!("find refunds {payment_intent}"))?;
        let books = self.books();
        let of_charge = |view: &&RefundView| view.payment_intent.as_deref() == Some(payment_intent);
        Ok(books.refunds.iter().rev().filter(of_charge).cloned().collect())
    }

    async fn list_events(&self, since: Timestamp, older: Option<&str>) -> Result<EventPage, Fault> {
        const PAGE: usize = 2;
        self.read("list events".into())?;
        let books = self.books();
        let newest_first = books.events.iter().rev().filter(|event| event.created_at >= since);
        let behind = newest_first.skip_while(|event| older.is_some_and(|older| event.id != older));
        let rest: Vec<ProviderEvent> = behind.skip(usize::from(older.is_some())).cloned().collect();
        let events: Vec<ProviderEvent> = rest.iter().take(PAGE).cloned().collect();
        let older = (rest.len() > PAGE).then(|| events.last().unwrap().id.clone());
        Ok(EventPage { events, older })
    }

    /// The body is the event's id; the signature is the word `good`.
    fn parse_webhook(&self, headers: &HashMap<String, String>, body: &[u8]) -> Result<ProviderEvent, Fault> {
        if headers.get("signature").map(String::as_str) != Some("good") {
            return Err(Fault::new(Code::InvalidSignature, "forged"));
        }
        let id = String::from_utf8_lossy(body).into_owned();
        let told = self.books().events.iter().find(|event| event.id == id).cloned();
        Ok(told.unwrap_or(ProviderEvent {
            kind: "customer.created".into(),
            created_at: self.clock.now(),
            fact: Fact::Unknown,
            id,
        }))
    }
}
