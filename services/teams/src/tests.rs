//! The use cases over a real store, called as the gate calls them.

mod changes;
mod deletion;
mod plane;
mod reads;
mod sessions;
