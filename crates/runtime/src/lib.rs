//! Configuration, telemetry, shutdown and the choice of backends: the only crate that sees both sides of a
//! seam.

pub mod backend;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod shutdown;
pub mod telemetry;
