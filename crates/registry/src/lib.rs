//! Records, keys and codecs over the store seam; the log.

pub mod store;
