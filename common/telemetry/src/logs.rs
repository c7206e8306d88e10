//! Structured logs on stderr: text for people, JSON lines for machines. The one global of the program.

mod json;
mod queue;
mod text;

use std::str::FromStr;

use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    fmt::{MakeWriter, format::JsonFields},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use json::JsonLines;
use queue::Queue;
use text::TextLines;

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: coloured on a terminal, with the trace of the call at the end of the line.
    Text,
    /// One JSON object per line, with the trace of the call it belongs to.
    Json,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json"),
        }
    }
}

/// Libraries whose own talk helps nobody, unless the filter names them.
/// An exporter that fails says so once, itself.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tower=warn,tonic=warn,\
                     opentelemetry=off,opentelemetry_sdk=off,opentelemetry-otlp=off";

/// The logs of the program. What is queued is written when this is dropped.
#[derive(Debug)]
pub struct Logs {
    queue: Queue,
}

/// Starts logging, once per process. The filter is a level (`info`) or directives (`info,mesh=debug`); an error says
/// what is wrong with it, or that logging was started before.
///
/// Lines are written by a thread of their own. When stderr cannot keep up, callers do not wait: lines below a warning
/// are dropped and counted.
pub fn init(filter: &str, format: Format) -> Result<Logs, String> {
    let queue =
        Queue::start(std::io::stderr()).map_err(|error| format!("cannot start the log writer: {error}"))?;
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    match subscriber(filter, format, colours, queue.clone())?.try_init() {
        Ok(()) => Ok(Logs { queue }),
        Err(error) => Err(error.to_string()),
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.queue.flush();
    }
}

fn subscriber<W>(
    filter: &str,
    format: Format,
    colours: bool,
    writer: W,
) -> Result<impl tracing::Subscriber + Send + Sync, String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("{QUIET},{filter}")).map_err(|error| error.to_string())?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        Format::Text => lines.with_ansi(colours).event_format(TextLines::new(colours)).boxed(),
        Format::Json => lines.with_ansi(false).fmt_fields(JsonFields::new()).event_format(JsonLines).boxed(),
    };
    Ok(Registry::default().with(lines.with_filter(filter)))
}
