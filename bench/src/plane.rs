//! An installation with a resource server, clients that hold one of its scopes, and tokens of theirs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use turnpike_domain::authorization_server::{AuthorizationServer as _, TokenRequest};
use turnpike_domain::authz::{Action, Permit, Resource, decide};
use turnpike_domain::event::{Became, EventAction, EventDraft};
use turnpike_domain::grant::{Decision, GrantScopes, GrantState};
use turnpike_domain::id::{ClientId, GrantId, TeamId};
use turnpike_domain::resource_server::{OfferedScope, OfferedScopes};
use turnpike_domain::secret::Secrets;
use turnpike_domain::text::{
    ClientName, Description, Reason, ResourceServerName, ScopeDescription,
};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::url::HttpUrl;
use turnpike_domain::{Actor, Client, Error, Grant, Identifier, ResourceServer, Scope, ScopeName};
use turnpike_issuer_embedded::{Algorithm, EmbeddedIssuer, Settings};
use turnpike_registry::{Attempt, Change, Origin, Registry, Versioned};
use turnpike_runtime::backend;
use turnpike_runtime::clock::SystemClock;
use turnpike_runtime::config::{Sqlite, Store};
use turnpike_runtime::entropy::SystemEntropy;

use crate::{Failure, report};

/// What tokens name as `iss`.
pub(crate) const ISSUER: &str = "https://issuer.bench.invalid";
/// The resource server.
pub(crate) const RESOURCE_SERVER: &str = "lj-health-food";
/// The scope that the clients hold.
pub(crate) const SCOPE: &str = "lj-health-food/place-order";

/// An id and its secret.
pub(crate) struct Secret {
    pub(crate) id: String,
    pub(crate) value: String,
}

/// An installation in a folder of its own. Nothing of it is open.
pub(crate) struct Plane {
    folder: TempDir,
    /// The secret of the resource server.
    pub(crate) server: Secret,
    /// The secrets of the clients.
    pub(crate) clients: Vec<Secret>,
    /// Tokens of the first client.
    pub(crate) tokens: Vec<String>,
}

impl Plane {
    /// With so many clients, and so many tokens.
    pub(crate) fn new(
        algorithm: Algorithm,
        clients: usize,
        tokens: usize,
    ) -> Result<Self, Failure> {
        let folder = TempDir::new_in(report::folder()?)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // With the runtime everything that has the store open ends, and it can be opened again.
        runtime.block_on(Self::fill(folder, algorithm, clients, tokens))
    }

    /// The folder of its data.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    /// A folder with a copy of its data.
    pub(crate) fn copy(&self, name: &str) -> Result<PathBuf, Failure> {
        let copy = self.folder.path().join(name);
        std::fs::create_dir(&copy)?;
        for entry in std::fs::read_dir(self.folder.path())? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), copy.join(entry.file_name()))?;
            }
        }
        Ok(copy)
    }

    async fn fill(
        folder: TempDir,
        algorithm: Algorithm,
        clients: usize,
        tokens: usize,
    ) -> Result<Self, Failure> {
        let registry = registry(folder.path()).await?;
        let issuer = issuer(&registry, algorithm).await?;
        let scope = Scope::parse(SCOPE)?;
        let server = add_server(&registry, &scope).await?;
        let mut added = Vec::new();
        for _ in 0..clients {
            added.push(add_client(&registry, &scope).await?);
        }
        let mut issued = Vec::new();
        if let (Some((client, _)), 1..) = (added.first(), tokens) {
            for _ in 0..tokens {
                let scopes = std::slice::from_ref(&scope);
                let token = issuer
                    .issue(&TokenRequest { client, scopes, secret: "", now: registry.now() })
                    .await?;
                issued.push(token.access_token.expose().to_owned());
            }
        }
        let clients = added.into_iter().map(|(_, secret)| secret).collect();
        Ok(Self { folder, server, clients, tokens: issued })
    }
}

/// Opens the registry in a folder.
pub(crate) async fn registry(data: &Path) -> Result<Registry, Failure> {
    let data = PathBuf::from(data);
    let store = Store::Sqlite(Sqlite { data_dir: data.to_owned() });
    Ok(backend::registry(&store, Arc::new(SystemClock), Arc::new(SystemEntropy)).await?)
}

/// The embedded issuer over a registry, with the keys that are kept there.
pub(crate) async fn issuer(
    registry: &Registry,
    algorithm: Algorithm,
) -> Result<EmbeddedIssuer, Failure> {
    let settings = Settings::new(HttpUrl::parse(ISSUER)?).algorithm(algorithm);
    Ok(EmbeddedIssuer::open(settings, registry.clone()).await?)
}

/// An empty change, by Turnpike itself.
fn change() -> Result<Change, Error> {
    let origin = Origin { request_id: "bench".to_owned(), method: String::new() };
    Ok(Change::new(&permit()?, &origin))
}

fn permit() -> Result<Permit, Error> {
    decide(&Actor::System, Action::RotateKeys, &Resource::Whole)
        .map_err(|_| Error::internal("Turnpike may not change anything"))
}

/// Makes a change durable. It may be asked for again: one that had to wait for long is not made.
pub(crate) async fn commit(
    registry: &Registry,
    change: impl Fn() -> Result<Change, Error> + Send + Sync,
) -> Result<(), Failure> {
    let change = &change;
    let attempt = async || Ok(Attempt::Change(Box::new(change()?), ()));
    Ok(registry.transact(attempt).await?)
}

async fn add_server(registry: &Registry, scope: &Scope) -> Result<Secret, Failure> {
    let (identifier, now) = (Identifier::parse(RESOURCE_SERVER)?, registry.now());
    let name = scope.as_str().rsplit('/').next().unwrap_or_default();
    let offered = OfferedScope {
        name: ScopeName::parse(name)?,
        description: ScopeDescription::parse("Places orders")?,
    };
    let scopes = OfferedScopes::new(&identifier, vec![offered]).map_err(|_| "a bad scope")?;
    let mut secrets = Secrets::default();
    let (_, secret) = secrets.add(registry.entropy(), now, RESOURCE_SERVER)?;
    let server = ResourceServer {
        identifier,
        display_name: ResourceServerName::parse("LJ Health Food")?,
        description: Description::parse("")?,
        team: TeamId::parse("orders")?,
        scopes,
        secrets,
        create_time: now,
        update_time: now,
    };
    let creation = || {
        let mut change = change()?;
        change.put_resource_server(&Versioned::new(server.clone()))?;
        let action = EventAction::ResourceServerCreated;
        change.event(EventDraft::of_resource_server(action, Became::New(&server)));
        Ok(change)
    };
    commit(registry, creation).await?;
    Ok(Secret { id: RESOURCE_SERVER.to_owned(), value: secret.expose().to_owned() })
}

async fn add_client(registry: &Registry, scope: &Scope) -> Result<(Client, Secret), Failure> {
    let (mut client, secret) = new_client(registry)?;
    let grant = grant(registry, &client, scope)?;
    client.take_grant(&grant, registry.now())?;
    let creation = || {
        let mut change = creation(&client)?;
        change.put_grant(&Versioned::new(grant.clone()))?;
        change.event(EventDraft::of_grant(EventAction::GrantRequested, Became::New(&grant), ""));
        Ok(change)
    };
    commit(registry, creation).await?;
    Ok((client, secret))
}

/// A client to be, and its secret.
pub(crate) fn new_client(registry: &Registry) -> Result<(Client, Secret), Failure> {
    let (entropy, now) = (registry.entropy(), registry.now());
    let client_id = ClientId::generate(entropy);
    let mut secrets = Secrets::default();
    let (_, secret) = secrets.add(entropy, now, client_id.as_str())?;
    let secret = Secret { id: client_id.as_str().to_owned(), value: secret.expose().to_owned() };
    let client = Client {
        client_id,
        display_name: ClientName::parse("A shop")?,
        description: Description::parse("")?,
        team: TeamId::parse("partners")?,
        token_lifetime: TokenLifetime::DEFAULT,
        enabled: true,
        secrets,
        grants: Vec::new(),
        tokens_revoked: None,
        scope_cuts: Vec::new(),
        create_time: now,
        update_time: now,
    };
    Ok((client, secret))
}

/// The change that registers a client.
pub(crate) fn creation(client: &Client) -> Result<Change, Error> {
    let mut change = change()?;
    change.put_client(&Versioned::new(client.clone()))?;
    change.event(EventDraft::of_client(EventAction::ClientCreated, Became::New(client)));
    Ok(change)
}

fn grant(registry: &Registry, client: &Client, scope: &Scope) -> Result<Grant, Failure> {
    let (now, principal) = (registry.now(), permit()?.principal().clone());
    let resource_server = scope.identifier();
    let scopes = GrantScopes::new(&resource_server, vec![scope.clone()]);
    let mut grant = Grant {
        grant_id: GrantId::generate(registry.entropy()),
        client_id: client.client_id.clone(),
        client_team: client.team.clone(),
        scopes: scopes.map_err(|_| "a bad scope")?,
        resource_server,
        resource_server_team: TeamId::parse("orders")?,
        reason: Reason::parse("orders of the shop")?,
        expire_time: None,
        state: GrantState::Pending,
        requester: principal.clone(),
        request_time: now,
        decision: None,
        end: None,
    };
    grant.approve(Decision { decider: principal, time: now, note: Description::parse("")? })?;
    Ok(grant)
}
