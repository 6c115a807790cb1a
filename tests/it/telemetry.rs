//! What goes to a collector: one trace from the gateway's door to the store, and what was counted. Nothing secret.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};
use turnpike_tests::Plane;

use crate::support::{client, grant, orders_api};

/// A collector that keeps what it is sent.
#[derive(Clone, Default)]
struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    metrics: Arc<Mutex<BTreeMap<String, Metric>>>,
    /// The processes that sent something, and everything that they sent as text.
    services: Arc<Mutex<Vec<String>>>,
    text: Arc<Mutex<String>>,
}

impl Collector {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .add_service(MetricsServiceServer::new(self.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    /// What `look` finds in what was sent, once it finds it.
    async fn wait<T>(&self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        for _ in 0..600 {
            if let Some(found) = look(self) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what} was not sent: {:?}", self.spans.lock().unwrap());
    }

    /// The spans from one up to the root of its trace, of which the first have these names, and one further up another.
    fn path(&self, first: &[&str], above: &str) -> Option<Vec<String>> {
        let spans = self.spans.lock().unwrap();
        let by_id: BTreeMap<&[u8], &Span> =
            spans.iter().map(|span| (span.span_id.as_slice(), span)).collect();
        spans.iter().filter(|span| span.name == first[0]).find_map(|span| {
            let mut names = vec![span.name.clone()];
            let mut at = span;
            while !at.parent_span_id.is_empty() {
                let parent = by_id.get(at.parent_span_id.as_slice())?;
                assert_eq!(parent.trace_id, at.trace_id);
                names.push(parent.name.clone());
                at = parent;
            }
            let fits = names.iter().zip(first).all(|(name, first)| name == first)
                && names.iter().skip(first.len()).any(|name| name == above);
            fits.then_some(names)
        })
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.text.lock().unwrap().push_str(&format!("{request:?}"));
        for of_process in request.into_inner().resource_spans {
            let resource = of_process.resource.unwrap();
            let name = resource.attributes.iter().find(|a| a.key == "service.name").unwrap();
            self.services.lock().unwrap().push(format!("{:?}", name.value));
            let spans = of_process.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.spans.lock().unwrap().extend(spans);
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.text.lock().unwrap().push_str(&format!("{request:?}"));
        let all = request.into_inner().resource_metrics.into_iter();
        let all = all.flat_map(|of_process| of_process.scope_metrics);
        let named = all.flat_map(|scope| scope.metrics).map(|metric| (metric.name.clone(), metric));
        self.metrics.lock().unwrap().extend(named);
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tokio::test]
async fn a_call_is_one_trace_from_the_door_to_the_store() {
    let collector = Collector::default();
    let address = collector.start().await;
    let config =
        format!("[otlp]\nendpoint = \"http://{address}\"\ntraced = 1.0\nmetrics_seconds = 1\n");
    let plane = Plane::start_with(&config).await;
    let (olga, pavel) = (plane.caller("olga").await, plane.caller("pavel").await);
    let (_, api_secret) = orders_api(&olga).await;
    let (shop, secret) = client(&pavel, "Partner shop").await;
    grant(&pavel, &olga, &shop, &["place-order"]).await;
    let http = plane.http();
    let token = http.token(&shop.client_id, &secret, "").await.access_token();

    let create = "turnpike.v1.ClientService/CreateClient";
    // What is announced to a pool is committed beside the log.
    let first = ["commit", "log"];
    let path = collector.wait("a commit of the log", |sent| sent.path(&first, create)).await;
    // Between the service and the door there may be another process.
    assert_eq!(path[2], create);
    assert_eq!(path.last().unwrap(), "POST");
    let issued = "oauth2/token";
    let path = collector.wait("the token request", |sent| sent.path(&[issued], "POST")).await;
    assert_eq!((path[0].as_str(), path.last().unwrap().as_str()), (issued, "POST"));
    let alone = |span: &Span| span.parent_span_id.is_empty() && span.name == "get";
    assert!(!collector.spans.lock().unwrap().iter().any(alone));

    let calls = "rpc_server_call_duration_seconds";
    let calls = collector.wait("a metric", |sent| sent.metrics.lock().unwrap().get(calls).cloned());
    let Some(Data::Histogram(calls)) = calls.await.data else { panic!("no histogram") };
    for point in &calls.data_points {
        assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    }

    let text = collector.text.lock().unwrap().clone();
    for secret in [&secret, &api_secret, &token] {
        assert!(!text.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn traces_are_sent_without_metrics() {
    let collector = Collector::default();
    let address = collector.start().await;
    let config =
        format!("[otlp]\nendpoint = \"http://{address}\"\ntraced = 1.0\nmetrics_seconds = 0\n");
    let plane = Plane::start_with(&config).await;
    orders_api(&plane.caller("olga").await).await;
    let create = "turnpike.v1.ResourceServerService/CreateResourceServer";
    collector.wait("a commit", |sent| sent.path(&["commit"], create)).await;
    assert!(collector.metrics.lock().unwrap().is_empty());
}
