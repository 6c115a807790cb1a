//! A client of the pool becomes one of the registry, or gives it its values.

use std::collections::BTreeMap;

use turnpike_domain::authorization_server::pool::{FoundClient, SecretName};
use turnpike_domain::authz::{Action, Permit};
use turnpike_domain::error::Error;
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::{Decision, GrantScopes};
use turnpike_domain::id::ClientId;
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{ClientName, Reason};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Client, Grant, Identifier, Principal, Scope};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Attempt, Change, Registry, Versioned};
use turnpike_rpc::Op;
use turnpike_rpc::convert::clients::to_client;
use turnpike_rpc::convert::grants::to_grant;
use turnpike_rpc::convert::reconcile::Adoption;

use super::adopt::{cannot, empty_description, offers, owner};
use crate::access;
use crate::grant::{Asked, pending};

/// Why there is a grant that nobody asked for.
const REASON: &str = "the authorization server let the client have it before";

type Adopted = (Versioned<Client>, Vec<Versioned<Grant>>);

pub(crate) async fn run(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    adoption: &Adoption,
    id: &ClientId,
) -> Result<pb::AdoptResponse, Error> {
    let Some(found) = registry.pool_client(id).await? else {
        return as_it_is(registry, op, adoption, id).await;
    };
    if !found.machine {
        let why = "the client is not one for machines alone: Turnpike would take its other settings \
                   from it";
        return Err(Error::blocked("NOT_A_MACHINE", adoption.subject.to_string(), why));
    }
    let secret = match registry.client(id).await? {
        Some(_) => None,
        None => registry.adoptable_secret(id).await?,
    };
    let adopt = async || decide(registry, op, permit, adoption, &found, secret.as_ref()).await;
    let (client, grants) = registry.transact(adopt).await?;
    let now = registry.now();
    let uses = registry.client_secret_uses(id).await?;
    Ok(pb::AdoptResponse {
        client: Some(to_client(&client, &uses, now)),
        grants: grants.iter().map(|grant| to_grant(grant, Some(&client.value), now)).collect(),
        resource_server: None,
    })
}

/// Without a pool there is nothing to adopt: the client, if the registry has it.
async fn as_it_is(
    registry: &Registry,
    op: &Op,
    adoption: &Adoption,
    id: &ClientId,
) -> Result<pb::AdoptResponse, Error> {
    let (client, _) = access::client(registry, op, Action::ReadClient, id).await?;
    owner(adoption, Some(&client.value.team))?;
    let uses = registry.client_secret_uses(id).await?;
    let client = Some(to_client(&client, &uses, registry.now()));
    Ok(pb::AdoptResponse { client, ..pb::AdoptResponse::default() })
}

async fn decide(
    registry: &Registry,
    op: &Op,
    permit: &Permit,
    adoption: &Adoption,
    found: &FoundClient,
    secret: Option<&SecretName>,
) -> Result<Attempt<Adopted>, Error> {
    let there = registry.client(&found.client_id).await?;
    let team = owner(adoption, there.as_ref().map(|there| &there.value.team))?;
    let now = registry.now();
    let lifetime = TokenLifetime::from_seconds(found.token_lifetime_seconds)
        .map_err(|problem| cannot(&adoption.subject, format!("its token lifetime {problem}")))?;
    let mut client = match &there {
        Some(there) => there.clone(),
        None => Versioned::new(new_client(registry, adoption, found, team, lifetime)?),
    };
    client.value.token_lifetime = lifetime;
    let mut change = Change::new(permit, op.origin());
    let grants = take_scopes(registry, op, &mut change, adoption, &mut client.value, found).await?;
    if adoption.validate_only {
        return Ok(Attempt::Nothing((client, grants)));
    }
    client.value.update_time = now;
    registry.adopt_client(&mut change, &client, found, secret).await?;
    let became = match &there {
        Some(there) => Became::Other(&there.value, &client.value),
        None => Became::New(&client.value),
    };
    change.event(EventDraft::of_client(EventAction::ClientAdopted, became));
    for grant in &grants {
        change.put_grant(grant)?;
        let became = Became::New(&grant.value);
        change.event(EventDraft::of_grant(EventAction::GrantRequested, became, REASON));
    }
    client.version += 1;
    let grants = grants.into_iter().map(|g| Versioned { version: g.version + 1, ..g }).collect();
    Ok(Attempt::Change(Box::new(change), (client, grants)))
}

fn new_client(
    registry: &Registry,
    adoption: &Adoption,
    found: &FoundClient,
    team: turnpike_domain::id::TeamId,
    token_lifetime: TokenLifetime,
) -> Result<Client, Error> {
    let now = registry.now();
    Ok(Client {
        client_id: found.client_id.clone(),
        display_name: ClientName::parse(found.name.trim())
            .map_err(|problem| cannot(&adoption.subject, format!("its name {problem}")))?,
        description: empty_description()?,
        team,
        token_lifetime,
        enabled: true,
        secrets: Secrets::default(),
        grants: Vec::new(),
        tokens_revoked: None,
        scope_cuts: Vec::new(),
        create_time: now,
        update_time: now,
    })
}

/// A grant for each resource server whose scopes the pool lets the client have and the registry does not.
async fn take_scopes(
    registry: &Registry,
    op: &Op,
    change: &mut Change,
    adoption: &Adoption,
    client: &mut Client,
    found: &FoundClient,
) -> Result<Vec<Versioned<Grant>>, Error> {
    let now = registry.now();
    let held = client.scopes_at(Some(now));
    if let Some(lost) = held.iter().find(|held| !found.scopes.iter().any(|s| s == held.as_str())) {
        let why = format!("the pool lacks the scope `{lost}`: revoke the grant here, or revert");
        return Err(cannot(&adoption.subject, why));
    }
    let mut by_server: BTreeMap<Identifier, Vec<Scope>> = BTreeMap::new();
    for text in &found.scopes {
        let scope = Scope::parse(text).map_err(|problem| {
            cannot(&adoption.subject, format!("the scope `{text}` {problem}"))
        })?;
        if !held.contains(&scope) {
            by_server.entry(scope.identifier()).or_default().push(scope);
        }
    }
    let reason = Reason::parse(REASON).map_err(|problem| Error::internal(problem.to_string()))?;
    let mut grants = Vec::new();
    for (identifier, scopes) in by_server {
        let server = registry.resource_server(&identifier).await?;
        let offered = |scope: &&Scope| !offers(server.as_ref().map(|s| &s.value), scope);
        let (Some(server), None) = (&server, scopes.iter().find(offered)) else {
            let what =
                format!("no resource server here offers all of its scopes of `{identifier}`");
            return Err(Error::blocked("UNKNOWN_SCOPES", adoption.subject.to_string(), what));
        };
        let scopes = GrantScopes::new(&identifier, scopes)
            .map_err(|_| Error::internal("scopes of one resource server are not"))?;
        let asked = Asked {
            client,
            server: &server.value,
            scopes: &scopes,
            reason: &reason,
            expire_time: None,
        };
        // Nobody asked: the authorization server let the client have it, and who adopts it decides.
        let mut grant = pending(registry.entropy(), now, &asked, Principal::system());
        let (decider, note) = (op.actor().principal(), empty_description()?);
        grant.approve(Decision { decider, time: now, note })?;
        let grant = Versioned::new(grant);
        client.take_grant(&grant.value, now)?;
        change.check_resource_server(server);
        grants.push(grant);
    }
    Ok(grants)
}
