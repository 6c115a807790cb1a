//! Cuts of tokens that took long to become durable.
//!
//! A cut is decided before it is durable, and reaches a second past its decision ([`Cut`]). Where the store took longer,
//! tokens were issued meanwhile that the cut does not refuse. A second change then moves it on, to the moment at which the
//! first was known to be durable, and only after that is the caller answered. So a slow store makes a revocation slow, and
//! never leaky; nothing else that is decided depends on how long it takes.

use turnpike_domain::client::Cut;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::id::ClientId;
use turnpike_domain::{Error, Principal, Timestamp};

use crate::change::{Change, Origin};
use crate::commit::CommitError;
use crate::registry::{ATTEMPTS, Registry};

/// What the log says of it.
const WHY: &str =
    "the change before took longer to keep than its cut of tokens allows for: the cut moves on";

/// A change that cuts tokens.
struct Cutting {
    /// By whom, and why.
    actor: Principal,
    origin: Origin,
    /// Of whom, each with the latest cut.
    clients: Vec<(ClientId, Cut)>,
    /// The earliest cut that it can have made.
    since: Cut,
}

impl Cutting {
    /// If the change may make any. Those of an earlier change of the last two seconds look the same, and do no harm.
    fn of(change: &Change, decided: Timestamp) -> Option<Self> {
        let since = Cut::at(decided);
        let clients: Vec<_> =
            change.cuts.iter().filter(|(_, cut)| *cut >= since).cloned().collect();
        let (actor, origin) = (change.actor.clone(), change.origin.clone());
        (!clients.is_empty()).then_some(Self { actor, origin, clients, since })
    }
}

impl Registry {
    /// Makes a change durable that was decided from `decided` on; answers with the sequence of its last event, once the
    /// tokens it ends have ended.
    pub(crate) async fn make(
        &self,
        change: Change,
        decided: Timestamp,
    ) -> Result<u64, CommitError> {
        let Some(cutting) = Cutting::of(&change, decided) else {
            return self.commits.commit(change).await;
        };
        let registry = self.clone();
        // A task of its own: a caller who hangs up does not leave half of it.
        let made = tokio::spawn(async move {
            let sequence = registry.commits.commit(change).await?;
            registry.move_late_cuts(cutting, sequence).await.map_err(CommitError::Failed)
        });
        made.await.map_err(|error| CommitError::Failed(Error::internal(error)))?
    }

    async fn move_late_cuts(&self, cutting: Cutting, made: u64) -> Result<u64, Error> {
        let now = self.now();
        let to = Cut::through(now);
        let mut last = made;
        for (id, _) in cutting.clients.iter().filter(|(_, cut)| *cut < to) {
            last = self.move_cuts(&cutting, id, to, now).await?.unwrap_or(last);
        }
        Ok(last)
    }

    /// Moves the cuts of one client on. `None` if another change has been there, or the client is gone.
    async fn move_cuts(
        &self,
        cutting: &Cutting,
        id: &ClientId,
        to: Cut,
        now: Timestamp,
    ) -> Result<Option<u64>, Error> {
        for attempt in 1..=ATTEMPTS {
            let Some(mut client) = self.client(id).await? else { return Ok(None) };
            let before = client.value.clone();
            if !client.value.move_cuts(cutting.since, to) {
                return Ok(None);
            }
            client.value.update_time = now;
            let mut change = Change::by(cutting.actor.clone(), cutting.origin.clone());
            change.put_client(&client)?;
            let became = Became::Other(&before, &client.value);
            let event = EventDraft::of_client(EventAction::ClientTokensRevoked, became);
            change.event(EventDraft { reason: WHY.to_owned(), ..event });
            match self.commits.commit(change).await {
                Ok(sequence) => {
                    tracing::info!(client_id = %id, log.sequence = sequence, "cut.moved");
                    return Ok(Some(sequence));
                }
                Err(CommitError::Failed(error)) => return Err(error),
                Err(CommitError::Conflict) => self.step_aside(attempt).await,
            }
        }
        Err(Error::Unavailable("others changed the same things again and again".into()))
    }
}
