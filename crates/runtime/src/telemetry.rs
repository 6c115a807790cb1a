//! What a process says of itself while it runs: log lines to standard error, so that standard output stays for answers,
//! and traces and metrics to a collector, if there is one.

mod metrics;
mod traces;

use std::io::IsTerminal;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Log, LogFormat, Otlp};
use crate::trace;

pub use metrics::send as send_metrics;
pub use traces::Traces;

/// Starts logging and tracing for the whole process, which is called `name`. Needs a tokio runtime if traces are sent.
///
/// # Errors
///
/// What is wrong with the filter or the collector's URL, or that logging was started before.
pub fn start(name: &'static str, log: &Log, otlp: &Otlp) -> Result<Traces, String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|e| format!("log.filter: {e}"))?;
    // Spans are for the collector: a line says what it has to say by itself.
    let filter = filter.and(filter_fn(|metadata| !is_trace(metadata)));
    let traces = Traces::start(name, otlp)?;
    let sent = traces.layer().map(|layer| layer.with_filter(filter_fn(is_trace)));
    let all = tracing_subscriber::registry().with(sent).with(lines(log).with_filter(filter));
    all.try_init().map_err(|error| error.to_string())?;
    Ok(traces)
}

fn is_trace(metadata: &Metadata<'_>) -> bool {
    metadata.target() == trace::TARGET
}

fn lines<S>(log: &Log) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match log.format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => {
            lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed()
        }
    }
}
