//! The resource server of Turnpike's own API, which is there before anyone asks.

use turnpike_domain::actor::Actor;
use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::TeamId;
use turnpike_domain::text::TeamName;
use turnpike_domain::{Error, Identifier, ResourceServer};

use crate::change::{About, Change, Origin};
use crate::record::{Versioned, kept};
use crate::registry::{Attempt, Registry};
use crate::transfer::GrantsOf;

impl Registry {
    /// Registers the resource server `turnpike`, owned by `team`, or brings it up to date with this release and
    /// this owner. The team is made if it is not there, called like its key. Any process may call it at any time.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`], [`Error::Internal`].
    pub async fn provide_built_in(&self, team: &TeamId) -> Result<(), Error> {
        let name = kept("display_name", TeamName::parse(team.as_str()))?;
        self.provide_teams(&[(team.clone(), name)]).await?;
        self.transact(|| self.decide_built_in(team)).await
    }

    async fn decide_built_in(&self, team: &TeamId) -> Result<Attempt<()>, Error> {
        let now = self.now();
        let mut wanted = ResourceServer::built_in(team.clone(), now)
            .map_err(|problem| Error::internal(problem.to_string()))?;
        let head = self.head().await?;
        let there = self.resource_server(&Identifier::built_in()).await?;
        if let Some(there) = &there {
            wanted.create_time = there.value.create_time;
            if wanted.fields() == there.value.fields() {
                return Ok(Attempt::Nothing(()));
            }
        }
        let permit = decide(&Actor::System, Action::ProvideBuiltIn, &Resource::Whole)
            .map_err(|_| Error::internal("the system may not register its own resource server"))?;
        let origin = Origin { request_id: "start".to_owned(), method: String::new() };
        let mut change = Change::new(&permit, &origin);
        if there.as_ref().is_some_and(|there| there.value.team != *team) {
            // The new owner finds its grants, those too that are asked for meanwhile.
            let of = GrantsOf::ResourceServer(&wanted.identifier);
            self.list_grants_for(&permit, &origin, of, team).await?;
            change.leans_on(About::ResourceServer(wanted.identifier.clone()), head.sequence, 0);
        }
        change.event(match &there {
            Some(there) => EventDraft::of_resource_server(
                EventAction::ResourceServerUpdated,
                Became::Other(&there.value, &wanted),
            ),
            None => EventDraft::of_resource_server(
                EventAction::ResourceServerCreated,
                Became::New(&wanted),
            ),
        });
        let version = there.map_or(0, |there| there.version);
        change.put_resource_server(&Versioned { value: wanted, version })?;
        Ok(Attempt::Change(Box::new(change), ()))
    }
}
