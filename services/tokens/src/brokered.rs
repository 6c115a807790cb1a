//! Gives a token that is kept, or has a new one issued. Whatever is given is good by the client's record, as it
//! was read in this request.

use std::sync::Arc;
use std::time::Duration;

use turnpike_domain::{Error, Scope};
use turnpike_rpc::oauth::{Asked, Refusal};

use crate::Inner;
use crate::authenticate::{self, Authenticated, Caller, Unproven, refuse};
use crate::broker::buy::{Outcome, Wish};
use crate::broker::cache::Kept;
use crate::broker::counts::Served;
use crate::broker::failure::Failure;
use crate::broker::key::Key;
use crate::broker::{Broker, is_good};
use crate::issue::{Given, SecondOfRevocation, check_rate};
use crate::records::Source;
use crate::scopes::Wanted;

/// How many new tokens are asked for in one request, should each be overtaken by a change.
const ROUNDS: u32 = 3;
/// Between two of them.
const ROUND_PAUSE: Duration = Duration::from_secs(1);
/// How long a request waits for a new token when a kept one will do.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gives a token to the client that calls.
pub(crate) async fn give(inner: &Inner, broker: &Broker, asked: &Asked) -> Result<Given, Refusal> {
    let caller = match authenticate::caller(inner, asked).await? {
        Caller::Known(caller) => *caller,
        Caller::Unproven(unproven) => {
            prove(inner, broker, asked, *unproven).await?;
            authenticate::client(inner, asked).await?
        }
    };
    check_rate(inner, &caller.client)?;
    let wanted = Wanted::parse(asked.form.get("scope"))?;
    broker.inner().counts.asked();
    Giving { inner, broker, wanted: &wanted }.run(caller).await
}

/// Has a secret proved that the authorization server alone knows.
async fn prove(
    inner: &Inner,
    broker: &Broker,
    asked: &Asked,
    unproven: Unproven,
) -> Result<(), Refusal> {
    let Unproven { client, secret, by_header } = unproven;
    let id = client.client_id.to_string();
    let held = client.scopes_at(Some(inner.registry.now()));
    if held.is_empty() {
        // There is no token to ask for, and so nothing to learn.
        return Err(refuse(inner, asked, &id, by_header));
    }
    // What is wanted, or whatever there is: whoever has shown nothing yet hears nothing of scopes.
    let wanted = Wanted::parse(asked.form.get("scope"));
    let scopes = wanted.and_then(|wanted| wanted.of(held.clone())).unwrap_or(held);
    let wish = Wish { client, scopes, secret };
    match broker.prove(wish, asked.peer, asked.origin.clone()).await {
        Ok(()) => Ok(()),
        Err(Failure::SecretRefused) => Err(refuse(inner, asked, &id, by_header)),
        Err(failure) => {
            broker.inner().counts.refused(failure);
            Err(failure.into_refusal(by_header))
        }
    }
}

/// One request.
struct Giving<'a> {
    inner: &'a Inner,
    broker: &'a Broker,
    wanted: &'a Wanted,
}

/// A token that may be given.
struct Candidate {
    kept: Arc<Kept>,
    is_new: bool,
}

impl Giving<'_> {
    async fn run(&self, mut caller: Authenticated) -> Result<Given, Refusal> {
        let (mut new, mut rounds) = (None, 0);
        let mut second = SecondOfRevocation::default();
        loop {
            let scopes = self.wanted.of(caller.client.scopes_at(Some(caller.read_time)))?;
            let key = Key::new(&caller.client, caller.secret_id.clone(), &scopes);
            let found = self.find(&caller, &key, new.take()).await?;
            if let Some(found) = &found
                && let Some(from) = self.serves(&caller, found)
            {
                return self.served(&caller, &key, scopes, &found.kept, from);
            }
            if caller.source == Source::Memory {
                // Nothing new while it is not known what others have changed.
                return Err(self.refused(Failure::StoreDown, caller.by_header));
            }
            if second.wait(&caller, &scopes).await? {
                caller = caller.again(self.inner).await?;
                continue;
            }
            rounds += 1;
            if rounds > ROUNDS {
                return Err(
                    Error::Unavailable("tokens are revoked as they are issued".into()).into()
                );
            }
            if rounds > 1 {
                tokio::time::sleep(ROUND_PAUSE).await;
            }
            let kept = found.map(|found| found.kept);
            match self.renew(&caller, &key, &scopes, kept.as_ref()).await {
                Ok(kept) => new = Some((key, kept)),
                Err(failure) => match kept.filter(|kept| self.will_do(&caller, kept)) {
                    Some(kept) if failure.is_bridged() => {
                        return self.served(&caller, &key, scopes, &kept, Served::Bridge);
                    }
                    _ => return Err(self.refused(failure, caller.by_header)),
                },
            }
            // What has changed meanwhile counts.
            caller = caller.again(self.inner).await?;
        }
    }

    /// The new token if it is for `key`, else the one that is kept: if it is good. One that is not is forgotten.
    async fn find(
        &self,
        caller: &Authenticated,
        key: &Key,
        new: Option<(Key, Arc<Kept>)>,
    ) -> Result<Option<Candidate>, Error> {
        let new = new.filter(|(of, _)| of == key).map(|(_, kept)| kept);
        let is_new = new.is_some();
        let Some(kept) = new.or_else(|| self.broker.inner().cache.find(key)) else {
            return Ok(None);
        };
        let good = is_good(&caller.client, &key.slot, &kept.claims, caller.read_time)
            && !self.inner.records.is_revoked(&kept.claims.token_id, caller.source).await?;
        if !good && caller.source == Source::Store {
            self.broker.inner().cache.forget(key, &kept);
        }
        Ok(Some(Candidate { kept, is_new }).filter(|_| good))
    }

    /// As what a good token is given at once, if it is.
    fn serves(&self, caller: &Authenticated, found: &Candidate) -> Option<Served> {
        let Candidate { kept, is_new } = found;
        let fresh = kept.claims.is_fresh(caller.read_time.seconds());
        match caller.source {
            _ if *is_new => Some(Served::Issuer),
            Source::Store if fresh => Some(Served::Cache),
            Source::Memory if fresh || self.will_do(caller, kept) => Some(Served::Outage),
            Source::Store
                if self.will_do(caller, kept)
                    && self.broker.inner().pauses.in_trouble(caller.read_time) =>
            {
                Some(Served::Bridge)
            }
            _ => None,
        }
    }

    /// Whether a token is given if no new one can be had.
    fn will_do(&self, caller: &Authenticated, kept: &Kept) -> bool {
        let left = kept.claims.left(caller.read_time.seconds());
        let least = self.broker.inner().settings.bridge_until;
        u64::try_from(left).is_ok_and(|left| left >= least.as_secs())
    }

    /// Has a new token issued; not waiting for long if there is one that will do.
    async fn renew(
        &self,
        caller: &Authenticated,
        key: &Key,
        scopes: &[Scope],
        kept: Option<&Arc<Kept>>,
    ) -> Outcome {
        let client = caller.client.clone();
        let wish = Wish { client, scopes: scopes.to_vec(), secret: caller.secret.clone() };
        let outcome = match self.broker.renew(key, wish, kept) {
            Ok(flight) => flight.outcome(),
            Err(outcome) => return outcome,
        };
        let outcome = if kept.is_some_and(|kept| self.will_do(caller, kept)) {
            tokio::time::timeout(PATIENCE, outcome).await.unwrap_or(Some(Err(Failure::Slow)))
        } else {
            outcome.await
        };
        let outcome = outcome.unwrap_or(Err(Failure::Defect));
        if let Err(Failure::Slow) = outcome {
            let broker = self.broker.inner();
            broker.pauses.failed(Failure::Slow, broker.registry.now());
        }
        outcome
    }

    fn served(
        &self,
        caller: &Authenticated,
        key: &Key,
        scopes: Vec<Scope>,
        kept: &Kept,
        from: Served,
    ) -> Result<Given, Refusal> {
        let broker = self.broker.inner();
        let Some(token) = broker.open(key, &caller.secret, kept) else {
            return Err(self.refused(Failure::Defect, caller.by_header));
        };
        broker.counts.served(from);
        let expires_in = kept.claims.left(caller.read_time.seconds());
        let outcome = if from == Served::Issuer { "issued" } else { "kept" };
        Ok(Given { client: caller.client.clone(), scopes, token, expires_in, outcome })
    }

    fn refused(&self, failure: Failure, by_header: bool) -> Refusal {
        self.broker.inner().counts.refused(failure);
        failure.into_refusal(by_header)
    }
}
