//! The use cases over a real store, called as the gate calls them.

mod busy;
mod create;
mod plane;
mod reads;
mod scopes;
mod secrets;
mod update;
