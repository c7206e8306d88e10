//! One exchange over HTTP, as the checks of HTTP servers need it.

use bytes::Bytes;
use common::{Deadline, Fault};
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use runtime::http_client::HttpClient;
use serde_json::Value;

use super::probe::LIMIT;

/// Longest answer that is read.
const ANSWER_MAX: usize = 4 * 1024 * 1024;

/// Faults: `unavailable` or `deadline_exceeded` without an answer.
pub(super) async fn get(url: &str, token: Option<&str>) -> Result<Response<Bytes>, Fault> {
    let authorize =
        |request: http::request::Builder, token| request.header(AUTHORIZATION, format!("Bearer {token}"));
    let request = token.into_iter().fold(Request::get(url), authorize).body(Bytes::new());
    send(request.map_err(|error| Fault::unavailable(error.to_string()))?).await
}

/// Faults: `unavailable` or `deadline_exceeded` without an answer.
pub(super) async fn send(request: Request<Bytes>) -> Result<Response<Bytes>, Fault> {
    HttpClient::new("no answer")?.exchange(request, ANSWER_MAX, Deadline::after(LIMIT)).await
}

/// The JSON of an answer; null when it is none.
pub(super) fn json(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap_or_default()
}

/// A header's text.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
