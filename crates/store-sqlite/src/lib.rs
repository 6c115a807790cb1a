//! The store seam over SQLite.
