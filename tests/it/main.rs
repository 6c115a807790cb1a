//! The end-to-end suite: one binary, one module a subject. Each test starts its own plane.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; helpers of tests too"
)]

#[cfg(feature = "aws")]
mod agreement;
mod audit;
mod authz;
mod boundary;
mod browser;
mod crash;
#[cfg(feature = "aws")]
mod crash_matrix;
mod demo;
#[cfg(feature = "aws")]
mod deployed;
mod endpoints;
mod examples;
mod feed;
mod frames;
#[cfg(feature = "aws")]
mod import;
mod languages;
mod links;
mod metrics;
#[cfg(feature = "aws")]
mod outage;
mod portal;
#[cfg(feature = "aws")]
mod replicas;
mod staff_login;
mod story;
mod support;
mod telemetry;
mod third_party;
#[cfg(feature = "aws")]
mod tls;
