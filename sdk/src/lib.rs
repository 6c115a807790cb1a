//! What resource servers and clients link: verifier, layers, token source.

mod base64url;
mod cache;
mod claims;
mod clock;
mod header;
mod json;
mod key;
mod keys;
mod policy;
mod refusal;
pub mod require;
mod scope;
#[cfg(feature = "test-util")]
pub mod test_util;
mod trace;
mod verdict;
mod verifier;

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
pub use crate::verifier::{BuildError, Builder, Verifier};
