//! The server's side of a call: its deadline and trace are read from the request and held open for the handler.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use common::{Call, Deadline, Random, TraceContext};
use futures::future::BoxFuture;
use tonic::Status;
use tracing::Instrument as _;

use crate::wire;

/// No caller may ask for more.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// A layer for a tonic server. The handler runs in the scope of its [`Call`] and is dropped at the deadline; nobody
/// waits for it any more. A stream's handler is done when it hands over the stream, which then has no deadline.
/// Streams are polled outside of the scope: what they call opens its own.
#[derive(Clone, Debug)]
pub struct CallScope {
    random: Arc<dyn Random>,
    default_timeout: Duration,
}

impl CallScope {
    /// `default_timeout` is for requests that bring none.
    #[must_use]
    pub fn new(random: Arc<dyn Random>, default_timeout: Duration) -> Self {
        Self { random, default_timeout }
    }

    fn call(&self, headers: &http::HeaderMap) -> Call {
        let timeout = wire::timeout(headers).unwrap_or(self.default_timeout).min(MAX_TIMEOUT);
        let trace = wire::trace(headers).unwrap_or_else(|| TraceContext::root(self.random.as_ref()));
        Call::new(Deadline::after(timeout), trace)
    }
}

impl<S> tower::Layer<S> for CallScope {
    type Service = Scoped<S>;

    fn layer(&self, inner: S) -> Scoped<S> {
        Scoped { inner, scope: self.clone() }
    }
}

/// A service whose calls run in their scope.
#[derive(Clone, Debug)]
pub struct Scoped<S> {
    inner: S,
    scope: CallScope,
}

impl<S, B, R> tower::Service<http::Request<B>> for Scoped<S>
where
    S: tower::Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: Default + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let call = self.scope.call(request.headers());
        if call.deadline.has_passed() {
            return Box::pin(std::future::ready(Ok(late())));
        }
        let span =
            tracing::debug_span!("grpc", method = request.uri().path(), trace_id = %call.trace.trace_id());
        let handler = self.inner.call(request).instrument(span);
        Box::pin(call.scope(async move {
            match tokio::time::timeout_at(call.deadline.instant(), handler).await {
                Ok(answer) => answer,
                Err(_) => Ok(late()),
            }
        }))
    }
}

fn late<R: Default>() -> http::Response<R> {
    Status::deadline_exceeded("the caller's deadline has passed").into_http()
}
