//! One event as one line of JSON: time, level, target, message, fields, spans, trace.
//!
//! Written anew because the formatter of tracing-subscriber builds a tree for each line and knows no call.

use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};

use common::{Call, Timestamp};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
    },
    registry::LookupSpan,
};

/// The format of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonLines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for JsonLines {
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        write!(writer, r#"{{"timestamp":"{}""#, Timestamp::from(SystemTime::now()))?;
        write!(writer, r#","level":"{}","target":"{}""#, metadata.level(), metadata.target())?;
        let mut fields = Fields { writer: writer.by_ref(), result: Ok(()) };
        event.record(&mut fields);
        fields.result?;
        write_spans(context, &mut writer)?;
        if let Some(call) = Call::current() {
            write!(writer, r#","trace_id":"{}""#, call.trace.trace_id())?;
        }
        writeln!(writer, "}}")
    }
}

/// The spans that the event is in, from the outermost, each with its fields.
fn write_spans<S, N>(context: &FmtContext<'_, S, N>, writer: &mut Writer<'_>) -> fmt::Result
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    let Some(scope) = context.event_scope() else { return Ok(()) };
    let mut before = r#","spans":{"#;
    for span in scope.from_root() {
        let extensions = span.extensions();
        let fields = extensions.get::<FormattedFields<N>>().map_or("", |fields| fields.as_str());
        let fields = if fields.is_empty() { "{}" } else { fields };
        write!(writer, r#"{before}"{}":{fields}"#, span.name())?;
        before = ",";
    }
    writer.write_char('}')
}

/// Writes each field after a comma.
struct Fields<'w> {
    writer: Writer<'w>,
    result: fmt::Result,
}

impl Fields<'_> {
    fn bare(&mut self, field: &Field, value: impl fmt::Display) {
        self.result = self.result.and_then(|()| write!(self.writer, r#","{}":{value}"#, field.name()));
    }

    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        self.result = self.result.and_then(|()| {
            write!(self.writer, r#","{}":""#, field.name())?;
            write!(Escaped(&mut self.writer), "{value}")?;
            self.writer.write_char('"')
        });
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() { self.bare(field, value) } else { self.text(field, format_args!("{value}")) }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

/// Text as the inside of a JSON string.
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate().filter(|(_, b)| matches!(b, b'"' | b'\\' | 0..0x20)) {
            self.0.write_str(&text[plain..at])?;
            match byte {
                b'"' | b'\\' => write!(self.0, "\\{}", char::from(byte))?,
                b'\n' => self.0.write_str("\\n")?,
                _ => write!(self.0, "\\u{byte:04x}")?,
            }
            plain = at + 1;
        }
        self.0.write_str(&text[plain..])
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use common::{Deadline, SystemRandom, TraceContext};

    use super::super::{Format, subscriber};
    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber = subscriber("info", format, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
    }

    #[tokio::test]
    async fn a_line_is_json_whatever_is_in_it_and_names_the_trace_of_its_call() {
        let call = Call::new(Deadline::after(Duration::from_secs(1)), TraceContext::root(&SystemRandom));
        let text = "a \"quoted\" \\ line\nand \u{1} ünder";
        let line = call
            .scope(async {
                logged(Format::Json, || {
                    let _task = tracing::info_span!("task", name = "relay").entered();
                    let _step = tracing::info_span!("step").entered();
                    tracing::debug!("not this one");
                    tracing::warn!(count = 3, share = f64::NAN, ok = true, text, debug = ?Some("x"), "said \"it\"");
                })
            })
            .await;
        assert_eq!(line.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let expected = serde_json::json!({
            "timestamp": value["timestamp"], "level": "WARN", "target": value["target"], "message": "said \"it\"",
            "count": 3, "share": "NaN", "ok": true, "text": text, "debug": "Some(\"x\")",
            "spans": { "task": { "name": "relay" }, "step": {} }, "trace_id": call.trace.trace_id(),
        });
        assert_eq!(value, expected);
    }

    #[tokio::test]
    async fn a_line_for_people_ends_with_the_trace_of_its_call() {
        let call = Call::new(Deadline::after(Duration::from_secs(1)), TraceContext::root(&SystemRandom));
        let line = call.scope(async { logged(Format::Text, || tracing::info!(count = 3, "placed")) }).await;
        assert!(line.ends_with(&format!("placed count=3 trace_id={}\n", call.trace.trace_id())), "{line}");
    }

    #[test]
    fn text_lines_have_no_colours_when_nobody_sees_them() {
        let line = logged(Format::Text, || tracing::info!(order = "ord_1", "placed"));
        assert!(
            line.contains("INFO") && line.contains("placed") && line.contains("order=\"ord_1\""),
            "{line}"
        );
        assert!(!line.contains('\u{1b}'), "{line}");
    }

    #[test]
    fn a_bad_filter_is_an_error_not_a_silence() {
        assert!(subscriber("mesh=loud", Format::Text, false, io::sink).is_err());
    }
}
