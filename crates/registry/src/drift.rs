//! Where the pool of the authorization server is not what the registry says: found by a walk through the
//! pool that changes nothing there, kept until a later walk no longer finds it.

pub(crate) mod compare;
mod finding;
mod walk;

pub use compare::FieldDrift;
pub use finding::{DriftKind, Finding, WalkState};
pub use walk::Walker;
