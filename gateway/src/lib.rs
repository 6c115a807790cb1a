//! The door of a Turnpike: gRPC-web, staff sessions, the portal's files, and the way to the services.
//!
//! A browser never holds a token: it has a sealed session cookie, and the gateway tells the service, call
//! by call, in a signed assertion, who is calling. Programs and resource servers are not authenticated
//! here: their `authorization` metadata goes on to the service, which verifies it itself.
//!
//! ```text
//! edge (id, names, panics, access log)
//!   /login, /logout                     sign_in
//!   /<service>/<method>                 grpc: content type > gRPC-web > caller > deadline > forward > guard
//!   /oauth2/*, /.well-known/*, ...      routes that services bring along
//!   everything else                     portal: files, the page, UNIMPLEMENTED, 404
//! ```

mod assets;
mod checked;
mod config;
mod content_type;
mod context;
mod csrf;
mod deadline;
mod edge;
#[cfg(test)]
mod fakes;
mod forward;
mod frames;
mod gateway;
mod grpc;
mod guard;
mod headers;
mod host;
pub mod links;
mod login;
mod oidc;
mod origin;
mod pages;
mod person;
mod portal;
pub mod process;
mod rules;
mod seal;
mod serve;
mod session;
mod sign_in;
mod upstream;

pub use assets::Assets;
pub use config::{CallSettings, GatewayConfig, Persona, SessionSettings};
pub use gateway::{BuildError, Builder, Gateway};
pub use login::{IssueError, LoginLink, LoginLinks};
pub use oidc::{ClientAuth, Graph, OidcClientSecret, OidcSettings, PrivateKey, Profile, RoleRule};
pub use origin::{NotAnOrigin, Origin};
pub use seal::{SealKey, SealKeys};
pub use serve::ServeError;
pub use upstream::{NoReplica, NotATarget, Replicas, Target};
