//! Errors as Stripe answers them: a status and `{"error": {"type", "code", "message", "param"}}`.

use std::borrow::Cow;

use common::Fault;
use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

/// Refusal of a request. Boxed: it is the rare case of every step.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    status: StatusCode,
    body: Body,
    kept: bool,
}

#[derive(Clone, Debug, Serialize)]
struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    #[serde(rename = "type")]
    error_type: &'static str,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: &'a Body,
}

const INVALID: &str = "invalid_request_error";

impl ApiError {
    fn new(status: StatusCode, error_type: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let body = Body { code: None, message: message.into(), param: None, error_type };
        Self(Box::new(Inner { status, body, kept: false }))
    }

    /// A 400 about the request itself.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, message)
    }

    /// A 400 about one parameter.
    pub fn parameter(
        code: &'static str,
        param: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid(message).with_code(code).with_param(param)
    }

    pub fn missing(param: impl Into<String>) -> Self {
        let param = param.into();
        let message = format!("Missing required param: {param}.");
        Self::parameter("parameter_missing", param, message)
    }

    pub fn unknown(param: impl Into<String>) -> Self {
        let param = param.into();
        let message = format!("Received unknown parameter: {param}");
        Self::parameter("parameter_unknown", param, message)
    }

    /// A 404 for an id in the path.
    #[must_use]
    pub fn no_such(what: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, INVALID, format!("No such {what}: '{id}'"))
            .with_code("resource_missing")
            .with_param("id")
    }

    /// A 400 for an id in a parameter.
    #[must_use]
    pub fn no_such_param(what: &str, id: &str, param: impl Into<String>) -> Self {
        Self::parameter("resource_missing", param, format!("No such {what}: '{id}'"))
    }

    #[must_use]
    pub fn no_such_url(method: &http::Method, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            INVALID,
            format!("Unrecognized request URL ({method}: {path}). See https://stripe.com/docs."),
        )
    }

    #[must_use]
    pub fn unauthorized(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, INVALID, message)
    }

    #[must_use]
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID, "The request body is too large.")
    }

    #[must_use]
    pub fn too_slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, INVALID, "The request body did not arrive in time.")
    }

    /// The key is being used by a request that is still running.
    #[must_use]
    pub fn key_in_use() -> Self {
        let text = "There is currently another in-progress request using this Idempotent Key (that probably means \
                    you submitted twice, and the other request is still going through): try again later.";
        Self::new(StatusCode::CONFLICT, INVALID, text).with_code("idempotency_key_in_use")
    }

    /// The key was used with other parameters.
    #[must_use]
    pub fn key_reused(key: &str) -> Self {
        let text = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. \
             Try using a key other than '{key}' if you meant to execute a different request."
        );
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", text)
    }

    #[must_use]
    pub fn too_many_requests() -> Self {
        let text = "Request rate limit exceeded.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, INVALID, text).with_code("rate_limit")
    }

    /// A 500 that says nothing.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", "An unknown error occurred.")
    }

    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.body.code = Some(code);
        self
    }

    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.0.body.param = Some(param.into());
        self
    }

    /// Says that the request was carried out and this is its result: replayed under its idempotency key. What fails
    /// validation is not kept, so that it can be corrected under the same key.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.0.kept = true;
        self
    }

    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.0.kept
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The JSON of the answer.
    #[must_use]
    pub fn json(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(&Envelope { error: &self.0.body })
            .expect("strings and nothing else always encode")
    }
}

impl From<Fault> for ApiError {
    /// Our own trouble is a 500 without a word of the inside; the cause is logged here, where it is handled.
    fn from(fault: Fault) -> Self {
        tracing::error!(%fault, "sandbox request failed");
        Self::internal()
    }
}
