//! The registry over a real store: the log, commits, lists, what follows the log, and what time does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

mod announcements;
mod commits;
mod cutting;
mod drift;
mod ending;
mod following;
mod lag;
mod learning;
mod lists;
mod log;
mod mirrored;
mod outbox;
mod plane;
mod policy;
mod quotas;
mod requests;
mod sessions;
mod sweep;
mod system_keys;
mod teams;
