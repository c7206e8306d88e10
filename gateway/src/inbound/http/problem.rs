//! Faults as problem documents (RFC 9457): the one place that knows which code has which HTTP status.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use common::{Code, Fault, Violation};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::replay::REPLAYED;

/// What a problem document is sent as.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// When trying again makes sense unless the fault says otherwise.
const RETRY_AFTER_S: u64 = 1;

/// An answer that is a fault. It becomes a document at the edge, which knows the request's id and path.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Fault);

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = outward(self.0.code()).0;
        response.extensions_mut().insert(self);
        response
    }
}

/// The document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"type": "urn:ordermesh:problem:order_not_found", "title": "Not Found", "status": 404,
    "detail": "there is no such order", "instance": "/api/customers/2/orders/ord_0", "code": "order_not_found",
    "request_id": "9f86d081884c7d65"}))]
pub(crate) struct ProblemDocument {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// The path of the request.
    instance: String,
    /// Stable, for programs.
    code: &'static str,
    request_id: String,
    /// What is wrong with the body, each at its JSON pointer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<BodyError>,
    /// The lines that lack stock.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<ShortLine>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BodyError {
    /// RFC 6901, into the body as it was sent.
    #[schema(example = "/items/0/quantity")]
    pointer: String,
    detail: String,
}

/// A line that cannot be had.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ShortLine {
    id: String,
    wanted: u64,
    available: u64,
}

/// The status and the code that callers see. Codes that are about our inside become what they mean to a caller.
pub(crate) fn outward(code: Code) -> (StatusCode, Code) {
    match code {
        Code::MalformedJson | Code::InvalidParameter | Code::InvalidSignature => {
            (StatusCode::BAD_REQUEST, code)
        }
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, code),
        Code::Forbidden | Code::ForeignOrigin => (StatusCode::FORBIDDEN, code),
        Code::OrderNotFound
        | Code::ItemNotFound
        | Code::TicketNotFound
        | Code::DeadLetterNotFound
        | Code::RouteNotFound => (StatusCode::NOT_FOUND, code),
        Code::PaymentNotFound => (StatusCode::NOT_FOUND, Code::OrderNotFound),
        Code::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, code),
        Code::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, code),
        Code::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, code),
        Code::InsufficientStock
        | Code::OrderNotCancellable
        | Code::InvalidTransition
        | Code::IdempotencyInFlight => (StatusCode::CONFLICT, code),
        Code::AlreadyClosed => (StatusCode::CONFLICT, Code::InvalidTransition),
        Code::InvalidOrder | Code::InvalidRequest | Code::IdempotencyKeyReused | Code::PaymentRejected => {
            (StatusCode::UNPROCESSABLE_ENTITY, code)
        }
        Code::RateLimited | Code::TooManyStreams => (StatusCode::TOO_MANY_REQUESTS, code),
        Code::Unavailable | Code::ResourceExhausted | Code::VersionConflict => {
            (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable)
        }
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, code),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, code),
    }
}

/// What the caller reads: never what a provider or a stranger wrote, and nothing of our inside.
fn detail(fault: &Fault, code: Code) -> String {
    match code {
        Code::Internal => "something went wrong on our side".to_owned(),
        Code::PaymentRejected => "the payment provider refused this order".to_owned(),
        Code::Unavailable if fault.code() != code => "the service is busy; try again".to_owned(),
        _ => fault.public().to_owned(),
    }
}

impl Problem {
    pub(crate) fn fault(&self) -> &Fault {
        &self.0
    }

    /// The finished answer; headers that were set on the way (`Allow`) stay.
    pub(crate) fn render(&self, response: Response, instance: &str, request_id: &str) -> Response {
        let (status, code) = outward(self.0.code());
        let document = self.document(instance, request_id);
        let json = serde_json::to_vec(&document).expect("texts and numbers only");
        let (mut parts, _) = response.into_parts();
        parts.status = status;
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after(status, code) {
            parts.headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.0.metadata().get("replayed").is_some_and(|replayed| replayed == "true") {
            parts.headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        Response::from_parts(parts, Body::from(json))
    }

    fn document(&self, instance: &str, request_id: &str) -> ProblemDocument {
        let (status, code) = outward(self.0.code());
        let error = |v: &Violation| BodyError { pointer: v.pointer.clone(), detail: v.detail.clone() };
        let lines = self.0.metadata().get("lines").filter(|_| code == Code::InsufficientStock);
        ProblemDocument {
            kind: format!("urn:ordermesh:problem:{}", code.as_str()),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail(&self.0, code),
            instance: instance.to_owned(),
            code: code.as_str(),
            request_id: request_id.to_owned(),
            errors: self.0.violations().iter().map(error).collect(),
            lines: lines.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default(),
        }
    }

    /// Whole seconds, at least one; always there on a 503 and on what is in flight.
    fn retry_after(&self, status: StatusCode, code: Code) -> Option<u64> {
        let told = self.0.retry_after().map(|after| after.as_millis().div_ceil(1000));
        let told = told.map(|seconds| u64::try_from(seconds).unwrap_or(u64::MAX).max(1));
        let always = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
            || code == Code::IdempotencyInFlight;
        told.or(always.then_some(RETRY_AFTER_S))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_the_table() {
        for code in Code::ALL {
            let (status, outward_code) = outward(*code);
            assert_eq!(outward(outward_code), (status, outward_code), "{code:?}");
            assert!(status.is_client_error() || status.is_server_error());
        }
    }
}
