//! Traces, sent to a collector over OTLP.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Otlp;

/// How long the collector may take for one batch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What sends traces, if anything does. What was not sent yet goes out when this is ended.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    pub(super) fn start(name: &'static str, otlp: &Otlp) -> Result<Self, String> {
        let Some(collector) = otlp.collector() else { return Ok(Self(None)) };
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(collector)
            .with_timeout(TIMEOUT)
            .build()
            .map_err(|error| format!("otlp.endpoint: {error}"))?;
        // A service decides as the gateway did, so that a trace is whole or not there.
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(otlp.traced)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(resource(name))
            .build();
        Ok(Self(Some(provider)))
    }

    pub(super) fn layer<S>(&self) -> Option<OpenTelemetryLayer<S, SdkTracer>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.0.as_ref()?.tracer(crate::trace::TARGET);
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        Some(layer.with_target(false).with_level(false))
    }

    /// Sends what is left. Blocks for as long as one batch may take.
    pub fn end(self) {
        if let Some(Err(error)) = self.0.map(|provider| provider.shutdown_with_timeout(TIMEOUT)) {
            tracing::warn!(error = %error, "otlp.not_sent");
        }
    }
}

/// What every span of the process says of it.
fn resource(name: &'static str) -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let id = KeyValue::new("service.instance.id", super::metrics::instance());
    Resource::builder().with_service_name(name).with_attributes([version, id]).build()
}
