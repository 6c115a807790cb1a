//! The side of both authorization-server seams that is Cognito, over a strict fake of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop where the set-up fails")]

mod issue;
mod pool;
mod world;
