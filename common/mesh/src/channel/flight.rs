//! One attempt of a call: sent, answered or lost, and counted however it ends.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use common::{Span, SpanKind, TraceContext};
use h2::RecvStream;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};

use super::{
    body::{Answer, Incoming},
    connection::Failure,
    endpoint::LiveEndpoint,
    exchange::Exchange,
};
use crate::{
    method::Shape,
    observer::Attempt,
    spans,
    wire::{self, Ended},
};

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

/// An attempt under way. Dropped before its end, by the deadline or a caller that went away, it still counts.
pub(crate) struct Flight<'a> {
    exchange: &'a Exchange,
    endpoint: &'a LiveEndpoint,
    path: &'a str,
    number: u32,
    started: Instant,
    /// Of a call that belongs to a trace.
    span: Option<Span>,
    ended: bool,
}

impl Outcome {
    pub(crate) fn into_result(self, service: &str) -> Result<http::Response<Body>, Status> {
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

impl<'a> Flight<'a> {
    pub(crate) fn begin(
        exchange: &'a Exchange,
        endpoint: &'a LiveEndpoint,
        path: &'a str,
        number: u32,
    ) -> Self {
        endpoint.load.begin();
        let span = exchange.trace.map(|trace| open_span(exchange, endpoint, (path, number), trace));
        Self { exchange, endpoint, path, number, started: Instant::now(), span, ended: false }
    }

    /// What the peer is to see as the parent of its own span.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.span.as_ref().map(Span::context)
    }

    pub(crate) async fn send(mut self, head: http::Request<()>, message: Bytes) -> Outcome {
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
            if let Some(span) = &mut self.span {
                span.fail("unsent");
            }
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

    fn count(&mut self, code: Code, against: bool) {
        if let Some(span) = &mut self.span {
            spans::answered(span, code);
        }
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

fn open_span(
    exchange: &Exchange,
    endpoint: &LiveEndpoint,
    (path, number): (&str, u32),
    trace: TraceContext,
) -> Span {
    let mut span = spans::open(&exchange.spans, SpanKind::Client, path, Some(trace));
    span.set("peer.service", exchange.target.service);
    span.set_shown("server.address", &endpoint.address.ip());
    span.set("server.port", endpoint.address.port());
    span.set("ordermesh.attempt", number);
    span
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let now = Instant::now();
        if self.exchange.method.shape == Shape::Unary {
            self.endpoint.load.observe_silence(now - self.started, now);
        }
        let late = self.exchange.deadline.has_passed();
        self.count(if late { Code::DeadlineExceeded } else { Code::Cancelled }, late);
    }
}
