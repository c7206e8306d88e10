//! One attempt: a signed POST over a pooled connection, with a deadline.

use std::{io, time::Duration};

use axum::http::Uri;
use bytes::Bytes;
use common::{Fault, Timestamp};
use http::{Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::signature;
use crate::config::WebhookSecret;

/// From the connection to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(30);
/// Bytes of an answer; a longer one costs the connection, not the delivery.
const MAX_ANSWER: usize = 64 * 1024;

/// Where webhooks go and how they are signed.
#[derive(Debug)]
pub struct Endpoint {
    url: Uri,
    secret: WebhookSecret,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Endpoint {
    /// `internal` for an address that is not plain HTTP.
    pub fn new(url: &str, secret: WebhookSecret) -> Result<Self, Fault> {
        let parsed = url.parse::<Uri>().ok();
        let url = parsed.filter(|uri| uri.scheme_str() == Some("http") && uri.authority().is_some());
        let url = url.ok_or_else(|| Fault::internal("the webhook address must start with http://"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        Ok(Self { url, secret, client })
    }

    /// Posts a body; anything but a 2xx in time is an error.
    pub async fn post(&self, body: &str, now: Timestamp) -> io::Result<()> {
        let request = Request::post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .header(header::USER_AGENT, "ordermesh-sandbox")
            .header("stripe-signature", signature::header(&self.secret, body, now))
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .map_err(io::Error::other)?;
        tokio::time::timeout(TIMEOUT, self.send(request)).await?
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> io::Result<()> {
        let response = self.client.request(request).await.map_err(io::Error::other)?;
        let status = response.status();
        // Read to its end, so that the connection can be used again.
        let _ = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        if status.is_success() { Ok(()) } else { Err(io::Error::other(format!("answered {status}"))) }
    }
}
