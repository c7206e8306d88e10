//! Spans of one service as the SDK's data: filled while they are under way, queued when they end.

use std::{
    fmt,
    time::{Instant, SystemTime},
};

use common::{
    SpanKind, TraceContext,
    span::{Opening, Recorder, Recording, Value},
};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Link, SpanContext, SpanId, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::{Sampler, sender::Queue};

/// Attributes of most spans.
const ATTRIBUTES_USUAL: usize = 8;

/// Records the spans of one service.
#[derive(Debug)]
pub(super) struct ServiceRecorder {
    queue: Queue,
    sampler: Sampler,
    scope: InstrumentationScope,
}

impl ServiceRecorder {
    pub(super) fn new(queue: Queue, sampler: Sampler) -> Self {
        let scope =
            InstrumentationScope::builder("ordermesh").with_version(env!("CARGO_PKG_VERSION")).build();
        Self { queue, sampler, scope }
    }

    fn data(&self, context: TraceContext, opening: &Opening<'_>) -> SpanData {
        let now = SystemTime::now();
        let mut links = SpanLinks::default();
        links.links.extend(opening.links.iter().map(|link| Link::with_context(span_context(*link, true))));
        SpanData {
            span_context: span_context(context, false),
            parent_span_id: opening.parent.map_or(SpanId::INVALID, |parent| SpanId::from(parent.ids().1)),
            parent_span_is_remote: matches!(opening.kind, SpanKind::Server | SpanKind::Consumer),
            span_kind: kind(opening.kind),
            name: opening.name.as_str().map_or_else(|| opening.name.to_string().into(), Into::into),
            start_time: now,
            end_time: now,
            attributes: Vec::with_capacity(ATTRIBUTES_USUAL),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links,
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }
}

impl Recorder for ServiceRecorder {
    fn begin(
        &self,
        context: TraceContext,
        opening: &Opening<'_>,
    ) -> (TraceContext, Option<Box<dyn Recording>>) {
        let context = context.sampled(self.sampler.takes(context, opening.parent));
        if !context.is_sampled() {
            return (context, None);
        }
        let data = Some(self.data(context, opening));
        (context, Some(Box::new(UnderWay { data, begun: Instant::now(), queue: self.queue.clone() })))
    }
}

fn span_context(context: TraceContext, is_remote: bool) -> SpanContext {
    let (trace, span) = context.ids();
    let flags = if context.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
    SpanContext::new(TraceId::from(trace), SpanId::from(span), flags, is_remote, TraceState::NONE)
}

const fn kind(kind: SpanKind) -> opentelemetry::trace::SpanKind {
    use opentelemetry::trace::SpanKind as Otel;
    match kind {
        SpanKind::Server => Otel::Server,
        SpanKind::Client => Otel::Client,
        SpanKind::Producer => Otel::Producer,
        SpanKind::Consumer => Otel::Consumer,
        SpanKind::Internal => Otel::Internal,
    }
}

/// A span that has not ended yet.
struct UnderWay {
    /// There until it ends.
    data: Option<SpanData>,
    /// The system's time may jump; how long something took does not.
    begun: Instant,
    queue: Queue,
}

impl Recording for UnderWay {
    fn set(&mut self, key: &'static str, value: Value<'_>) {
        if let Some(data) = &mut self.data {
            data.attributes.push(match value {
                Value::Text(text) => KeyValue::new(key, text.to_owned()),
                Value::Number(number) => KeyValue::new(key, number),
            });
        }
    }

    fn fail(&mut self, why: &str) {
        if let Some(data) = &mut self.data {
            data.status = Status::error(why.to_owned());
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(mut data) = self.data.take() {
            data.end_time = data.start_time + self.begun.elapsed();
            self.queue.take(data);
        }
    }
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnderWay").field("span", &self.data.as_ref().map(|data| &data.name)).finish()
    }
}
