//! Metrics, sent to a collector over OTLP: what `/metrics` shows, at a steady pace.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prometheus::Registry;
use prometheus::proto::{Metric, MetricFamily, MetricType};
use tonic::transport::{Channel, Endpoint};
use turnpike_domain::ports::Clock;

use crate::clock::SystemClock;
use crate::config::Otlp;
use crate::start;

/// How long the collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Counters and histograms hold all that was counted since the process began.
const CUMULATIVE: i32 = otlp::AggregationTemporality::Cumulative as i32;

/// Sends what `registry` counts as long as the process lives, which is called `name`. Needs a tokio runtime.
///
/// # Errors
///
/// [`start::Error::Setting`] if the collector's URL makes no sense.
pub fn send(name: &'static str, registry: Registry, otlp: &Otlp) -> Result<(), start::Error> {
    let (Some(collector), Some(pause)) = (otlp.collector(), otlp.metrics_pause()) else {
        return Ok(());
    };
    let endpoint = Endpoint::from_shared(collector.to_owned())
        .map_err(|error| start::Error::setting("otlp.endpoint", error))?;
    let client = MetricsServiceClient::new(endpoint.timeout(TIMEOUT).connect_lazy());
    let sender = Sender { name, registry, client, began: nanos() };
    tokio::spawn(sender.run(pause));
    Ok(())
}

/// Which of the processes of a name this one is: random, as long as it lives.
pub(super) fn instance() -> String {
    static INSTANCE: OnceLock<String> = OnceLock::new();
    INSTANCE.get_or_init(|| uuid::Uuid::new_v4().to_string()).clone()
}

fn nanos() -> u64 {
    u64::try_from(SystemClock.now().millis()).unwrap_or(0).saturating_mul(1_000_000)
}

struct Sender {
    name: &'static str,
    registry: Registry,
    client: MetricsServiceClient<Channel>,
    began: u64,
}

impl Sender {
    async fn run(mut self, pause: Duration) {
        let mut failing = false;
        loop {
            tokio::time::sleep(pause).await;
            let sent = self.client.export(self.request()).await;
            if let Err(error) = &sent
                && !failing
            {
                tracing::warn!(error = error.message(), "otlp.not_sent");
            }
            failing = sent.is_err();
        }
    }

    fn request(&self) -> ExportMetricsServiceRequest {
        let span = Span { began: self.began, now: nanos() };
        let families = self.registry.gather();
        let metrics = families.iter().filter_map(|family| metric(family, span));
        let scope = otlp::ScopeMetrics {
            scope: Some(InstrumentationScope { name: "turnpike".to_owned(), ..Default::default() }),
            metrics: metrics.collect(),
            ..Default::default()
        };
        let attributes = [
            ("service.name", self.name),
            ("service.version", env!("CARGO_PKG_VERSION")),
            ("service.instance.id", &instance()),
        ];
        let attributes = attributes.map(|(key, value)| attribute(key, value)).to_vec();
        let resource = Resource { attributes, ..Default::default() };
        let of_process = otlp::ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![scope],
            ..Default::default()
        };
        ExportMetricsServiceRequest { resource_metrics: vec![of_process] }
    }
}

/// What counts are over, in nanoseconds since 1970.
#[derive(Clone, Copy)]
struct Span {
    began: u64,
    now: u64,
}

/// A metric of Prometheus as one of OTLP (OpenTelemetry, "Prometheus and OpenMetrics Compatibility"). Its name is kept,
/// so that what is read here and there is the same.
fn metric(family: &MetricFamily, span: Span) -> Option<otlp::Metric> {
    let points = family.get_metric().iter();
    let numbers = |value: fn(&Metric) -> f64| {
        points.clone().map(|point| number(point, value(point), span)).collect()
    };
    let data = match family.get_field_type() {
        MetricType::COUNTER => Data::Sum(otlp::Sum {
            data_points: numbers(|point| point.get_counter().get_value()),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        MetricType::GAUGE => {
            Data::Gauge(otlp::Gauge { data_points: numbers(|point| point.get_gauge().get_value()) })
        }
        MetricType::HISTOGRAM => Data::Histogram(otlp::Histogram {
            data_points: points.clone().map(|point| histogram(point, span)).collect(),
            aggregation_temporality: CUMULATIVE,
        }),
        // We have none.
        MetricType::SUMMARY | MetricType::UNTYPED => return None,
    };
    Some(otlp::Metric {
        name: family.name().to_owned(),
        description: family.help().to_owned(),
        data: Some(data),
        ..Default::default()
    })
}

fn number(point: &Metric, value: f64, span: Span) -> otlp::NumberDataPoint {
    otlp::NumberDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: span.began,
        time_unix_nano: span.now,
        value: Some(Value::AsDouble(value)),
        ..Default::default()
    }
}

/// Prometheus counts what is at most a bound, all that is below included; OTLP what is between two bounds.
fn histogram(point: &Metric, span: Span) -> otlp::HistogramDataPoint {
    let counted = point.get_histogram();
    let mut below = 0;
    let mut bounds = Vec::new();
    let mut counts = Vec::new();
    for bucket in counted.get_bucket() {
        if bucket.upper_bound().is_finite() {
            bounds.push(bucket.upper_bound());
            counts.push(bucket.cumulative_count().saturating_sub(below));
            below = bucket.cumulative_count();
        }
    }
    counts.push(counted.get_sample_count().saturating_sub(below));
    otlp::HistogramDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: span.began,
        time_unix_nano: span.now,
        count: counted.get_sample_count(),
        sum: Some(counted.get_sample_sum()),
        bucket_counts: counts,
        explicit_bounds: bounds,
        ..Default::default()
    }
}

fn attributes(point: &Metric) -> Vec<KeyValue> {
    point.get_label().iter().map(|label| attribute(label.name(), label.value())).collect()
}

fn attribute(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), ..Default::default() }
}
