//! Teams that are there before a test begins.

#![expect(clippy::unwrap_used, reason = "a test stops where what it needs cannot be made")]

use turnpike_domain::id::TeamId;
use turnpike_domain::text::TeamName;
use turnpike_registry::Registry;

/// The request id of the events that say that these teams were made.
pub const REQUEST_ID: &str = "start";

/// Makes teams of these keys, each called like it.
///
/// # Panics
///
/// If one is no key of a team, or the registry refuses.
pub async fn provide(registry: &Registry, teams: &[&str]) {
    let team = |key: &&str| (TeamId::parse(key).unwrap(), TeamName::parse(key).unwrap());
    let teams: Vec<_> = teams.iter().map(team).collect();
    registry.provide_teams(&teams).await.unwrap();
}
