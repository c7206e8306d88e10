//! A small JSON client for the operator commands, which ask a running mesh over HTTP.

use std::time::Duration;

use common::Fault;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Speaks to the gateway of one mesh.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub(crate) fn new(base: &str) -> Result<Self, Fault> {
        let builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        let http = builder.build().map_err(|error| Fault::internal(format!("http client: {error}")))?;
        Ok(Self { http, base: base.trim_end_matches('/').to_owned() })
    }

    /// Whether a mesh answers there and is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer =
            self.http.get(format!("{}/ready", self.base)).timeout(Duration::from_secs(1)).send().await;
        answer.is_ok_and(|response| response.status().is_success())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Fault> {
        self.json(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// Submits a form to an absolute address, as a browser would, and follows nothing.
    pub(crate) async fn submit(&self, url: &str, form: &[(&str, &str)]) -> Result<(), Fault> {
        let body = form.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("&");
        let request =
            self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body);
        let response = Self::send(request).await?;
        match response.status() {
            status if status.is_success() || status.is_redirection() => Ok(()),
            status => Err(Fault::internal(format!("{url} answered {status}"))),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, Fault> {
        let response = Self::send(request).await?;
        let status = response.status();
        let body: Value = response
            .json()
            .await
            .map_err(|error| Fault::internal(format!("the answer is not JSON: {error}")))?;
        if status.is_success() {
            return Ok(body);
        }
        let text = body["detail"].as_str().or(body["title"].as_str()).unwrap_or("no reason given");
        Err(Fault::internal(format!("{status}: {text}")))
    }

    async fn send(request: RequestBuilder) -> Result<Response, Fault> {
        request.send().await.map_err(|error| Fault::unavailable(error.to_string()))
    }
}
