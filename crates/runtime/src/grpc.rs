//! gRPC services of a process, each a router of its own behind its name.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::IntoResponse;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower::Service;
use turnpike_domain::Error;

use crate::readiness::Readiness;
use crate::server::Phase;
use crate::trace;

/// How often the health service looks whether the process is ready.
const HEALTH_PAUSE: Duration = Duration::from_secs(1);

/// gRPC services by their full names, such as `turnpike.v1.ClientService`.
#[derive(Clone, Debug, Default)]
pub struct Grpc(Vec<(String, Routes)>);

impl Grpc {
    /// Adds a service.
    #[must_use]
    pub fn with<S>(mut self, server: S) -> Self
    where
        S: Service<http::Request<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: IntoResponse,
        S::Future: Send + 'static,
    {
        self.0.push((S::NAME.to_owned(), Routes::new(server)));
        self
    }

    /// Adds the services of another part of the process.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Adds `grpc.health.v1`, which says of the process and of each service what `readiness` says, and both versions
    /// of reflection. `also` are services that others answer for.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if a descriptor is damaged, which a test would find.
    pub async fn with_health_and_reflection(
        self,
        readiness: Readiness,
        also: impl IntoIterator<Item = String>,
    ) -> Result<Self, Error> {
        let (reporter, health) = tonic_health::server::health_reporter();
        let mut names: Vec<String> = self.0.iter().map(|(name, _)| name.clone()).collect();
        names.extend(also);
        // The empty name is the whole process.
        names.push(String::new());
        let health_of = Health { reporter, names, readiness };
        let told = health_of.tell().await;
        tokio::spawn(health_of.keep(told));
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(turnpike_proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                // The details of refusals, which travel as `Any`.
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        };
        Ok(self
            .with(health)
            .with(reflection().build_v1().map_err(Error::internal)?)
            .with(reflection().build_v1alpha().map_err(Error::internal)?))
    }

    /// The services with their names.
    pub fn into_services(self) -> Vec<(String, Routes)> {
        let followed = |routes: Routes| match trace::wanted() {
            true => Routes::from(trace::followed(routes.into_axum_router())),
            false => routes,
        };
        self.0.into_iter().map(|(name, routes)| (name, followed(routes))).collect()
    }
}

/// What `grpc.health.v1` is told.
struct Health {
    reporter: HealthReporter,
    names: Vec<String>,
    readiness: Readiness,
}

impl Health {
    /// Tells it, and says what.
    async fn tell(&self) -> bool {
        let ready = self.readiness.state().ready;
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in &self.names {
            self.reporter.set_service_status(name, status).await;
        }
        ready
    }

    /// Tells it whenever it changes: at once when the process leaves, else within a second.
    async fn keep(self, mut told: bool) {
        loop {
            let leaving = self.readiness.drain().reached(Phase::Leaving);
            tokio::select! {
                () = leaving, if told => {}
                () = tokio::time::sleep(HEALTH_PAUSE) => {}
            }
            if self.readiness.state().ready != told {
                told = self.tell().await;
            }
        }
    }
}
