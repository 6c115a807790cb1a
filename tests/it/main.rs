//! The end-to-end suite: one binary, one module a subject. Each test starts its own plane.

mod audit;
mod authz;
mod boundary;
mod crash;
mod endpoints;
mod frames;
mod story;
mod support;
mod third_party;
