//! One call from beginning to end: deadline, attempts, and what each of them came to.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use common::{Deadline, TraceContext};
use h2::RecvStream;
use http::{
    Uri, request,
    uri::{self, PathAndQuery, Scheme},
};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Status, body::Body};

use super::{
    body::{Answer, Incoming, whole},
    connection::Failure,
    endpoint::LiveEndpoint,
    retry::{self, is_worth_repeating},
    target::Target,
};
use crate::{
    method::{Method, Shape},
    observer::Attempt,
    wire::{self, Ended},
};

/// What is known of a call before its first attempt.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) target: Arc<Target>,
    pub(crate) method: Method,
    pub(crate) deadline: Deadline,
    /// The caller's; each attempt is a span of its own below it.
    pub(crate) trace: Option<TraceContext>,
}

/// What an attempt came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The peer answered, well or badly.
    Answered(http::Response<Body>, Ended),
    /// The connection or the stream broke: as a status for the caller.
    Lost(Status),
    /// The request never left.
    Unsent,
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
            let outcome = flight.send(self.head(&head, &path, &endpoint), message.clone()).await;
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
    fn head(&self, head: &request::Parts, path: &PathAndQuery, endpoint: &LiveEndpoint) -> http::Request<()> {
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
        if let Some(trace) = self.trace {
            let span = trace.child(self.target.random.as_ref());
            headers.insert(wire::TRACEPARENT, wire::trace_value(span));
        }
        request
    }
}

impl Outcome {
    fn into_result(self, service: &str) -> Result<http::Response<Body>, Status> {
        match self {
            Self::Answered(response, _) => Ok(response),
            Self::Lost(status) => Err(status),
            Self::Unsent => Err(Status::unavailable(format!("connections to {service} close at once"))),
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Answered(_, ended) => ended.code,
            Self::Lost(status) => status.code(),
            Self::Unsent => Code::Unavailable,
        }
    }
}

/// An attempt under way. Dropped before its end, by the deadline or a caller that went away, it still counts.
struct Flight<'a> {
    exchange: &'a Exchange,
    endpoint: &'a LiveEndpoint,
    path: &'a str,
    number: u32,
    started: Instant,
    ended: bool,
}

impl<'a> Flight<'a> {
    fn begin(exchange: &'a Exchange, endpoint: &'a LiveEndpoint, path: &'a str, number: u32) -> Self {
        endpoint.load.begin();
        Self { exchange, endpoint, path, number, started: Instant::now(), ended: false }
    }

    async fn send(mut self, head: http::Request<()>, message: Bytes) -> Outcome {
        let sent = self.endpoint.send(self.exchange.method.shape, head, message).await;
        let outcome = match sent {
            Ok(response) => self.receive(response).await,
            Err(Failure::Unsent) => Outcome::Unsent,
            Err(Failure::Lost(error)) => self.lost(&error),
        };
        self.end(&outcome);
        outcome
    }

    /// Reads a unary answer to its end and a stream's up to its head.
    async fn receive(&self, response: http::Response<RecvStream>) -> Outcome {
        let (head, stream) = response.into_parts();
        let announced = wire::ended(&head.headers);
        let answer = |body, ended| Outcome::Answered(http::Response::from_parts(head, body), ended);
        let incoming = Incoming::new(stream);
        if let Some(ended) = announced {
            return answer(Body::empty(), ended);
        }
        if self.exchange.method.shape == Shape::ServerStream {
            return answer(Body::new(incoming), Ended { code: Code::Ok, reported: false });
        }
        match Answer::read(incoming).await {
            Ok((body, Some(ended))) => answer(Body::new(body), ended),
            Ok((_, None)) => Outcome::Lost(self.unavailable(&"the answer broke off")),
            Err(error) => self.lost(&error),
        }
    }

    fn lost(&self, error: &h2::Error) -> Outcome {
        Outcome::Lost(match error.reason() {
            // Must not become a reason to try again.
            Some(h2::Reason::ENHANCE_YOUR_CALM) => Status::resource_exhausted(error.to_string()),
            _ => self.unavailable(error),
        })
    }

    fn unavailable(&self, why: &dyn std::fmt::Display) -> Status {
        Status::unavailable(format!("{} at {}: {why}", self.exchange.target.service, self.endpoint.address))
    }

    fn end(&mut self, outcome: &Outcome) {
        self.ended = true;
        if !self.endpoint.is_up() {
            self.exchange.target.republish();
        }
        if let Outcome::Unsent = outcome {
            return self.endpoint.load.end();
        }
        let against = match outcome {
            Outcome::Answered(_, ended) => {
                matches!(ended.code, Code::Unavailable | Code::Internal) && !ended.reported
            }
            Outcome::Lost(_) | Outcome::Unsent => true,
        };
        let answered = matches!(outcome, Outcome::Answered(..)) && !against;
        if answered && self.exchange.method.shape == Shape::Unary {
            let now = Instant::now();
            self.endpoint.load.observe(now - self.started, now);
        }
        self.count(outcome.code(), against);
    }

    fn count(&self, code: Code, against: bool) {
        self.endpoint.load.end();
        self.endpoint.attempts.fetch_add(1, Ordering::Relaxed);
        if against {
            self.endpoint.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.exchange.target.settings.observer.attempt(&Attempt {
            service: self.exchange.target.service,
            method: self.path,
            code,
            latency: self.started.elapsed(),
            number: self.number,
        });
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let now = Instant::now();
        self.endpoint.load.observe_silence(now - self.started, now);
        let late = self.exchange.deadline.has_passed();
        self.count(if late { Code::DeadlineExceeded } else { Code::Cancelled }, late);
    }
}
