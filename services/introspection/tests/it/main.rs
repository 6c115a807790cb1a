//! The service over its router and its gRPC trait, with a real store: every MUST of RFC 7662 that
//! concerns it has a test that is named for it.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests stop where the set-up fails"
)]

mod callers;
mod grpc;
mod hostile;
mod load;
mod revoke_token;
mod staleness;
mod tokens;
mod watch;
mod world;
