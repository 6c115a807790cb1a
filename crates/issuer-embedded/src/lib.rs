//! The authorization server that runs inside the process.
