//! Benchmarks, each beside its floor.
fn main() {}
