//! Configuration of a program: defaults, then a file, then the environment, then flags. Each program declares its
//! own sections; those that several have are here. Unknown keys are refused, and so is what does not go together.
//!
//! | from | looks like |
//! | --- | --- |
//! | a file in TOML | `[server]` / `listen = "127.0.0.1:8080"` |
//! | the environment | `TURNPIKE_SERVER__LISTEN=127.0.0.1:8080` |
//! | a flag | `--set server.listen=127.0.0.1:8080` |
//!
//! Every key has a default and stands in `--dump-config`. A text that is not set is the empty text.

mod authorization_server;
mod broker;
mod environment;
mod error;
mod kind;
mod limits;
mod load;
mod log;
mod oidc;
mod otlp;
mod people;
mod policy;
mod quotas;
mod server;
mod sessions;
mod store;
mod tls;
mod values;

pub use authorization_server::{
    Algorithm, AuthorizationServer, Budgets, Cognito, Embedded, Secrets,
};
pub use broker::Broker;
pub use error::Error;
pub use limits::{CallLimits, Limits, TokenLimits};
pub use load::{Configuration, Sources, dump, load};
pub use log::{Log, LogFormat};
pub use oidc::{ClientAuth, Graph, Hidden, IdTokenAlgorithm, Oidc, Profile};
pub use otlp::Otlp;
pub use people::{Persona, Role, Team, check_people, check_personas, provided_teams};
pub use policy::Policy;
pub use quotas::Quotas;
pub use server::Server;
pub use sessions::Sessions;
pub use store::{DynamoDb, Sqlite, Store};
pub use tls::{ClientTls, ServerTls};
pub use values::{check_url, optional_url};
