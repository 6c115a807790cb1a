//! Services in processes of their own: connections that are kept up, and which of them a request takes.
//!
//! A service has any number of replicas: one for each address of each of its URLs. Each has one HTTP/2 connection, made
//! before anybody asks and made anew when it breaks, so a request goes only where somebody answers, and the loss of a
//! replica costs no more than the calls that were under way there. (tonic's balanced channel connects when it is
//! asked, counts a replica that is down as the least busy one, and keeps a request that it could not send.)

mod frames;
mod link;
mod replicas;
mod target;

pub use replicas::{NoReplica, Replicas};
pub use target::{NotATarget, Target};
