//! Conformance suites, fakes and a clock for tests.

pub mod store;
