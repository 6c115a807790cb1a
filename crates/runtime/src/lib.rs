//! Configuration, telemetry, server, shutdown and the choice of backends: what every process of Turnpike does alike, and
//! the only crate that sees both sides of a seam.

pub mod args;
pub mod backend;
mod calls;
pub mod clock;
pub mod config;
pub mod core;
pub mod entropy;
pub mod grpc;
pub mod ops;
pub mod peer;
pub mod pool;
pub mod program;
pub mod readiness;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod start;
pub mod telemetry;
pub mod tls;
pub mod trace;

pub use crate::core::Core;
pub use crate::grpc::Grpc;
pub use crate::service::Parts;
