//! The use cases over a real store, called as the gate calls them.

mod client_changes;
mod create;
mod decisions;
mod deletion;
mod plane;
mod quotas;
mod reads;
mod reconcile;
mod requests;
