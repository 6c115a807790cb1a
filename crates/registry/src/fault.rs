//! Places where a test may end the process. Without the feature `fault-points`, which nothing that ships
//! has, they are nothing.
//!
//! A file of a place's name in the folder that was [armed](arm) ends the process when it next gets there;
//! the file is gone then, so that the next start goes well.

/// Every place, in the order in which a change that makes a client gets there.
pub const POINTS: [&str; 9] = [
    "announced",
    "made",
    "decided",
    "committing",
    "committed",
    "claimed",
    "told",
    "cleared",
    "answering",
];

/// The process got to a place.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub const fn reached(_point: &str) {}

/// The process got to a place.
#[cfg(feature = "fault-points")]
pub fn reached(point: &str) {
    debug_assert!(POINTS.contains(&point));
    if FOLDER.get().is_some_and(|folder| std::fs::remove_file(folder.join(point)).is_ok()) {
        std::process::abort();
    }
}

/// From now on files in this folder end the process.
#[cfg(feature = "fault-points")]
pub fn arm(folder: std::path::PathBuf) {
    // The first wins: a process has one.
    let _ = FOLDER.set(folder);
}

#[cfg(feature = "fault-points")]
static FOLDER: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
