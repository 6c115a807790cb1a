//! The edge: authentication, method table, one wrapper around every handler.

pub mod assertion;
