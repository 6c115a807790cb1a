//! Introspection: over gRPC, and over HTTP/1.1 as RFC 7662 has it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Runtime;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use turnpike_issuer_embedded::Algorithm;
use turnpike_proto::v1 as pb;
use turnpike_proto::v1::introspection_service_client::IntrospectionServiceClient;

use crate::Failure;
use crate::http1::{self, Form, Forms, basic};
use crate::load::{self, CONNECTIONS, Caller, IN_FLIGHT, Sample};
use crate::measure::{Beside, in_turn};
use crate::plane::Plane;
use crate::report::{Budget, Row};
use crate::serve::Server;
use crate::subject::{Settings, Subject, runtime};

const CACHED: &str = "introspection, gRPC, cached";
const CACHED_RATE: &str = "introspection, gRPC, cached, throughput";
const CACHED_P99: &str = "introspection, gRPC, cached, p99";
const COLD: &str = "introspection, gRPC, cold";
const UP: &str = "introspection, gRPC, cached, turnpike up";
const HTTP_CACHED: &str = "introspection, HTTP/1.1, cached";
const HTTP_UP: &str = "introspection, HTTP/1.1, cached, turnpike up";

pub(crate) const GRPC: Subject = Subject {
    title: "introspection over gRPC",
    names: &[CACHED, CACHED_RATE, CACHED_P99, COLD, UP],
    measure: grpc,
};

pub(crate) const HTTP: Subject =
    Subject { title: "introspection over HTTP", names: &[HTTP_CACHED, HTTP_UP], measure: http };

/// Tokens that are known after they were sent once: by each caller, before the sample begins.
const WARM_TOKENS: usize = CONNECTIONS * IN_FLIGHT;

fn grpc(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let servers = Servers::start(settings.cold_tokens)?;
    let Servers { plane, runtime, floor, service, up } = &servers;
    // In a process of its own: what is remembered and forgotten all the time leaves holes in memory.
    let forgetful = Server::introspection(&plane.copy("cold")?)?;
    let cold = Asked::new(plane, &plane.tokens)?;
    let warm = Asked::new(plane, plane.tokens.get(..WARM_TOKENS).unwrap_or(&plane.tokens))?;
    let sample = |server: &Server, asked: &Asked| {
        runtime.block_on(async {
            let callers = connect(server.listening.grpc, asked).await?;
            load::sample(server.id(), callers, settings.load).await
        })
    };
    let [floor, cached, up, cold] = in_turn(
        settings.rounds,
        [
            &mut || sample(floor, &warm),
            &mut || sample(service, &warm),
            &mut || sample(up, &warm),
            &mut || sample(&forgetful, &cold),
        ],
    )?;
    Ok(vec![
        row(CACHED, CPU, &floor, &cached, Some(Budget::RatioAtMost(1.15))),
        row(CACHED_RATE, RATE, &floor, &cached, Some(Budget::RatioAtLeast(0.9))),
        row(CACHED_P99, P99, &floor, &cached, Some(Budget::RatioAtMost(1.2))),
        row(COLD, CPU, &floor, &cold, Some(Budget::RatioAtMost(2.5))),
        row(UP, CPU, &floor, &up, None),
    ])
}

fn http(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let servers = Servers::start(WARM_TOKENS)?;
    let Servers { plane, runtime, floor, service, up } = &servers;
    let fixed = forms(plane, "/introspect")?;
    let asked = forms(plane, "/oauth2/introspect")?;
    let sample = |server: &Server, forms: &Forms| {
        runtime.block_on(async {
            let callers = http1::connect(server.listening.http, forms).await?;
            load::sample(server.id(), callers, settings.load).await
        })
    };
    let [floor, cached, up] = in_turn(
        settings.rounds,
        [&mut || sample(floor, &fixed), &mut || sample(service, &asked), &mut || {
            sample(up, &asked)
        }],
    )?;
    Ok(vec![
        row(HTTP_CACHED, CPU, &floor, &cached, Some(Budget::RatioAtMost(1.15))),
        row(HTTP_UP, CPU, &floor, &up, None),
    ])
}

/// What a row is of: its unit, and the part of a sample.
type Of = (&'static str, fn(&Sample) -> f64);
const CPU: Of = ("us CPU", |sample| sample.cpu);
const RATE: Of = ("requests/s", |sample| sample.rate);
const P99: Of = ("us", |sample| sample.p99);

fn row(
    subject: &'static str,
    (unit, part): Of,
    floor: &[Sample],
    figure: &[Sample],
    budget: Option<Budget>,
) -> Row {
    let of = |samples: &[Sample]| samples.iter().map(part).collect::<Vec<_>>();
    Row::new(subject, unit, Beside::new(&of(floor), &of(figure)), budget)
}

/// The servers: the real ones have a copy of the data each.
struct Servers {
    floor: Server,
    service: Server,
    up: Server,
    runtime: Runtime,
    plane: Plane,
}

impl Servers {
    fn start(tokens: usize) -> Result<Self, Failure> {
        let plane = Plane::new(Algorithm::Rs256, 1, tokens)?;
        Ok(Self {
            floor: Server::floor()?,
            service: Server::introspection(&plane.copy("introspection")?)?,
            up: Server::up(&plane.copy("up")?)?,
            runtime: runtime()?,
            plane,
        })
    }
}

fn forms(plane: &Plane, path: &str) -> Result<Forms, Failure> {
    let authorization = basic(&plane.server.id, &plane.server.value)?;
    let form = |token: &String| Form {
        path: path.to_owned(),
        authorization: authorization.clone(),
        body: format!("token={token}").into(),
    };
    Ok(Forms::new(plane.tokens.iter().map(form).collect(), r#""active":true"#))
}

/// What is asked, by all callers together: about these tokens in turn.
#[derive(Clone)]
struct Asked {
    authorization: MetadataValue<Ascii>,
    tokens: Arc<[String]>,
    next: Arc<AtomicUsize>,
}

impl Asked {
    fn new(plane: &Plane, tokens: &[String]) -> Result<Self, Failure> {
        let authorization = basic(&plane.server.id, &plane.server.value)?.to_str()?.parse()?;
        Ok(Self { authorization, tokens: tokens.into(), next: Arc::default() })
    }

    fn next(&self) -> Request<pb::IntrospectRequest> {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.tokens.len();
        let mut request = Request::new(pb::IntrospectRequest { token: self.tokens[at].clone() });
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request
    }
}

struct Call {
    client: IntrospectionServiceClient<Channel>,
    asked: Asked,
}

async fn connect(address: SocketAddr, asked: &Asked) -> Result<Vec<Call>, Failure> {
    let mut calls = Vec::new();
    for _ in 0..CONNECTIONS {
        let endpoint = Endpoint::try_from(format!("http://{address}"))?.tcp_nodelay(true);
        let client = IntrospectionServiceClient::new(endpoint.connect().await?);
        let call = || Call { client: client.clone(), asked: asked.clone() };
        calls.extend(std::iter::repeat_with(call).take(IN_FLIGHT));
    }
    Ok(calls)
}

impl Caller for Call {
    async fn call(&mut self) -> Result<(), Failure> {
        let answer = self.client.introspect(self.asked.next()).await?;
        if answer.get_ref().active { Ok(()) } else { Err("a good token was refused".into()) }
    }
}
