//! What a process says of itself while it runs: log lines to standard error, so that standard output stays for answers,
//! and traces and metrics to a collector, if there is one.

mod metrics;
mod traces;

use std::io::IsTerminal;

use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
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
    let traces = Traces::start(name, otlp)?;
    // Each filter says which level is the highest that it may let through, or everything that libraries say at lower ones
    // is put before it: HTTP/2 alone says some fifty things about a request.
    let (any, info) = (LevelFilter::TRACE, LevelFilter::INFO);
    // Spans are for the collector: a line says what it has to say by itself.
    let filter = filter.and(filter_fn(|said| !is_trace(said)).with_max_level_hint(any));
    // A list, for an `Option` that is `None` counts as a layer without a filter, and spans would be made for it.
    let mut layers = vec![lines(log).with_filter(filter).boxed()];
    let sent = |layer| Layer::with_filter(layer, filter_fn(is_trace).with_max_level_hint(info));
    layers.extend(traces.layer().map(|layer| sent(layer).boxed()));
    let all = tracing_subscriber::registry().with(layers);
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

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// The only test that starts it: that happens once in a process.
    #[test]
    fn while_nobody_wants_spans_none_are_made() {
        start("test", &Log::default(), &Otlp::default()).unwrap();
        assert!(!trace::wanted());
        assert!(tracing::enabled!(Level::INFO));
        assert!(tracing::info_span!(target: trace::TARGET, "request").is_disabled());
        // What libraries say at other levels is not even looked at.
        assert_eq!(LevelFilter::current(), LevelFilter::INFO);
    }
}
