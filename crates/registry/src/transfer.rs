//! What must be done before a client or a resource server changes hands: its grants get into the lists of the
//! team that will own it. Entries that turn out too many do no harm, a list reads the owners of each grant.

use turnpike_domain::authz::Permit;
use turnpike_domain::error::Blocker;
use turnpike_domain::grant::GrantState;
use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::{Error, Grant, Identifier};

use crate::change::{Change, Origin};
use crate::commit::CommitError;
use crate::keys;
use crate::record::{Versioned, grant};
use crate::registry::Registry;
use crate::store::{Query, Source};

/// How many grants are listed in one commit: two entries each.
const AT_ONCE: usize = 45;

/// Whose grants.
#[derive(Clone, Copy, Debug)]
pub enum GrantsOf<'a> {
    /// Of a client.
    Client(&'a ClientId),
    /// Of a resource server.
    ResourceServer(&'a Identifier),
}

impl Registry {
    /// Adds every grant of one side to the lists of the team that is about to own that side. Not a change: it is
    /// not in the log.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn list_grants_for(
        &self,
        permit: &Permit,
        origin: &Origin,
        of: GrantsOf<'_>,
        team: &TeamId,
    ) -> Result<(), Error> {
        // The index has all of them, and may lag; those that live are read without lag.
        let (source, pk) = match of {
            GrantsOf::Client(id) => (Source::Index1, keys::grants_of_client(id)),
            GrantsOf::ResourceServer(id) => (Source::Index2, keys::grants_of_resource_server(id)),
        };
        let mut query = Query::new(source, pk, AT_ONCE);
        loop {
            let page = self.query(&query).await?;
            let grants = page.items.iter().map(|item| Ok(grant::from_item(item)?.value));
            let grants = grants.collect::<Result<Vec<_>, Error>>()?;
            self.list_some_for(permit, origin, of, &grants, team).await?;
            match page.next {
                None => break,
                next => query = query.after(next),
            }
        }
        let live = match of {
            GrantsOf::Client(id) => self.live_grants_of_client(id).await?,
            GrantsOf::ResourceServer(id) => self.live_grants(id).await?,
        };
        let live: Vec<Grant> = live.into_iter().map(|grant| grant.value).collect();
        for grants in live.chunks(AT_ONCE) {
            self.list_some_for(permit, origin, of, grants, team).await?;
        }
        Ok(())
    }

    async fn list_some_for(
        &self,
        permit: &Permit,
        origin: &Origin,
        of: GrantsOf<'_>,
        grants: &[Grant],
        team: &TeamId,
    ) -> Result<(), Error> {
        if grants.is_empty() {
            return Ok(());
        }
        let mut change = Change::new(permit, origin);
        for grant in grants {
            let decides = matches!(of, GrantsOf::ResourceServer(_));
            change.list_grant_for(grant, team, decides && grant.state == GrantState::Pending);
        }
        match self.commit(change).await {
            Ok(_) => Ok(()),
            Err(CommitError::Failed(error)) => Err(error),
            Err(CommitError::Conflict) => Err(Error::internal("an entry of a list was refused")),
        }
    }
}

/// Refuses to hand over one side of grants that one team decided for itself: nobody else looked at them, so they
/// end before their sides part. `decided_alone` says which those are.
///
/// # Errors
///
/// [`Error::Precondition`] with one `GRANT_IN_USE` a grant.
pub fn check_hand_over(
    grants: &[Versioned<Grant>],
    decided_alone: impl Fn(&Grant) -> bool,
) -> Result<(), Error> {
    let blockers: Vec<Blocker> = grants
        .iter()
        .filter(|grant| decided_alone(&grant.value))
        .map(|grant| Blocker {
            kind: "GRANT_IN_USE",
            subject: grant.value.subject(),
            description: "one team asked for it and decided it: end it, and ask again afterwards"
                .to_owned(),
        })
        .collect();
    if blockers.is_empty() { Ok(()) } else { Err(Error::Precondition(blockers)) }
}
