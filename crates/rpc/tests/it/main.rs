//! The gate over a real registry: who gets in, how many at a time, and what the log says of refusals.
#![expect(clippy::unwrap_used, reason = "helpers of tests stop where the set-up fails")]

mod in_flight;
mod refusals;
mod world;
