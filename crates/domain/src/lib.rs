//! Types, rules, authorization and errors of Turnpike: pure.
//!
//! What a value may be is decided in the constructors here and nowhere else: a value that exists is a
//! value that is right. Nothing in this crate knows of a wire format, a store or a runtime.

pub mod actor;
pub mod authorization_server;
pub mod authz;
pub mod client;
pub mod error;
pub mod event;
pub mod grant;
pub mod holding;
pub mod id;
pub mod impact;
pub mod ports;
pub mod resource_server;
pub mod scope;
pub mod secret;
pub mod session;
pub mod team;
pub mod text;
pub mod time;
pub mod url;

pub use actor::{Actor, Principal, PrincipalKind};
pub use client::Client;
pub use error::{Error, Problem, Violations};
pub use grant::Grant;
pub use resource_server::ResourceServer;
pub use scope::{Identifier, Scope, ScopeName};
pub use team::Team;
pub use time::Timestamp;
