//! Spans: what a service did, from when to when, in which trace. The port of whoever exports them; without an exporter
//! a span is its ids and costs no allocation.

use std::{fmt, sync::Arc};

use crate::{random::Random, trace::TraceContext};

/// How the ids of orders begin.
const ORDER: &str = "ord_";

/// The part that a span's service has in what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Answers a request.
    Server,
    /// Makes one.
    Client,
    /// Sends a message.
    Producer,
    /// Handles one.
    Consumer,
    Internal,
}

/// How a span begins.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    pub kind: SpanKind,
    /// Of few different texts: no ids in it.
    pub name: fmt::Arguments<'a>,
    /// The span that this one is a part of; a new trace without one.
    pub parent: Option<TraceContext>,
    /// Spans of other traces that have to do with it.
    pub links: &'a [TraceContext],
}

/// The value of an attribute. Never personal data, never a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for Value<'_> {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

/// Takes spans. Must be cheap and must not block: it is called on the paths that it observes.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Begins a span under these ids. Answers with the context that travels on, in which the sampled flag is the
    /// recorder's decision, and with the recording, if there is to be one.
    fn begin(
        &self,
        context: TraceContext,
        opening: &Opening<'_>,
    ) -> (TraceContext, Option<Box<dyn Recording>>);
}

/// A span under way; it ends when it is dropped.
pub trait Recording: Send + Sync + fmt::Debug {
    fn set(&mut self, key: &'static str, value: Value<'_>);

    /// It did not do what it was there for.
    fn fail(&mut self, why: &str);
}

/// Where one service opens its spans. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Spans {
    recorder: Option<Arc<dyn Recorder>>,
    random: Arc<dyn Random>,
}

impl Spans {
    /// Spans that nobody records: they have ids, which travel on as ever.
    #[must_use]
    pub fn off(random: Arc<dyn Random>) -> Self {
        Self { recorder: None, random }
    }

    /// Spans that are recorded, as far as the recorder samples them.
    #[must_use]
    pub fn to(recorder: Arc<dyn Recorder>, random: Arc<dyn Random>) -> Self {
        Self { recorder: Some(recorder), random }
    }

    /// Begins a span; it ends when it is dropped.
    #[must_use]
    pub fn start(&self, opening: Opening<'_>) -> Span {
        let random = self.random.as_ref();
        let context =
            opening.parent.map_or_else(|| TraceContext::root(random), |parent| parent.child(random));
        match &self.recorder {
            None => Span { context, recording: None },
            Some(recorder) => {
                let (context, recording) = recorder.begin(context, &opening);
                Span { context, recording }
            }
        }
    }

    /// A step of the service's own work.
    #[must_use]
    pub fn internal(&self, name: &'static str, parent: Option<TraceContext>) -> Span {
        self.start(Opening { kind: SpanKind::Internal, name: format_args!("{name}"), parent, links: &[] })
    }

    /// A span in the trace of a thing that lives on, done because of a request that may be in a trace of its own:
    /// that one is linked. Without a trace of the thing's own it is a part of the request.
    #[must_use]
    pub fn of_trace(
        &self,
        own: Option<TraceContext>,
        cause: Option<TraceContext>,
        (kind, name): (SpanKind, fmt::Arguments<'_>),
    ) -> Span {
        let parent = match (own, cause) {
            // The request's span is the nearer parent.
            (Some(own), Some(cause)) if own.is_same_trace(cause) => Some(cause),
            (own, cause) => own.or(cause),
        };
        let links = cause.filter(|cause| parent.is_some_and(|parent| !parent.is_same_trace(*cause)));
        self.start(Opening { kind, name, parent, links: links.as_slice() })
    }
}

/// A span under way.
#[derive(Debug)]
pub struct Span {
    context: TraceContext,
    recording: Option<Box<dyn Recording>>,
}

impl Span {
    /// What travels on: the parent of what happens within this span.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Whether anyone will see it: for attributes that cost something to make.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Adds an attribute.
    pub fn set<'v>(&mut self, key: &'static str, value: impl Into<Value<'v>>) {
        if let Some(recording) = &mut self.recording {
            recording.set(key, value.into());
        }
    }

    /// Adds an attribute in words that are put together only when someone will see them.
    pub fn set_shown(&mut self, key: &'static str, value: &dyn fmt::Display) {
        if let Some(recording) = &mut self.recording {
            recording.set(key, Value::Text(&value.to_string()));
        }
    }

    /// Names the order that it is about, if the subject is one.
    pub fn about(&mut self, subject: &str) {
        if self.is_recorded() && subject.starts_with(ORDER) {
            self.set("ordermesh.order.id", subject);
        }
    }

    /// It did not do what it was there for. The reason is a stable word, such as a code.
    pub fn fail(&mut self, why: &str) {
        if let Some(recording) = &mut self.recording {
            recording.fail(why);
        }
    }

    /// Marks the span as failed if the result is a fault.
    pub fn note<T>(&mut self, result: &Result<T, crate::Fault>) {
        if let Err(fault) = result {
            self.fail(fault.code().as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::SystemRandom;

    #[derive(Debug, Default)]
    struct Written(Mutex<Vec<String>>);

    #[derive(Debug)]
    struct Silent;

    impl Recording for Silent {
        fn set(&mut self, _: &'static str, _: Value<'_>) {}
        fn fail(&mut self, _: &str) {}
    }

    impl Recorder for Written {
        fn begin(
            &self,
            context: TraceContext,
            opening: &Opening<'_>,
        ) -> (TraceContext, Option<Box<dyn Recording>>) {
            let text = format!("{} of {:?} links {:?}", opening.name, opening.parent, opening.links);
            self.0.lock().unwrap().push(text);
            (context, Some(Box::new(Silent)))
        }
    }

    #[test]
    fn a_span_of_a_things_own_trace_links_the_request_of_another() {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let written = Arc::new(Written::default());
        let spans = Spans::to(written.clone(), random.clone());
        let [own, other] = [(); 2].map(|()| TraceContext::root(&*random));
        let inside = own.child(&*random);
        let what = || (SpanKind::Internal, format_args!("x"));
        for (own, cause, expected) in [
            (Some(own), Some(other), format!("x of {:?} links {:?}", Some(own), [other])),
            (Some(own), Some(inside), format!("x of {:?} links []", Some(inside))),
            (None, Some(other), format!("x of {:?} links []", Some(other))),
            (Some(own), None, format!("x of {:?} links []", Some(own))),
        ] {
            let span = spans.of_trace(own, cause, what());
            assert_eq!(written.0.lock().unwrap().pop().unwrap(), expected);
            assert!(span.context().is_same_trace(own.or(cause).unwrap()));
        }
    }

    #[test]
    fn without_a_recorder_a_span_is_a_span_of_its_own_all_the_same() {
        let spans = Spans::off(Arc::new(SystemRandom));
        let outer = spans.internal("outer", None);
        let inner = spans.internal("inner", Some(outer.context()));
        assert!(inner.context().is_same_trace(outer.context()) && inner.context() != outer.context());
        assert!(!inner.is_recorded());
    }
}
