#![doc = include_str!("../README.md")]

#[cfg(feature = "axum")]
pub mod axum;
mod base64url;
#[cfg(any(feature = "client", feature = "feed", feature = "introspection"))]
mod basic;
pub mod bearer;
mod builder;
mod cache;
mod claims;
#[cfg(feature = "client")]
pub mod client;
mod clock;
#[cfg(feature = "__connect")]
mod connect;
#[cfg(feature = "feed")]
pub mod feed;
#[cfg(feature = "__fetch")]
mod fetch;
mod header;
#[cfg(feature = "introspection")]
pub mod introspection;
mod json;
#[cfg(feature = "jwks")]
pub mod jwks;
mod key;
mod keys;
#[cfg(feature = "__layer")]
mod layer;
mod policy;
mod refusal;
pub mod require;
mod scope;
#[cfg(feature = "test-util")]
pub mod test_util;
#[cfg(feature = "tonic")]
pub mod tonic;
mod trace;
mod verdict;
mod verifier;

pub use crate::builder::{BuildError, Builder};
pub use crate::cache::VerdictCache;
pub use crate::claims::Claims;
pub use crate::clock::{Clock, SystemClock};
pub use crate::key::{Algorithm, Unusable};
pub use crate::keys::{KeySet, Keys, NotAKeySet, SkippedKey};
pub use crate::policy::{GrantState, NoPolicy, Policy, PolicyRefusal, TokenFacts};
pub use crate::refusal::{Answer, Refusal};
pub use crate::require::Require;
pub use crate::trace::{Check, Outcome, Trace};
pub use crate::verdict::Verified;
pub use crate::verifier::Verifier;
