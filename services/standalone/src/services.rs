//! The services of the process, each behind the name by which the gateway finds it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tonic::service::Routes;
use turnpike_domain::id::TeamId;
use turnpike_gateway::GatewayConfig;
use turnpike_issuer_embedded::{Algorithm, EmbeddedIssuer, Settings};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Follower, Registry};
use turnpike_rpc::assertion::AssertionVerifier;
use turnpike_rpc::authenticate::Authenticator;
use turnpike_rpc::limits::{Limits, Rate};
use turnpike_rpc::metrics::Metrics;
use turnpike_rpc::page_token::PageTokens;
use turnpike_rpc::session::{self, TeamName};
use turnpike_rpc::Gate;
use turnpike_runtime::config::{self, Config};

use crate::{StartError, background, keys, ops, setting};

/// What the gateway routes to.
pub(crate) struct Parts {
    /// gRPC services by their full names.
    pub(crate) grpc: Vec<(String, Routes)>,
    /// Plain HTTP: OAuth, metadata, health, metrics.
    pub(crate) http: Router,
}
