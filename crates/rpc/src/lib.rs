//! The edge: authentication, method table, one wrapper around every handler.
//!
//! A call passes the [`gate::Gate`]: it finds the caller ([`authenticate`]), looks up the method's row
//! ([`methods`]), admits or refuses, runs the handler with an [`op::Op`], maps the error ([`status`]),
//! counts, and records a refused change in the log.

pub mod assertion;
pub mod authenticate;
pub mod convert;
pub mod deadline;
pub mod gate;
pub mod limits;
pub mod methods;
pub mod metrics;
pub mod oauth;
pub mod once;
pub mod op;
pub mod page_token;
pub mod peer;
pub mod pool_metrics;
pub mod refusal;
mod refusal_log;
pub mod status;

pub use gate::Gate;
pub use op::Op;
