//! The token endpoint: the service called in this process, and everything over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::HeaderValue;
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use turnpike_domain::authorization_server::AuthorizationServer;
use turnpike_domain::url::HttpUrl;
use turnpike_issuer_embedded::Algorithm;
use turnpike_registry::Follower;
use turnpike_rpc::limits::Rate;
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::{SecretUses, TokenVerifiers};
use turnpike_runtime::clock::SystemClock;
use turnpike_sdk::{KeySet, Keys};
use turnpike_tokens::{IssuedBy, Tokens};

use crate::Failure;
use crate::floor::Signer;
use crate::http1::{self, Form, Forms, basic};
use crate::load;
use crate::measure::{Beside, Repeated, in_turn};
use crate::plane::{ISSUER, Plane, issuer, registry};
use crate::report::{Budget, Row};
use crate::serve::{FAST, Server};
use crate::subject::{Settings, Subject, runtime};

const RS256: &str = "token endpoint, RS256";
const ES256: &str = "token endpoint, ES256";
const ES256_TO_RS256: &str = "token endpoint, ES256 beside RS256";
const RS256_HTTP: &str = "token endpoint, RS256, turnpike up over HTTP";

pub(crate) const IN_PROCESS: Subject = Subject {
    title: "the token endpoint",
    names: &[RS256, ES256, ES256_TO_RS256],
    measure: in_process,
};

pub(crate) const OVER_HTTP: Subject =
    Subject { title: "the token endpoint over HTTP", names: &[RS256_HTTP], measure: over_http };

/// Clients that take turns: each may get a thousand tokens a second.
const CLIENTS: usize = 32;
/// How long it takes to write down that each client's secret was used, which is done at most once a minute.
const NOTED: Duration = Duration::from_secs(1);
/// Signatures for one request of the floor, so that the request itself does not count.
const SIGNATURES: u32 = 25;

fn in_process(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let (rs256, es256) = (Service::new(Algorithm::Rs256)?, Service::new(Algorithm::Es256)?);
    let (raw_rs256, raw_es256) = (Signer::rs256()?, Signer::es256()?);
    let span = settings.span;
    let mut raw_rs256 = Repeated::new(span, || raw_rs256.sign())?;
    let mut raw_es256 = Repeated::new(span, || raw_es256.sign())?;
    let mut rs256 = Repeated::new(span, || rs256.token())?;
    let mut es256 = Repeated::new(span, || es256.token())?;
    let [raw_rs256, rs256, raw_es256, es256] = in_turn(
        settings.rounds,
        [
            &mut || raw_rs256.micros(),
            &mut || rs256.micros(),
            &mut || raw_es256.micros(),
            &mut || es256.micros(),
        ],
    )?;
    let row = |subject, floor: &[f64], figure: &[f64], most| {
        let budget = Some(Budget::RatioAtMost(most));
        Row::new(subject, "us CPU", Beside::new(floor, figure), budget)
    };
    Ok(vec![
        row(RS256, &raw_rs256, &rs256, 1.3),
        row(ES256, &raw_es256, &es256, 3.0),
        row(ES256_TO_RS256, &rs256, &es256, 0.2),
    ])
}

/// The service over a registry of its own, called as a router.
struct Service {
    runtime: Runtime,
    router: Router,
    forms: Forms,
    _plane: Plane,
}

impl Service {
    fn new(algorithm: Algorithm) -> Result<Self, Failure> {
        let plane = Plane::new(algorithm, CLIENTS, 0)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let router = runtime.block_on(open(&plane, algorithm))?;
        let this = Self { runtime, router, forms: forms(&plane)?, _plane: plane };
        for _ in 0..CLIENTS {
            this.token()?;
        }
        this.runtime.block_on(async { tokio::time::sleep(NOTED).await });
        Ok(this)
    }

    fn token(&self) -> Result<(), Failure> {
        let request = self.forms.next().request::<Body>("issuer.bench.invalid")?;
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            self.forms.check(status, &body)
        })
    }
}

/// As `turnpike up` puts it together.
async fn open(plane: &Plane, algorithm: Algorithm) -> Result<Router, Failure> {
    let registry = registry(plane.data()).await?;
    let server: Arc<dyn AuthorizationServer> = Arc::new(issuer(&registry, algorithm).await?);
    let follower = Follower::start(registry.clone()).await?;
    let keys = Keys::new(KeySet::from_jwks(&server.keys().await?.jwks)?);
    let clock = Arc::new(SystemClock);
    let verifiers = TokenVerifiers::new(ISSUER, &keys, follower.policy(), clock)?;
    tokio::spawn(follower.run());
    let settings = turnpike_tokens::Settings {
        base_url: HttpUrl::parse(ISSUER)?,
        jwks_uri: HttpUrl::parse(&format!("{ISSUER}/.well-known/jwks.json"))?,
        rate: Rate { per_second: FAST, burst: FAST },
    };
    let uses = SecretUses::start(registry.clone());
    let (issued_by, metrics) = (IssuedBy::Server(server), Metrics::new()?);
    let tokens = Tokens::new(settings, registry, issued_by, verifiers, uses, metrics)?;
    Ok(turnpike_tokens::router(tokens))
}

fn forms(plane: &Plane) -> Result<Forms, Failure> {
    let form = |client: &crate::plane::Secret| {
        let authorization = basic(&client.id, &client.value)?;
        let body = Bytes::from_static(b"grant_type=client_credentials");
        Ok(Form { path: "/oauth2/token".to_owned(), authorization, body })
    };
    let forms: Result<Vec<Form>, Failure> = plane.clients.iter().map(form).collect();
    Ok(Forms::new(forms?, r#""access_token":""#))
}

fn over_http(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let plane = Plane::new(Algorithm::Rs256, CLIENTS, 0)?;
    let (floor, up) = (Server::floor()?, Server::up(plane.data())?);
    let (path, authorization) = (format!("/sign/{SIGNATURES}"), HeaderValue::from_static(""));
    let sign = Forms::new(vec![Form { path, authorization, body: Bytes::new() }], "");
    let tokens = forms(&plane)?;
    let runtime = runtime()?;
    let sample = |server: &Server, forms: &Forms| {
        runtime.block_on(async {
            let callers = http1::connect(server.listening.http, forms).await?;
            load::sample(server.id(), callers, settings.load).await
        })
    };
    let [floor, figure] = in_turn(
        settings.rounds,
        [&mut || Ok(sample(&floor, &sign)?.cpu / f64::from(SIGNATURES)), &mut || {
            Ok(sample(&up, &tokens)?.cpu)
        }],
    )?;
    let beside = Beside::new(&floor, &figure);
    Ok(vec![Row::new(RS256_HTTP, "us CPU", beside, Some(Budget::RatioAtMost(1.3)))])
}
