//! One event as one line for people: the compact format, and the trace of the call that it belongs to at the end.

use std::{fmt, time::SystemTime};

use common::{Call, Timestamp};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Compact, Format, Writer, format},
        time::FormatTime,
    },
    registry::LookupSpan,
};

/// Room for most lines.
const LINE_USUAL: usize = 256;

/// The format of a line.
#[derive(Debug)]
pub(super) struct TextLines(Format<Compact, Rfc3339>);

impl TextLines {
    pub(super) fn new(colours: bool) -> Self {
        Self(format().with_timer(Rfc3339).with_ansi(colours).compact())
    }
}

impl<S, N> FormatEvent<S, N> for TextLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(call) = Call::current() else { return self.0.format_event(context, writer, event) };
        let mut line = String::with_capacity(LINE_USUAL);
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{} trace_id={}", line.trim_end_matches('\n'), call.trace.trace_id())
    }
}

/// The time as all parts of the program write it.
#[derive(Clone, Copy, Debug)]
struct Rfc3339;

impl FormatTime for Rfc3339 {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", Timestamp::from(SystemTime::now()))
    }
}
