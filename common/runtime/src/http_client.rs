//! A pooled HTTP/1.1 client: plain or TLS, one exchange bounded in time and size. It follows no redirect and repeats
//! nothing: what an answer means is for the caller to say.

use std::{fmt, time::Duration};

use bytes::Bytes;
use common::{Deadline, Fault};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Servers close idle connections after about a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const IDLE_MAX: usize = 128;

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub struct HttpClient {
    pool: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Names the other side in faults.
    peer: &'static str,
}

impl HttpClient {
    /// `peer` names the other side in faults. `internal` when TLS cannot be set up.
    pub fn new(peer: &'static str) -> Result<Self, Fault> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|e| Fault::internal(format!("TLS: {e}")))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_MAX);
        Ok(Self { pool: builder.build(https), peer })
    }

    /// One attempt: the whole answer, of at most `body_max` bytes. `deadline_exceeded` without one in time,
    /// `unavailable` when there is no connection, or it broke, or the answer is longer; all leave the outcome unknown.
    pub async fn exchange(
        &self,
        request: Request<Bytes>,
        body_max: usize,
        deadline: Deadline,
    ) -> Result<Response<Bytes>, Fault> {
        deadline.bound(self.peer, self.round_trip(request.map(Full::new), body_max)).await
    }

    async fn round_trip(
        &self,
        request: Request<Full<Bytes>>,
        body_max: usize,
    ) -> Result<Response<Bytes>, Fault> {
        let response = self.pool.request(request).await.map_err(|e| {
            let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            Fault::unavailable(format!("{}: {e}: {cause}", self.peer))
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, body_max).collect().await;
        let body = body.map_err(|e| Fault::unavailable(format!("{}: answer broke off: {e}", self.peer)))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("peer", &self.peer).finish_non_exhaustive()
    }
}
