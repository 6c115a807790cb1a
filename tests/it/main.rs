//! The end-to-end suite: one binary, one module a subject. Each test starts its own plane.

mod story;
mod support;
mod third_party;
