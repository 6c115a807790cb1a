//! The side of both authorization-server seams that is Cognito, over a strict fake of it.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests stop where the set-up fails"
)]

mod faults;
mod issue;
mod keys;
mod live;
mod ministack;
mod pool;
mod rates;
mod world;
