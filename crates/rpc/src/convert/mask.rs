//! Update masks (AIP-134, AIP-161).

use prost_types::FieldMask;
use turnpike_domain::{Problem, Violations};

/// More paths than any message has fields.
const PATHS_MAX: usize = 32;

/// What an update may name, what else the message has, and what it filled.
pub(super) struct Fields<'a> {
    /// The fields that an update may change.
    pub(super) changeable: &'a [&'static str],
    /// The rest of the message.
    pub(super) fixed: &'a [&'static str],
    /// Of `changeable`, those that are not empty.
    pub(super) filled: &'a [&'static str],
    /// All of `changeable`, in words.
    pub(super) one_of: &'static str,
}

/// The fields to change: those the mask names, all for `*`, those that are filled without a mask. Notes each
/// path that cannot be changed.
pub(super) fn fields(
    violations: &mut Violations,
    mask: Option<&FieldMask>,
    of: &Fields<'_>,
) -> Vec<&'static str> {
    let paths = mask.map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        return of.filled.to_vec();
    }
    if paths.len() > PATHS_MAX {
        violations.add("update_mask.paths", Problem::TooLong { max: PATHS_MAX, unit: "entries" });
        return Vec::new();
    }
    let mut named = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        if path == "*" {
            named.extend(of.changeable);
        } else if let Some(field) = of.changeable.iter().find(|field| *field == path) {
            named.push(*field);
        } else if of.fixed.contains(&path.as_str()) {
            violations.add(format!("update_mask.paths[{at}]"), Problem::Immutable);
        } else {
            violations.add(format!("update_mask.paths[{at}]"), Problem::Malformed(of.one_of));
        }
    }
    named
}
