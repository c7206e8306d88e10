//! Turns answers into responses, the dropped ones too.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{
    app::{books::raw, idempotency::Answer},
    error::ApiError,
};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

/// The response to a request of the API.
#[must_use]
pub fn response(answer: Answer) -> Response {
    let Answer::Sent { status, body, replayed_from } = answer else { return dropped() };
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::CONFLICT {
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("true"));
    }
    if let Some(original) = replayed_from {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
        if let Ok(original) = HeaderValue::from_str(&original) {
            headers.insert(ORIGINAL_REQUEST, original);
        }
    }
    response
}

/// An object, or what went wrong.
#[must_use]
pub fn object(result: Result<impl Serialize, ApiError>) -> Response {
    let json = result.and_then(|object| Ok(raw(&object)?));
    response(json.map_or_else(Answer::from, |json| Answer::sent(StatusCode::OK, &json)))
}

/// A response whose body fails before its first byte: the server closes the connection and nothing, not even the
/// head, has been sent.
#[must_use]
pub fn dropped() -> Response {
    let broken =
        futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("the reply is dropped on purpose"))]);
    Body::from_stream(broken).into_response()
}
