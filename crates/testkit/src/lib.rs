//! Conformance suites, fakes and a clock for tests.

pub mod authorization_server;
pub mod clock;
pub mod memory_pool;
pub mod ministack;
pub mod pool;
pub mod registered;
pub mod store;
pub mod teams;
