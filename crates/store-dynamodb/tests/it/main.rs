//! The DynamoDB side of the store seam, over an emulator: the contract, faults on the way, the table.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod contract;
mod deployed;
mod faults;
mod reads;
mod registry;
mod support;
mod table;
mod wire;
