//! What the OAuth endpoints share: how a request is read and refused, who its caller is, and how
//! tokens are decided on.
//!
//! - [`endpoint`] takes a form request in and an answer out, by the rules of RFC 6749 section 3.2
//!   and 5.
//! - [`credentials`] finds the caller's id and secret; [`secret_holders`] compares them in memory.
//! - [`throttle`] slows down who guesses; [`secret_uses`] notes which secrets are in use.
//! - [`token_policy`] lets the sdk's verifier ask the registry's policy; [`verifiers`] puts the two
//!   together.
//! - [`revocation`] ends a token.

pub mod credentials;
pub mod endpoint;
pub mod form;
pub mod refusal;
pub mod revocation;
pub mod secret_holders;
pub mod secret_uses;
pub mod throttle;
pub mod token_policy;
pub mod verifiers;

pub use credentials::Credentials;
pub use endpoint::{Answer, Asked, Endpoint, Peer};
pub use form::Form;
pub use refusal::Refusal;
pub use revocation::revoke;
pub use secret_holders::SecretHolders;
pub use secret_uses::SecretUses;
pub use throttle::{Buckets, Failures, TooManyFailures};
pub use token_policy::TokenPolicy;
pub use verifiers::TokenVerifiers;
