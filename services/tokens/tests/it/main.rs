//! The service over its router, with a real store: every MUST of RFC 6749 sections 2.3, 3.2, 4.4
//! and 5, of RFC 7009 and of RFC 8414 that concerns it has a test that is named for it.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests stop where the set-up fails"
)]

mod authentication;
mod broker;
mod metadata;
mod paid;
mod requests;
mod revocation;
mod throttling;
mod tokens;
mod world;
