//! A small JSON client for the operator commands, which ask a running mesh over HTTP.

use std::time::Duration;

use bytes::Bytes;
use common::{Code, Deadline, Fault};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use runtime::{Settings, http_client::HttpClient};
use serde_json::Value;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long it may take a mesh to say that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest answer that is read.
const ANSWER_MAX: usize = 32 * 1024 * 1024;

/// Speaks to the gateway of one mesh.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: HttpClient,
    base: String,
}

/// Where the gateway of the mesh is that the settings speak of.
pub(crate) fn base(settings: &Settings) -> String {
    let address = || format!("http://{}", settings.text("HTTP_ADDR").unwrap_or("127.0.0.1:8080"));
    settings.text("PUBLIC_URL").map_or_else(address, str::to_owned)
}

impl Client {
    pub(crate) fn new(base: &str) -> Result<Self, Fault> {
        Ok(Self { http: HttpClient::new("the gateway")?, base: base.trim_end_matches('/').to_owned() })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether a mesh answers there and is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let Ok(request) = request(Method::GET, &self.url("/ready"), None, Bytes::new()) else { return false };
        let answer = self.http.exchange(request, ANSWER_MAX, Deadline::after(READY_TIMEOUT)).await;
        answer.is_ok_and(|response| response.status().is_success())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Fault> {
        json(&self.send(Method::GET, path, None, Bytes::new()).await?)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        let body = Bytes::from(body.to_string());
        json(&self.send(Method::POST, path, Some("application/json"), body).await?)
    }

    /// Posts nothing to a route that answers with nothing.
    pub(crate) async fn post_nothing(&self, path: &str) -> Result<(), Fault> {
        self.send(Method::POST, path, None, Bytes::new()).await.map(drop)
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<(), Fault> {
        self.send(Method::DELETE, path, None, Bytes::new()).await.map(drop)
    }

    /// Submits a form to an absolute address, as a browser would, and follows nothing.
    pub(crate) async fn submit(&self, url: &str, form: &[(&str, &str)]) -> Result<(), Fault> {
        let body = form.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&");
        let request = request(Method::POST, url, Some("application/x-www-form-urlencoded"), body.into())?;
        let response = self.http.exchange(request, ANSWER_MAX, Deadline::after(TIMEOUT)).await?;
        match response.status() {
            status if status.is_success() || status.is_redirection() => Ok(()),
            status => Err(Fault::internal(format!("{url} answered {status}"))),
        }
    }

    /// The answer, or the fault that its problem document tells of.
    async fn send(
        &self,
        method: Method,
        path: &str,
        content: Option<&'static str>,
        body: Bytes,
    ) -> Result<Response<Bytes>, Fault> {
        let request = request(method, &self.url(path), content, body)?;
        let answer = self.http.exchange(request, ANSWER_MAX, Deadline::after(TIMEOUT)).await;
        let response = answer.map_err(|fault| self.silent(&fault))?;
        if response.status().is_success() { Ok(response) } else { Err(problem(&response)) }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn silent(&self, fault: &Fault) -> Fault {
        let why = fault.detail().unwrap_or(fault.public());
        Fault::unavailable(format!(
            "no mesh answers at {} ({why}); start one with `ordermesh`, or name its gateway with --public-url",
            self.base
        ))
    }
}

fn request(
    method: Method,
    url: &str,
    content: Option<&'static str>,
    body: Bytes,
) -> Result<Request<Bytes>, Fault> {
    let builder = Request::builder().method(method).uri(url);
    let builder = content.into_iter().fold(builder, |builder, kind| builder.header(CONTENT_TYPE, kind));
    builder.body(body).map_err(|error| Fault::new(Code::InvalidParameter, format!("{url}: {error}")))
}

fn json(response: &Response<Bytes>) -> Result<Value, Fault> {
    serde_json::from_slice(response.body())
        .map_err(|error| Fault::internal(format!("the answer is not JSON: {error}")))
}

fn problem(response: &Response<Bytes>) -> Fault {
    let status: StatusCode = response.status();
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let text = body["detail"].as_str().or(body["title"].as_str()).unwrap_or("no reason given").to_owned();
    match body["code"].as_str().and_then(Code::parse) {
        Some(code) => Fault::new(code, text),
        None => Fault::internal(format!("{status}: {text}")),
    }
}
