//! What the services of a process share, whether it has one of them or all.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use turnpike_domain::Error;
use turnpike_domain::authorization_server::AuthorizationServer;
use turnpike_domain::ports::Clock;
use turnpike_domain::url::HttpUrl;
use turnpike_proto::v1 as pb;
use turnpike_registry::{Bounds, Follower, Policy, Registry, Standing};
use turnpike_rpc::Gate;
use turnpike_rpc::assertion::AssertionVerifier;
use turnpike_rpc::authenticate::Authenticator;
use turnpike_rpc::limits::{InFlight, Limits, Rate};
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::oauth::verifiers::follow_keys;
use turnpike_rpc::oauth::{SecretHolders, SecretUses, TokenVerifiers};
use turnpike_rpc::page_token::PageTokens;
use turnpike_sdk::{KeySet, Keys};

use crate::backend::Issuing;
use crate::config::{CallLimits, Quotas};
use crate::readiness::Need;

/// A process that has not heard of the log's end for this long cannot reach the store.
const HEARD: Duration = Duration::from_secs(5);
/// How often callers are forgotten that have not called for a while, and refusals told that were only counted.
const TIDY_PAUSE: Duration = Duration::from_secs(60);

/// What the services of a process share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Core {
    /// Where others find the installation.
    pub public_url: HttpUrl,
    /// The registry.
    pub registry: Registry,
    /// Who issues tokens.
    pub authorization_server: Arc<dyn AuthorizationServer>,
    /// Where its key set is.
    pub jwks_uri: HttpUrl,
    /// All that decides about tokens, in memory.
    pub policy: Arc<Policy>,
    /// Its key set, as it publishes it.
    pub published_keys: watch::Receiver<Arc<str>>,
    /// Decide about tokens.
    pub verifiers: TokenVerifiers,
    /// Find callers by their secrets.
    pub secrets: SecretHolders,
    /// Note which secrets are in use.
    pub uses: SecretUses,
    /// Stands before every handler.
    pub gate: Gate,
    /// Counts.
    pub metrics: Metrics,
}

/// What [`Core`] is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where others find the installation.
    pub public_url: HttpUrl,
    /// How often callers may call.
    pub limits: CallLimits,
    /// How long the policy decides while it does not follow the log.
    pub bounds: Bounds,
    /// How much one team may have.
    pub quotas: Quotas,
}

impl Core {
    /// Reads what has to be in memory, and keeps it up as long as the process lives. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn start(
        settings: Settings,
        registry: Registry,
        issuing: Issuing,
        assertions: AssertionVerifier,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let Settings { public_url, limits, bounds, quotas } = settings;
        let Issuing { server: authorization_server, keys: published, jwks_uri, pool: _ } = issuing;
        let follower = Follower::start_within(registry.clone(), bounds).await?;
        let policy = follower.policy();
        registry.limit(quotas.into());
        tokio::spawn(follow(follower));

        let jwks = published.borrow().clone();
        let keys = Keys::new(KeySet::from_jwks(&jwks).map_err(Error::internal)?);
        tokio::spawn(follow_keys(published.clone(), keys.clone()));
        let issuer = authorization_server.issuer();
        let verifiers = TokenVerifiers::new(issuer, &keys, policy.clone(), clock)?;
        let uses = SecretUses::start(registry.clone());
        let secrets = SecretHolders::new(policy.clone(), uses.clone());
        let metrics = Metrics::new()?;
        metrics.show_policy(policy.clone())?;
        let decides = verifiers.decides().clone();
        let gate = Gate::new(
            Authenticator::new(assertions, decides, policy.clone(), secrets.clone())?,
            registry.clone(),
            PageTokens::new(&registry.system_key("page-tokens").await?)?,
            counting(limits),
            metrics.clone(),
        );
        tokio::spawn(tidy(gate.clone()));
        Ok(Self {
            public_url,
            registry,
            authorization_server,
            jwks_uri,
            policy,
            published_keys: published,
            verifiers,
            secrets,
            uses,
            gate,
            metrics,
        })
    }

    /// What the installation says of itself.
    pub fn deployment(&self) -> pb::Deployment {
        pb::Deployment {
            issuer: self.authorization_server.issuer().to_owned(),
            token_endpoint: self.public_url.join("/oauth2/token"),
            introspection_endpoint: self.public_url.join("/oauth2/introspect"),
            jwks_uri: self.jwks_uri.as_str().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// The store answers: for services that read it at each call.
    pub fn needs_store(&self) -> Need {
        needs_store(self.policy.clone())
    }

    /// The policy may decide: for services that answer from memory. They go on while the store does not answer, and
    /// not for longer than the configuration says.
    pub fn needs_policy(&self) -> Need {
        needs_policy(self.policy.clone())
    }

    /// Ends grants whose time has come and forgets what need not be kept, as long as the process lives. Any number of
    /// processes may do so at once. Needs a tokio runtime.
    pub fn sweep(&self) {
        tokio::spawn(sweep(self.registry.clone()));
    }
}

fn needs_store(policy: Arc<Policy>) -> Need {
    Need::always("store", move || {
        let Standing { age, failing, .. } = policy.standing();
        failing.is_none() && age < HEARD
    })
}

fn needs_policy(policy: Arc<Policy>) -> Need {
    Need::always("policy", move || !policy.is_stale())
}

fn counting(limits: CallLimits) -> Limits {
    let CallLimits {
        reads_per_second,
        changes_per_second,
        reads_in_flight: reads,
        changes_in_flight: changes,
        exports_in_flight: exports,
        watches_in_flight: watches,
        refusals_per_minute,
    } = limits;
    let bounds = InFlight { reads, changes, exports, watches };
    Limits::new(rate(reads_per_second), rate(changes_per_second))
        .in_flight(bounds)
        .refusals_per_minute(refusals_per_minute)
}

/// A rate with two seconds' worth at once.
pub const fn rate(per_second: NonZeroU32) -> Rate {
    Rate { per_second, burst: per_second.saturating_mul(NonZeroU32::MIN.saturating_add(1)) }
}

async fn follow(follower: Follower) {
    let ended = tokio::spawn(follower.run()).await;
    // It never ends by itself. A process whose policy no longer follows the log would take revoked tokens for good
    // ones, so it does not live on.
    tracing::error!(panicked = ended.is_err(), "policy.follower_ended");
    std::process::exit(70);
}

async fn tidy(gate: Gate) {
    loop {
        tokio::time::sleep(TIDY_PAUSE).await;
        gate.tidy().await;
    }
}

async fn sweep(registry: Registry) {
    loop {
        match registry.sweep().await {
            // There may be more: a sweep ends a bounded number of things.
            Ok(done) if done > 0 => tokio::task::yield_now().await,
            Ok(_) => tokio::time::sleep(Duration::from_secs(1)).await,
            Err(error) => {
                tracing::warn!(error = turnpike_rpc::status::causes(&error), "sweep.failed");
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;
    use turnpike_store_sqlite::SqliteStore;
    use turnpike_testkit::clock::{SeededEntropy, TestClock};
    use turnpike_testkit::registered::Registered;
    use turnpike_testkit::store::FlakyStore;

    use super::*;
    use crate::ops;
    use crate::readiness::Readiness;
    use crate::server::Drain;

    async fn get(router: &Router, path: &str) -> (u16, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_policy_that_does_not_follow_is_not_ready_and_shown() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("t.db")).unwrap();
        let store = Arc::new(FlakyStore::new(store));
        let (clock, entropy) = (Arc::new(TestClock::default()), Arc::new(SeededEntropy::new(1)));
        let registry = Registry::open(store.clone(), clock, entropy).await.unwrap();
        let bounds =
            Bounds { behind: Duration::from_millis(50), unheard: Duration::from_secs(3600) };
        let follower = Follower::start_within(registry.clone(), bounds).await.unwrap();
        let policy = follower.policy();
        let metrics = Metrics::new().unwrap();
        metrics.show_policy(policy.clone()).unwrap();
        let needs = vec![needs_store(policy.clone()), needs_policy(policy)];
        let router = ops::router(Readiness::new(Drain::new(), needs), metrics);
        assert_eq!(get(&router, "/readyz").await, (200, "ready\n".to_owned()));

        store.set_down(true);
        follower.catch_up().await.unwrap_err();
        let answer = (503, "not ready\nlacks: store\n".to_owned());
        assert_eq!(get(&router, "/readyz").await, answer);
        assert_eq!(get(&router, "/healthz").await, (200, "ok\n".to_owned()));
        store.set_down(false);
        follower.catch_up().await.unwrap();
        assert_eq!(get(&router, "/readyz").await.0, 200);

        // The store answers, and nobody follows: the change is answered when the policy no longer decides.
        Registered::new(registry).client("c1", &[]).await;
        let answer = (503, "not ready\nlacks: policy\n".to_owned());
        assert_eq!(get(&router, "/readyz").await, answer);
        let (_, text) = get(&router, "/metrics").await;
        for line in [
            "turnpike_policy_applied_sequence 0",
            "turnpike_policy_known_sequence 1",
            "turnpike_policy_stale 1",
        ] {
            assert!(text.lines().any(|given| given == line), "{line}: {text}");
        }
        let lag = text.lines().find_map(|line| line.strip_prefix("turnpike_policy_lag_seconds "));
        assert!(lag.unwrap().parse::<f64>().unwrap() >= 0.05);

        follower.catch_up().await.unwrap();
        assert_eq!(get(&router, "/readyz").await.0, 200);
    }
}
