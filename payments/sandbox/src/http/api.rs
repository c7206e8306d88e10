//! The commands of Stripe's API: parsed here, carried out by the desk in a task of their own.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::{Shared, Web, body, reply};
use crate::{
    app::{
        Command,
        create_price::NewPrice,
        create_session::NewSession,
        idempotency::{self, Answer},
        refund::NewRefund,
    },
    domain::{Token, token},
    error::ApiError,
    form::Form,
    object::event::API_VERSION,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Characters of an idempotency key.
const MAX_KEY: usize = 255;

/// The id that a request is answered with.
#[derive(Clone, Debug)]
pub struct RequestId(String);

/// Checks the caller's key and gives every answer of the API its id and version.
pub async fn frame(State(web): Shared, mut request: Request, next: Next) -> Response {
    let id = web.books.mint().with("req_");
    let mut response = match authorize(request.headers()) {
        Ok(()) => {
            request.extensions_mut().insert(RequestId(id.clone()));
            next.run(request).await
        }
        Err(error) => reply::response(error.into()),
    };
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::try_from(id).expect("an id is plain ASCII"));
    headers.insert(STRIPE_VERSION, HeaderValue::from_static(API_VERSION));
    response
}

/// Any test key will do, as a bearer token or as the user name of basic authentication.
fn authorize(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. Provide it in the Authorization header, using Bearer auth \
             (e.g. 'Authorization: Bearer sk_test_…').",
        ));
    };
    let text = value.to_str().unwrap_or_default();
    let accepted = match text.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => is_test_key(key.trim()),
        // "sk_test_" is six whole base64 groups, so it can be told without decoding the rest.
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("basic") => is_encoded_test_key(key.trim()),
        _ => false,
    };
    if accepted {
        Ok(())
    } else {
        Err(ApiError::unauthorized("Invalid API Key provided: it must start with sk_test_."))
    }
}

fn is_test_key(key: &str) -> bool {
    key.strip_prefix("sk_test_").is_some_and(|rest| !rest.is_empty())
}

fn is_encoded_test_key(encoded: &str) -> bool {
    // base64 of "sk_test" without its last two bits, which belong to the "_" behind it.
    encoded.starts_with("c2tfdGVzdF")
}

pub async fn create_session(
    State(web): Shared,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let parse = |form| NewSession::parse(form).map(|new| Command::CreateSession(Box::new(new)));
    reply::response(run(&web, "checkout/sessions", id, &headers, body, parse).await)
}

pub async fn create_refund(
    State(web): Shared,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let parse = |form| NewRefund::parse(form).map(Command::Refund);
    reply::response(run(&web, "refunds", id, &headers, body, parse).await)
}

pub async fn create_price(
    State(web): Shared,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let parse = |form| NewPrice::parse(form).map(Command::CreatePrice);
    reply::response(run(&web, "prices", id, &headers, body, parse).await)
}

pub async fn expire_session(
    State(web): Shared,
    Path(session): Path<String>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let endpoint = format!("checkout/sessions/{session}/expire");
    let parse = |mut form: Form| {
        form.ignore(&["expand"]);
        form.finish()?;
        let token = Token::parse(&session, token::SESSION);
        token.map(Command::ExpireSession).ok_or_else(|| ApiError::no_such("checkout.session", &session))
    };
    reply::response(run(&web, &endpoint, id, &headers, body, parse).await)
}

async fn run(
    web: &Arc<Web>,
    endpoint: &str,
    RequestId(request_id): RequestId,
    headers: &HeaderMap,
    body: Body,
    parse: impl FnOnce(Form) -> Result<Command, ApiError>,
) -> Answer {
    let request = match request(endpoint, request_id, headers, body, parse).await {
        Ok(request) => request,
        Err(error) => return error.into(),
    };
    let desk = web.desk.clone();
    tokio::spawn(desk.carry_out(request)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "a command of the sandbox died");
        ApiError::internal().into()
    })
}

async fn request(
    endpoint: &str,
    request_id: String,
    headers: &HeaderMap,
    body: Body,
    parse: impl FnOnce(Form) -> Result<Command, ApiError>,
) -> Result<idempotency::Request, ApiError> {
    let key = key(headers)?;
    let form = Form::parse(&body::read(body).await?)?;
    let fingerprint = key.as_ref().map(|_| form.fingerprint(endpoint)).unwrap_or_default();
    Ok(idempotency::Request { command: parse(form)?, key, fingerprint, request_id })
}

fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) && !key.contains(char::is_control) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(ApiError::invalid("An idempotency key is 1 to 255 printable ASCII characters.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_key_is_taken_as_bearer_or_basic_and_nothing_else() {
        let check = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            authorize(&headers).is_ok()
        };
        assert!(check("Bearer sk_test_123"));
        assert!(check("Basic c2tfdGVzdF8xMjM6"));
        for bad in
            ["Bearer sk_live_123", "Bearer sk_test_", "Basic c2tfbGl2ZV8x", "sk_test_123", "Bearer", ""]
        {
            assert!(!check(bad), "{bad}");
        }
        assert!(authorize(&HeaderMap::new()).is_err());
    }
}
