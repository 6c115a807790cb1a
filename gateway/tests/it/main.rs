//! The gateway over real connections: a listener on 127.0.0.1, callers that speak HTTP/1.1 and HTTP/2 by
//! hand, and services that misbehave on request.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod browser;
mod calls;
mod client;
mod directory;
mod failures;
mod harness;
mod http;
mod log;
mod oidc;
mod oidc_sessions;
mod pressure;
mod requests;
mod service;
mod serving;
mod sessions;
mod sign_in;
mod upstreams;
