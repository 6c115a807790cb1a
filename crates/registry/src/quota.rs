//! How much a team may have. What it has is counted in the policy in memory, as of an event; a change that adds to it
//! holds for as many later events of that team as there is room, since no event adds more than one. So the quota is
//! never exceeded, whoever else adds, and there is no record that all must write.

use std::num::NonZeroU32;

use turnpike_domain::Error;
use turnpike_domain::id::TeamId;

use crate::change::{About, Change};
use crate::registry::Registry;

/// What one team may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Clients.
    pub clients: NonZeroU32,
    /// Resource servers.
    pub resource_servers: NonZeroU32,
    /// Grants that its clients have asked for and nobody has decided. A client that changes hands brings its own along,
    /// however many there are.
    pub pending_grants: NonZeroU32,
}

/// What a quota is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// See [`Quotas::clients`].
    Clients,
    /// See [`Quotas::pending_grants`].
    PendingGrants,
    /// See [`Quotas::resource_servers`].
    ResourceServers,
}

/// What a team has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) clients: usize,
    pub(crate) resource_servers: usize,
    pub(crate) pending_grants: usize,
}

/// That there was room for what a change adds.
#[derive(Debug)]
#[must_use]
pub struct Room(Option<(TeamId, u64, u64)>);

impl Registry {
    /// Sets how much a team may have, once. It is held where the process follows the log, as every process does that
    /// serves changes.
    pub fn limit(&self, quotas: Quotas) {
        let _ = self.quotas.set(quotas);
    }

    /// Room for `more` of what a quota is of.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `QUOTA_REACHED`; [`Error::Unavailable`] if the policy does not follow the log.
    pub async fn room(&self, quota: Quota, team: &TeamId, more: usize) -> Result<Room, Error> {
        let (Some(quotas), Some(policy)) = (self.quotas.get(), self.followed.get()) else {
            return Ok(Room(None));
        };
        if more == 0 {
            return Ok(Room(None));
        }
        let max = quota.of(quotas);
        for again in [false, true] {
            if again {
                // Something may have gone a moment ago.
                self.all_in_force().await?;
            }
            if policy.is_stale() {
                return Err(Error::Unavailable("the policy does not follow the log".into()));
            }
            let (counted, sequence) = policy.counted(team);
            if let Some(left) = max.checked_sub(quota.used(counted) + more) {
                return Ok(Room(Some((team.clone(), sequence, left as u64))));
            }
        }
        Err(Error::blocked(
            "QUOTA_REACHED",
            format!("teams/{team}"),
            format!("a team may have {max} {}", quota.words()),
        ))
    }
}

impl Change {
    /// The change stands only while there is this room for what it adds.
    pub fn within(&mut self, room: &Room) {
        if let Room(Some((team, sequence, left))) = room {
            self.leans_on(About::Team(team.clone()), *sequence, *left);
        }
    }
}

impl Quota {
    fn of(self, quotas: &Quotas) -> usize {
        let max = match self {
            Self::Clients => quotas.clients,
            Self::PendingGrants => quotas.pending_grants,
            Self::ResourceServers => quotas.resource_servers,
        };
        usize::try_from(max.get()).unwrap_or(usize::MAX)
    }

    const fn used(self, counted: Counted) -> usize {
        match self {
            Self::Clients => counted.clients,
            Self::PendingGrants => counted.pending_grants,
            Self::ResourceServers => counted.resource_servers,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::PendingGrants => "undecided grants",
            Self::ResourceServers => "resource servers",
        }
    }
}
