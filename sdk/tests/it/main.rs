//! The sdk's tests through its public interface; one file per subject.
#![expect(clippy::expect_used, reason = "helpers of tests stop where the set-up fails")]

mod client;
mod hostile;
mod introspection;
mod jwks;
mod keys;
mod layers;
mod policy;
mod properties;
mod setup;
mod verifier;
