//! One call from beginning to end: its deadline and as many attempts as it may have.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use common::{Deadline, Spans, TraceContext};
use http::{
    Uri, request,
    uri::{self, PathAndQuery, Scheme},
};
use tokio::time::timeout_at;
use tonic::{Status, body::Body};

use super::{
    body::whole,
    endpoint::LiveEndpoint,
    flight::{Flight, Outcome},
    retry::{self, is_worth_repeating},
    target::Target,
};
use crate::{
    method::{Method, Shape},
    wire,
};

/// What is known of a call before its first attempt.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) target: Arc<Target>,
    pub(crate) method: Method,
    pub(crate) deadline: Deadline,
    /// The caller's; each attempt is a span of its own below it.
    pub(crate) trace: Option<TraceContext>,
    pub(crate) spans: Spans,
}

/// The attempts that a call has used up.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    sent: u32,
    unsent: u32,
}

impl Exchange {
    /// Makes the call. `deadline_exceeded` at the deadline, at once when it has passed already.
    pub(crate) async fn run(self, request: http::Request<Body>) -> Result<http::Response<Body>, Status> {
        self.target.calls.fetch_add(1, Ordering::Relaxed);
        let result = if self.deadline.has_passed() {
            Err(self.late())
        } else {
            let attempts = timeout_at(self.deadline.instant(), self.attempts(request)).await;
            attempts.unwrap_or_else(|_| Err(self.late()))
        };
        if result.is_err() {
            self.target.errors.fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    fn late(&self) -> Status {
        Status::deadline_exceeded(format!("no answer of {} in time", self.target.service))
    }

    async fn attempts(&self, request: http::Request<Body>) -> Result<http::Response<Body>, Status> {
        if self.method.shape == Shape::ClientStream {
            return Err(Status::unimplemented("the mesh does not carry streams of requests"));
        }
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let message = whole(body).await?;
        self.target.budget.earn();
        let (mut used, mut avoid) = (Used::default(), None);
        loop {
            let endpoint = self.target.endpoint(avoid.as_ref()).await?;
            let flight = Flight::begin(self, &endpoint, path.path(), used.sent + 1);
            let head = self.head(&head, &path, &endpoint, flight.trace());
            let outcome = flight.send(head, message.clone()).await;
            match self.pause(&outcome, &mut used) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return outcome.into_result(self.target.service),
            }
            avoid = Some(endpoint);
        }
    }

    /// How long to wait before another attempt; `None` when there is to be none.
    fn pause(&self, outcome: &Outcome, used: &mut Used) -> Option<Duration> {
        if let Outcome::Unsent = outcome {
            used.unsent += 1;
            return (used.unsent <= retry::MAX_UNSENT).then_some(Duration::ZERO);
        }
        used.sent += 1;
        let allowed =
            self.method.repeatable && used.sent <= retry::MAX_RETRIES && is_worth_repeating(outcome);
        if !allowed || !self.target.budget.spend() {
            return None;
        }
        self.target.retries.fetch_add(1, Ordering::Relaxed);
        let pause = retry::BACKOFF.delay(used.sent, self.target.random.as_ref());
        (pause < self.deadline.remaining()).then_some(pause)
    }

    /// The head of one attempt: the caller's, with the time that is left and a span of its own.
    fn head(
        &self,
        head: &request::Parts,
        path: &PathAndQuery,
        endpoint: &LiveEndpoint,
        trace: Option<TraceContext>,
    ) -> http::Request<()> {
        let mut to = uri::Parts::default();
        to.scheme = Some(Scheme::HTTP);
        to.authority = Some(endpoint.authority.clone());
        to.path_and_query = Some(path.clone());
        let mut request = http::Request::new(());
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = Uri::from_parts(to).expect("scheme, authority and path make a URI");
        *request.version_mut() = http::Version::HTTP_2;
        let headers = request.headers_mut();
        headers.clone_from(&head.headers);
        headers.insert(wire::GRPC_TIMEOUT, wire::timeout_value(self.deadline.remaining()));
        if let Some(trace) = trace {
            headers.insert(wire::TRACEPARENT, wire::trace_value(trace));
        }
        request
    }
}
