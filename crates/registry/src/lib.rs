//! Records, keys and codecs over the store seam; the log.
//!
//! [`Registry`] is what services hold. Reads come straight from the [`store`]; a [`Change`] goes through
//! one queue per process, which puts it in order, chains its events to the log, and merges those that
//! wait into one commit ([`Registry::transact`]).

mod assertion_key;
mod built_in;
mod chain;
mod change;
mod commit;
mod cutting;
mod drift;
mod ending;
mod event;
pub mod fault;
mod following;
mod hash;
mod keys;
mod list;
mod log;
mod merge;
mod outbox;
mod period_keys;
mod policy;
mod quota;
mod record;
mod registry;
mod request;
mod sessions;
mod sweep;
mod teams;
mod transfer;
pub mod verifiers;

pub mod store;

pub use assertion_key::AssertionKey;
pub use chain::{Broken, Chain};
pub use change::{About, Change, Origin};
pub use commit::{CommitError, Head};
pub use drift::{DriftKind, FieldDrift, Finding, WalkState, Walker};
pub use ending::{Affected, Ended};
pub use event::{Event, NO_HASH};
pub use following::{Bounds, Standing};
pub use hash::sha256_hex;
pub use list::{ClientFilter, GrantFilter, Listed, Place, ResourceServerFilter};
pub use log::EventFilter;
pub use outbox::{Pending, Provisioned, ProvisionedSecret, Subject, Worker};
pub use policy::{Follower, News, Policy};
pub use quota::{Quota, Quotas, Room};
pub use record::Versioned;
pub use registry::{Attempt, Registry};
pub use request::{Answered, Once, Seen};
pub use teams::{Owned, TeamFilter, TeamsSeen};
pub use transfer::{GrantsOf, check_hand_over};
