//! The hosted checkout page: a plain form that works without JavaScript, and with curl.

use axum::{
    body::Body,
    extract::{Path, State},
    response::{Html, IntoResponse as _, Response},
};
use common::Fault;
use http::{HeaderValue, StatusCode, header};

use super::{Shared, Web, body, page_html};
use crate::{
    app::{create_session::fill_placeholder, pay::Attempt},
    domain::{
        Session, Token,
        card::{Instrument, Outcome},
        session::{PaymentStatus, Refusal, State as SessionState},
        token,
    },
    error::ApiError,
    form::Form,
};

pub async fn show(State(web): Shared, Path(id): Path<String>) -> Response {
    match find(&web, &id).await {
        Ok(Some(session)) => html(StatusCode::OK, page_html::session(&session, None)),
        Ok(None) => not_found(),
        Err(fault) => broken(&fault),
    }
}

pub async fn submit(State(web): Shared, Path(id): Path<String>, body: Body) -> Response {
    let session = match find(&web, &id).await {
        Ok(Some(session)) => session,
        Ok(None) => return not_found(),
        Err(fault) => return broken(&fault),
    };
    let submitted = async { Submission::parse(Form::parse(&body::read(body).await?)?) };
    match submitted.await {
        Ok(Submission::Cancel) => back(&session),
        Ok(Submission::Pay(outcome)) => pay(&web, session.token, outcome).await,
        Err(error) => html(error.status(), page_html::session(&session, Some("This form cannot be read."))),
    }
}

enum Submission {
    Cancel,
    Pay(Outcome),
}

impl Submission {
    /// Fields that the page does not know are none of its business: a browser may add some.
    fn parse(mut form: Form) -> Result<Self, ApiError> {
        if form.text("action")?.as_deref() == Some("cancel") {
            return Ok(Self::Cancel);
        }
        let (method, number) = (form.text("method")?, form.text("card_number")?);
        let (expiry, cvc) = (form.text("card_expiry")?, form.text("card_cvc")?);
        let instrument = Instrument {
            method: method.as_deref(),
            card_number: number.as_deref(),
            expiry: expiry.as_deref(),
            cvc: cvc.as_deref(),
        };
        Ok(Self::Pay(instrument.outcome()))
    }
}

/// In a task of its own: a payer who hangs up does not stop a payment half-way.
async fn pay(web: &Web, token: Token, outcome: Outcome) -> Response {
    let (books, delayed_ms) = (web.books.clone(), web.delayed_ms);
    let paid = tokio::spawn(async move { books.pay(token, outcome, delayed_ms).await });
    match paid.await {
        Ok(Ok(Attempt::Paid(session))) => see_other(&success_url(&session)),
        Ok(Ok(Attempt::Refused(Refusal::Declined(decline), session))) => {
            html(StatusCode::PAYMENT_REQUIRED, page_html::session(&session, Some(decline.text)))
        }
        Ok(Ok(Attempt::Refused(Refusal::AlreadyComplete, session))) => {
            html(StatusCode::CONFLICT, page_html::session(&session, None))
        }
        Ok(Ok(Attempt::Refused(Refusal::Expired, session))) => {
            html(StatusCode::GONE, page_html::session(&session, None))
        }
        Ok(Ok(Attempt::NoSuchSession)) => not_found(),
        Ok(Err(fault)) => broken(&fault),
        Err(error) => broken(&Fault::internal(format!("the payment's task died: {error}"))),
    }
}

async fn find(web: &Web, id: &str) -> Result<Option<Session>, Fault> {
    let Some(token) = Token::parse(id, token::SESSION) else { return Ok(None) };
    Ok(web.books.session(token).await?.map(|session| session.body))
}

/// Where the payer goes after paying.
pub(super) fn success_url(session: &Session) -> String {
    fill_placeholder(&session.success_url, &session.token.with(token::SESSION))
}

/// Cancelling leaves the session as it is: it can be paid until it runs out.
fn back(session: &Session) -> Response {
    match &session.cancel_url {
        Some(url) => see_other(&fill_placeholder(url, &session.token.with(token::SESSION))),
        None => html(StatusCode::OK, page_html::session(session, None)),
    }
}

fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        Err(_) => html(StatusCode::OK, page_html::notice("Done", "You can close this page.")),
    }
}

fn not_found() -> Response {
    html(
        StatusCode::NOT_FOUND,
        page_html::notice("No such payment", "Check the link: there is no checkout at this address."),
    )
}

fn broken(fault: &Fault) -> Response {
    tracing::error!(%fault, "the hosted page failed");
    html(
        StatusCode::INTERNAL_SERVER_ERROR,
        page_html::notice("Something went wrong", "Reload the page to see whether the payment went through."),
    )
}

/// No script, no frame, nothing from elsewhere. There is no `form-action`: browsers apply it to the redirect to the
/// shop as well.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

fn html(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Html(page)).into_response()
}

/// What the page says of a session that cannot be paid any more; `None` while it can.
pub(super) fn closed(session: &Session) -> Option<(&'static str, &'static str)> {
    match &session.state {
        SessionState::Open => None,
        SessionState::Expired => {
            Some(("This checkout has expired", "Nothing was charged. Go back to the shop to order again."))
        }
        SessionState::Complete(payment) => Some(match payment.status {
            PaymentStatus::Succeeded => ("Payment complete", "Thank you. Your payment was received."),
            PaymentStatus::NotRequired => ("Order complete", "Thank you. Nothing was due."),
            PaymentStatus::Processing { .. } => {
                ("Payment is being processed", "The bank has not decided yet. You will hear from the shop.")
            }
            PaymentStatus::Failed => ("Payment failed", "The bank refused the payment. Nothing was charged."),
        }),
    }
}
