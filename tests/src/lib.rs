//! The harness of the end-to-end tests: a whole plane a test, real processes, real sockets.
//!
//! [`Plane::start`] runs the built binaries in the set-up that `TURNPIKE_TEST_SETUP` names: one process over SQLite, one
//! over DynamoDB as an emulator plays it, or separate processes over the same.
//! [`Plane::sign_in`] opens a session as the portal does; [`Caller`] calls RPCs with it over native gRPC.
//! [`OrdersApi`] and [`PartnerApp`] run the examples beside it. `src/bin/demo.rs` plays the story with all of them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a harness that cannot go on fails the test"
)]

mod authority;
mod browser;
mod cognito;
mod directory;
mod door;
mod http;
mod language;
mod plane;
mod ports;
mod process;
mod program;
mod raw;
mod report;
mod session;
mod setup;
mod split;

pub use authority::Authority;
pub use browser::{Browser, Page, join};
pub use cognito::Cognito;
pub use directory::{CLIENT_ID, Directory, TENANT};
pub use door::{Door, Way};
pub use http::{Answer, Http};
pub use language::{Language, Trust};
pub use plane::{Plane, bin};
pub use process::command;
pub use program::{Ended, OrdersApi, PartnerApp};
pub use report::report;
pub use session::{Caller, Session};
pub use setup::{Setup, emulator_url};
