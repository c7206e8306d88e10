//! The reads of Stripe's API.

use std::time::Duration;

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use common::Fault;
use serde::Serialize;
use store::Loaded;

use super::{Shared, Web, reply};
use crate::{
    app::{
        create_session::expand,
        listing::{self, Listed, Window},
    },
    domain::{EventRecord, Refund, Session, Token, session::PaymentStatus, token},
    error::ApiError,
    faults::{Operation, Strike},
    form::Form,
    object::{
        self,
        list::List,
        session::{Expand, LineItem},
    },
};

/// Event types per query.
const MAX_TYPES: usize = 20;

/// Does the read as the fault that strikes it says: late, not at all, or without a reply.
async fn read<T: Serialize>(
    web: &Web,
    operation: Operation,
    object: impl Future<Output = Result<T, ApiError>>,
) -> Response {
    match web.faults.take(operation) {
        Some(Strike::DropReplyBeforeCommit | Strike::DropReplyAfterCommit) => return reply::dropped(),
        Some(Strike::ErrorBeforeCommit | Strike::ErrorAfterCommit) => {
            return reply::response(ApiError::internal().into());
        }
        Some(Strike::TooManyRequests) => return reply::response(ApiError::too_many_requests().into()),
        Some(Strike::Delay { delay_ms }) => tokio::time::sleep(Duration::from_millis(delay_ms)).await,
        _ => {}
    }
    reply::object(object.await)
}

fn query(query: Option<&str>) -> Result<Form, ApiError> {
    Form::parse(query.unwrap_or_default().as_bytes())
}

/// A loaded object that is rendered after its loading: the renderings borrow.
macro_rules! rendered {
    ($object:expr) => {
        Ok::<_, ApiError>(crate::app::books::raw(&$object)?)
    };
}

pub async fn session(State(web): Shared, Path(id): Path<String>, RawQuery(raw): RawQuery) -> Response {
    read(&web, Operation::RetrieveSession, async {
        let mut form = query(raw.as_deref())?;
        let expand = expand(&mut form)?;
        form.finish()?;
        let session = find_session(&web, &id, token::SESSION, "checkout.session").await?;
        rendered!(web.books.show(&session.body, expand))
    })
    .await
}

pub async fn line_items(State(web): Shared, Path(id): Path<String>) -> Response {
    read(&web, Operation::Read, async {
        let session = find_session(&web, &id, token::SESSION, "checkout.session").await?;
        let items = session.body.lines.iter().enumerate().map(|line| LineItem::new(&session.body, line));
        rendered!(List::new(items.collect(), false, format!("/v1/checkout/sessions/{id}/line_items")))
    })
    .await
}

pub async fn payment_intent(State(web): Shared, Path(id): Path<String>, RawQuery(raw): RawQuery) -> Response {
    read(&web, Operation::Read, async {
        let mut form = query(raw.as_deref())?;
        let expand_charge = form.texts("expand")?.iter().any(|path| path == "latest_charge");
        form.finish()?;
        let session = find_session(&web, &id, token::INTENT, "payment_intent").await?;
        let payment = session.body.payment().filter(|p| p.status != PaymentStatus::NotRequired);
        let payment = payment.ok_or_else(|| ApiError::no_such("payment_intent", &id))?;
        rendered!(object::payment_intent::PaymentIntent::new(&session.body, payment, expand_charge))
    })
    .await
}

pub async fn charge(State(web): Shared, Path(id): Path<String>) -> Response {
    read(&web, Operation::Read, async {
        let session = find_session(&web, &id, token::CHARGE, "charge").await?;
        let payment = session.body.charge().ok_or_else(|| ApiError::no_such("charge", &id))?;
        rendered!(object::charge::Charge::new(&session.body, payment))
    })
    .await
}

pub async fn refund(State(web): Shared, Path(id): Path<String>) -> Response {
    read(&web, Operation::Read, async {
        let known = Token::parse(&id, token::REFUND).is_some();
        let refund = if known { web.books.refunds.load(&id).await? } else { None };
        let refund = refund.ok_or_else(|| ApiError::no_such("refund", &id))?;
        rendered!(object::refund::Refund::new(&refund.body))
    })
    .await
}

pub async fn price(State(web): Shared, Path(id): Path<String>) -> Response {
    read(&web, Operation::Read, async {
        let known = Token::parse(&id, token::PRICE).is_some();
        let price = if known { web.books.prices.load(&id).await? } else { None };
        let price = price.ok_or_else(|| ApiError::no_such("price", &id))?;
        rendered!(object::price::Price::stored(&price.body))
    })
    .await
}

pub async fn event(State(web): Shared, Path(id): Path<String>) -> Response {
    read(&web, Operation::Read, async {
        let known = Token::parse(&id, token::EVENT).is_some();
        let event = if known { web.books.events.load(&id).await? } else { None };
        let event = event.ok_or_else(|| ApiError::no_such("event", &id))?;
        rendered!(object::event::Event::new(&event.body))
    })
    .await
}

pub async fn list_sessions(State(web): Shared, RawQuery(raw): RawQuery) -> Response {
    read(&web, Operation::ListSessions, async {
        let mut form = query(raw.as_deref())?;
        let window = Window::parse(&mut form, Session::PREFIX)?;
        let status = form.one_of("status", &["open", "complete", "expired"])?;
        let intent = form.text("payment_intent")?;
        form.finish()?;
        let (sessions, more) = match intent {
            Some(id) => window.cut(of_intent(&web, &id).await?),
            None => {
                let now = web.books.now();
                let wanted = |s: &Session| status.is_none_or(|status| status_at(s, now) == status);
                listing::newest(&web.books.sessions, window, wanted).await?
            }
        };
        let sessions = settled(&web, sessions).await?;
        let shown = sessions.iter().map(|s| web.books.show(&s.body, Expand::default())).collect();
        rendered!(List::new(shown, more, "/v1/checkout/sessions"))
    })
    .await
}

pub async fn list_refunds(State(web): Shared, RawQuery(raw): RawQuery) -> Response {
    read(&web, Operation::ListRefunds, async {
        let mut form = query(raw.as_deref())?;
        let window = Window::parse(&mut form, Refund::PREFIX)?;
        let intent = form.text("payment_intent")?.map(|id| (id, token::INTENT, "payment_intent"));
        let charge = form.text("charge")?.map(|id| (id, token::CHARGE, "charge"));
        form.finish()?;
        let (refunds, more) = match intent.or(charge) {
            Some((id, prefix, what)) => {
                let payment = Token::parse(&id, prefix);
                let payment = payment.ok_or_else(|| ApiError::no_such_param(what, &id, what))?;
                let mut refunds =
                    listing::all(&web.books.refunds, Some("payment"), &payment.with("")).await?;
                refunds.reverse();
                window.cut(refunds)
            }
            None => listing::newest(&web.books.refunds, window, |_| true).await?,
        };
        let shown = refunds.iter().map(|r| object::refund::Refund::new(&r.body)).collect();
        rendered!(List::new(shown, more, "/v1/refunds"))
    })
    .await
}

pub async fn list_events(State(web): Shared, RawQuery(raw): RawQuery) -> Response {
    read(&web, Operation::ListEvents, async {
        let mut form = query(raw.as_deref())?;
        let window = Window::parse(&mut form, EventRecord::PREFIX)?;
        let mut types = form.texts("types")?;
        types.extend(form.text("type")?);
        form.finish()?;
        if types.len() > MAX_TYPES {
            return Err(ApiError::invalid("At most 20 event types may be given.").with_param("types"));
        }
        let wanted = |e: &EventRecord| types.is_empty() || types.iter().any(|t| t == e.event_type.as_str());
        let (events, more) = listing::newest(&web.books.events, window, wanted).await?;
        let shown = events.iter().map(|e| object::event::Event::new(&e.body)).collect();
        rendered!(List::new(shown, more, "/v1/events"))
    })
    .await
}

async fn find_session(web: &Web, id: &str, prefix: &str, what: &str) -> Result<Loaded<Session>, ApiError> {
    let missing = || ApiError::no_such(what, id);
    let token = Token::parse(id, prefix).ok_or_else(missing)?;
    web.books.session(token).await?.ok_or_else(missing)
}

async fn of_intent(web: &Web, id: &str) -> Result<Vec<Loaded<Session>>, ApiError> {
    let Some(token) = Token::parse(id, token::INTENT) else { return Ok(Vec::new()) };
    let session = web.books.session(token).await?;
    Ok(session.into_iter().filter(|s| s.body.payment().is_some()).collect())
}

/// The status that the session has by now, also when nobody has written it down yet.
fn status_at(session: &Session, now: common::Timestamp) -> &'static str {
    let mut session = session.clone();
    session.fall_due(now);
    object::session::status(&session)
}

async fn settled(web: &Web, sessions: Vec<Loaded<Session>>) -> Result<Vec<Loaded<Session>>, Fault> {
    let mut settled = Vec::with_capacity(sessions.len());
    for session in sessions {
        settled.push(settle(web, session).await?);
    }
    Ok(settled)
}

/// Somebody else may settle the session at the same moment: then theirs is read.
async fn settle(web: &Web, session: Loaded<Session>) -> Result<Loaded<Session>, Fault> {
    let token = session.body.token;
    match web.books.settled(session).await {
        Err(fault) if fault.is_version_conflict() => {
            let session = web.books.session(token).await?;
            session.ok_or_else(|| Fault::internal("a session that was listed is gone"))
        }
        settled => settled,
    }
}
