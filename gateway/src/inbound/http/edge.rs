//! What surrounds every request, in one layer: its names, the checks before it runs, its deadline, and what its
//! answer always carries.

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use common::{Call, Deadline, Fault, Random, Span, Spans, TraceContext};
use futures::FutureExt as _;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use telemetry::Metrics;
use tokio::time::Instant;

use super::{
    deadline, limits,
    metrics::HttpMetrics,
    origin::PublicOrigin,
    params,
    problem::{Problem, outward},
    request_id::{self, TRACEPARENT, X_REQUEST_ID},
    span,
};

/// Set on every answer that does not bring its own.
const DEFAULT_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What the layer needs. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: PublicOrigin,
    deadline: Duration,
    random: Arc<dyn Random>,
    spans: Spans,
    metrics: HttpMetrics,
}

/// One request as logs, metrics and problem documents speak of it.
struct Visit {
    method: Method,
    path: String,
    route: Option<MatchedPath>,
    request_id: String,
    span: Span,
}

impl Edge {
    pub(crate) fn new(
        origin: PublicOrigin,
        deadline: Duration,
        random: Arc<dyn Random>,
        spans: Spans,
        metrics: &Metrics,
    ) -> Self {
        let metrics = HttpMetrics::new(metrics);
        Self { shared: Arc::new(Shared { origin, deadline, random, spans, metrics }) }
    }
}

/// The layer.
pub(crate) async fn guard(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let edge = &*edge.shared;
    let mut visit = Visit::of(&request, edge);
    let answer = AssertUnwindSafe(admit(edge, visit.span.context(), request, next)).catch_unwind().await;
    let response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(fault)) => Problem::from(fault).into_response(),
        Err(_) => Problem::from(Fault::internal("a handler panicked")).into_response(),
    };
    let response = visit.finish(response);
    span::answered(&mut visit.span, response.status());
    let route = visit.route.as_ref().map_or("unmatched", MatchedPath::as_str);
    edge.metrics.record(&visit.method, route, response.status(), started.elapsed());
    response
}

/// Checks the request, reads its body and runs it; its deadline starts once the body is here.
async fn admit(edge: &Shared, trace: TraceContext, request: Request, next: Next) -> Result<Response, Fault> {
    let path = request.uri().path();
    params::check_path(path)?;
    let is_webhook = path == "/webhook" || path.starts_with("/api/webhooks/");
    if !is_webhook {
        edge.origin.check(request.method(), request.uri(), request.headers(), is_on_loopback(&request))?;
    }
    let limit = if is_webhook { limits::WEBHOOK_MAX } else { limits::BODY_MAX };
    let request = limits::buffered(request, limit).await?;
    let call = Call::new(Deadline::after(edge.deadline), trace);
    deadline::run(call, next.run(request)).await
}

/// Whether the connection comes from this machine; one whose origin is not known is treated as if it did.
fn is_on_loopback(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.is_none_or(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}

impl Visit {
    fn of(request: &Request, edge: &Shared) -> Self {
        let (headers, random) = (request.headers(), &*edge.random);
        let route = request.extensions().get::<MatchedPath>().cloned();
        let target = (request.method(), request.uri().path(), route.as_ref().map(MatchedPath::as_str));
        let span = span::open(&edge.spans, random, target, headers);
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            route,
            request_id: request_id::request_id(headers, random),
            span,
        }
    }

    /// Turns a fault into its document and adds what every answer carries.
    fn finish(&self, mut response: Response) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            self.log(&problem);
            response = problem.render(response, &self.path, &self.request_id);
        }
        self.mark(response.headers_mut());
        response
    }

    fn log(&self, problem: &Problem) {
        let (status, code) = outward(problem.fault().code());
        if !status.is_server_error() {
            tracing::debug!(%status, code = code.as_str(), path = self.path, "request refused");
            return;
        }
        tracing::error!(
            %status,
            code = code.as_str(),
            method = %self.method,
            path = self.path,
            trace_id = self.span.context().trace_id(),
            request_id = self.request_id,
            fault = %problem.fault(),
            "request failed"
        );
    }

    fn mark(&self, headers: &mut HeaderMap) {
        for (name, value) in DEFAULT_HEADERS {
            headers.entry(name).or_insert(value);
        }
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(X_REQUEST_ID, id);
        }
        if let Ok(trace) = HeaderValue::from_str(&self.span.context().to_string()) {
            headers.insert(TRACEPARENT, trace);
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, middleware, routing::get};
    use common::SystemRandom;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_500_that_says_nothing_of_the_inside() {
        let origin = PublicOrigin::parse("http://localhost:8080").unwrap();
        let metrics = Metrics::new();
        let random = Arc::new(SystemRandom);
        let spans = Spans::off(random.clone());
        let edge = Edge::new(origin, Duration::from_secs(5), random, spans, &metrics);
        let router: Router = Router::new()
            .route("/", get(async || -> &'static str { panic!("10.0.0.1 is on fire") }))
            .layer(middleware::from_fn_with_state(edge, guard));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 500);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["code"], "internal");
        assert!(!document.to_string().contains("10.0.0.1"));
        assert!(metrics.render().contains(r#"status="5xx"} 1"#));
    }
}
