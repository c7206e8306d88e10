//! The server's side of a call: its deadline and trace are read from the request and held open for the handler.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use common::{Call, Deadline, Random, Span, SpanKind, Spans, TraceContext};
use futures::future::BoxFuture;
use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::Instrument as _;

use crate::{
    observer::{Attempt, Observer, Unobserved},
    spans, wire,
};

/// No caller may ask for more.
pub const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// A layer for a tonic server. The handler runs in the scope of its [`Call`] and is dropped at the deadline; nobody
/// waits for it any more. A stream's handler is done when it hands over the stream, which then has no deadline.
/// Streams are polled outside of the scope: what they call opens its own.
#[derive(Clone, Debug)]
pub struct CallScope {
    random: Arc<dyn Random>,
    default_timeout: Duration,
    spans: Spans,
    service: &'static str,
    observer: Arc<dyn Observer>,
}

impl CallScope {
    /// `default_timeout` is for requests that bring none.
    #[must_use]
    pub fn new(random: Arc<dyn Random>, default_timeout: Duration) -> Self {
        let spans = Spans::off(Arc::clone(&random));
        Self { random, default_timeout, spans, service: "", observer: Arc::new(Unobserved) }
    }

    /// The same with each answer told to the observer, as an attempt at this service. Probes are not.
    #[must_use]
    pub fn observed(self, service: &'static str, observer: Arc<dyn Observer>) -> Self {
        Self { service, observer, ..self }
    }

    /// The same with a span per call; the handler's work is below it.
    #[must_use]
    pub fn traced(self, spans: Spans) -> Self {
        Self { spans, ..self }
    }

    /// The call, and its span unless it is a probe's.
    fn call(&self, head: (&str, &http::HeaderMap)) -> (Call, Option<Span>) {
        let (path, headers) = head;
        let timeout = wire::timeout(headers).unwrap_or(self.default_timeout).min(MAX_TIMEOUT);
        let sent = wire::trace(headers);
        let span = (!spans::is_probe(path)).then(|| spans::open(&self.spans, SpanKind::Server, path, sent));
        let own = span.as_ref().map(Span::context);
        let trace = own.or(sent).unwrap_or_else(|| TraceContext::root(self.random.as_ref()));
        (Call::new(Deadline::after(timeout), trace), span)
    }
}

impl CallScope {
    fn observe(&self, method: &str, code: Code, latency: Duration) {
        if !spans::is_probe(method) {
            let service = self.service;
            self.observer.attempt(&Attempt { service, method, code, latency, number: 1 });
        }
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
        let (call, mut span) = self.scope.call((request.uri().path(), request.headers()));
        if call.deadline.has_passed() {
            note(&mut span, Code::DeadlineExceeded);
            self.scope.observe(request.uri().path(), Code::DeadlineExceeded, Duration::ZERO);
            return Box::pin(std::future::ready(Ok(late())));
        }
        let logged =
            tracing::debug_span!("grpc", method = request.uri().path(), trace_id = %call.trace.trace_id());
        let (scope, uri, began) = (self.scope.clone(), request.uri().clone(), Instant::now());
        let handler = self.inner.call(request).instrument(logged);
        Box::pin(call.scope(async move {
            let answer = tokio::time::timeout_at(call.deadline.instant(), handler).await;
            let answer = answer.unwrap_or_else(|_| Ok(late()));
            let code = answer.as_ref().map_or(Code::Unknown, code);
            note(&mut span, code);
            scope.observe(uri.path(), code, began.elapsed());
            answer
        }))
    }
}

/// The code that an answer's head says. A unary answer that is well says it in its trailers only.
fn code<R>(answer: &http::Response<R>) -> Code {
    wire::ended(answer.headers()).map_or(Code::Ok, |ended| ended.code)
}

fn note(span: &mut Option<Span>, code: Code) {
    if let Some(span) = span {
        spans::served(span, code);
    }
}

fn late<R: Default>() -> http::Response<R> {
    Status::deadline_exceeded("the caller's deadline has passed").into_http()
}
