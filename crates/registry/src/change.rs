//! A change to the registry: what is written, and what the log says of it.

use turnpike_domain::authz::Permit;
use turnpike_domain::client::Cut;
use turnpike_domain::event::{EventAction, EventDraft};
use turnpike_domain::id::{ClientId, GrantId, SecretId, TeamId, TokenId};
use turnpike_domain::session::Session;
use turnpike_domain::{
    Client, Error, Grant, Identifier, Principal, ResourceServer, Team, Timestamp,
};

use crate::keys;
use crate::outbox::{Subject, mark_body};
use crate::policy::LEEWAY_SECONDS;
use crate::record::{Versioned, client, grant, resource_server, session, team};
use crate::request::Answered;
use crate::sessions::forget_rest;
use crate::store::{IndexKey, Item, Key, Precondition, Write};

/// Where a change comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The request, as log lines name it.
    pub request_id: String,
    /// The method, such as `turnpike.v1.ClientService/DisableClient`; empty if Turnpike itself acts.
    pub method: String,
}

/// What an event can be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A resource server, or a grant of it.
    ResourceServer(Identifier),
    /// Something that the team owns from then on.
    Team(TeamId),
}

/// How much of what a change leans on may have happened since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lean {
    pub(crate) about: About,
    pub(crate) since: u64,
    pub(crate) events: u64,
}

/// Writes and events that become durable together or not at all.
#[derive(Debug)]
pub struct Change {
    pub(crate) actor: Principal,
    pub(crate) origin: Origin,
    pub(crate) writes: Vec<Write>,
    pub(crate) events: Vec<EventDraft>,
    pub(crate) leans: Vec<Lean>,
    /// The clients it writes that have cuts of tokens, each with the latest.
    pub(crate) cuts: Vec<(ClientId, Cut)>,
    /// Its marks for the pool are among the writes.
    marked: bool,
}

impl Change {
    /// An empty change by whoever holds the permit.
    pub fn new(permit: &Permit, origin: &Origin) -> Self {
        Self::by(permit.principal().clone(), origin.clone())
    }

    /// An empty change by whoever was permitted another that it completes.
    pub(crate) const fn by(actor: Principal, origin: Origin) -> Self {
        Self {
            actor,
            origin,
            writes: Vec::new(),
            events: Vec::new(),
            leans: Vec::new(),
            cuts: Vec::new(),
            marked: false,
        }
    }

    /// A record that a changing call was refused, and that `more` calls of that caller were refused since the last
    /// record: no permit, and nothing is written but the event.
    pub fn refusal(caller: Principal, origin: &Origin, code: &'static str, more: u64) -> Self {
        let reason = match more {
            0 => String::new(),
            more => {
                format!("calls of this caller that were refused before and not recorded: {more}")
            }
        };
        let event = EventDraft {
            action: EventAction::CallRefused,
            subject: format!("methods/{}", origin.method),
            team: None,
            other_team: None,
            client_id: None,
            resource_server: None,
            changes: Vec::new(),
            reason,
            refusal: Some(code),
        };
        Self { events: vec![event], ..Self::by(caller, origin.clone()) }
    }

    /// The change stands only if at most `events` events after `since` are about that: for decisions that lean on what
    /// is *not* there. What others do elsewhere meanwhile does not matter.
    pub fn leans_on(&mut self, about: About, since: u64, events: u64) {
        self.leans.push(Lean { about, since, events });
    }

    /// Says it in the log.
    pub fn event(&mut self, event: EventDraft) {
        self.events.push(event);
    }

    /// How many writes it has so far, with the marks it may leave; a store takes 100 in all, one of them
    /// the log's head.
    pub fn size(&self) -> usize {
        let marks = if self.marked { 0 } else { self.subjects().count() };
        self.writes.len() + self.events.len() + marks
    }

    /// Leaves a mark for each client and resource server it writes: the pool has to be told.
    pub(crate) fn mark_for_pool(&mut self, now: Timestamp) -> Vec<Subject> {
        let found: Vec<(Subject, u64)> = self.subjects().collect();
        for (subject, version) in &found {
            let item = Item {
                key: subject.mark_key(),
                index1: None,
                index2: None,
                version: *version,
                body: mark_body(now),
            };
            self.writes.push(Write::Put { item, precondition: Precondition::Any });
        }
        self.marked = true;
        found.into_iter().map(|(subject, _)| subject).collect()
    }

    fn subjects(&self) -> impl Iterator<Item = (Subject, u64)> {
        self.writes.iter().filter_map(Subject::of_write)
    }

    /// How many bytes it has so far, events left out; a store takes
    /// [`crate::store::check::COMMIT_BYTES`] in all.
    pub(crate) fn bytes(&self) -> usize {
        self.writes.iter().map(Write::bytes).sum()
    }

    /// Keeps a client: new, or over the revision it was read at.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be encoded.
    pub fn put_client(&mut self, client: &Versioned<Client>) -> Result<(), Error> {
        self.put(client::to_item(client)?, client.version);
        let Client { client_id, .. } = &client.value;
        self.cuts.extend(client.value.latest_cut().map(|cut| (client_id.clone(), cut)));
        if client.version == 0 {
            self.own_client(&client.value);
        }
        Ok(())
    }

    /// Forgets a client.
    pub fn delete_client(&mut self, client: &Versioned<Client>) {
        let Client { client_id, team, .. } = &client.value;
        self.delete(keys::client(client_id), client.version);
        self.forget(keys::owned_client(team, client_id));
        for secret in client.value.secrets.list() {
            self.forget(keys::client_secret_use(&client.value.client_id, &secret.secret_id));
        }
    }

    /// Keeps a resource server: new, or over the revision it was read at. Answers with its next revision.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be encoded.
    pub fn put_resource_server(
        &mut self,
        server: &Versioned<ResourceServer>,
    ) -> Result<u64, Error> {
        let item = resource_server::to_item(server)?;
        let revision = item.version;
        self.put(item, server.version);
        if server.version == 0 {
            self.own_resource_server(&server.value);
        }
        Ok(revision)
    }

    /// Forgets a resource server.
    pub fn delete_resource_server(&mut self, server: &Versioned<ResourceServer>) {
        let identifier = &server.value.identifier;
        self.delete(keys::resource_server(identifier), server.version);
        self.forget(keys::owned_resource_server(&server.value.team, identifier));
        for secret in server.value.secrets.list() {
            self.forget(keys::resource_server_secret_use(identifier, &secret.secret_id));
        }
    }

    /// Forgets when a secret of a client that ends was last used.
    pub fn forget_client_secret_use(&mut self, client: &ClientId, secret: &SecretId) {
        self.forget(keys::client_secret_use(client, secret));
    }

    /// Forgets when a secret of a resource server that ends was last used.
    pub fn forget_resource_server_secret_use(&mut self, server: &Identifier, secret: &SecretId) {
        self.forget(keys::resource_server_secret_use(server, secret));
    }

    /// Notes that a team owns a client: for one that changes hands. What the owner of before is said to own too
    /// does no harm.
    pub fn own_client(&mut self, client: &Client) {
        self.list(keys::owned_client(&client.team, &client.client_id));
    }

    /// Notes that a team owns a resource server: for one that changes hands.
    pub fn own_resource_server(&mut self, server: &ResourceServer) {
        self.list(keys::owned_resource_server(&server.team, &server.identifier));
    }

    /// Keeps a team: new, or over the revision it was read at. Answers with its next revision.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be encoded.
    pub fn put_team(&mut self, team: &Versioned<Team>) -> Result<u64, Error> {
        let item = team::to_item(team)?;
        let revision = item.version;
        self.put(item, team.version);
        Ok(revision)
    }

    /// Forgets a team.
    pub fn delete_team(&mut self, team: &Versioned<Team>) {
        self.delete(keys::team(&team.value.team), team.version);
        self.forget(keys::team_seen(&team.value.team));
    }

    /// Keeps the end of a session over the revision it was read at.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be encoded.
    pub fn end_session(&mut self, ended: &Versioned<Session>) -> Result<(), Error> {
        self.put(session::to_item(ended)?, ended.version);
        self.writes.extend(forget_rest(&ended.value));
        Ok(())
    }

    /// Fails the change if the team is gone.
    pub fn check_team(&mut self, team: &TeamId) {
        let precondition = Precondition::Exists;
        self.writes.push(Write::Check { key: keys::team(team), precondition });
    }

    /// Fails the change if the client is no longer as it was read.
    pub fn check_client(&mut self, client: &Versioned<Client>) {
        self.check(keys::client(&client.value.client_id), client.version);
    }

    /// Fails the change if the resource server is no longer as it was read.
    pub fn check_resource_server(&mut self, server: &Versioned<ResourceServer>) {
        self.check(keys::resource_server(&server.value.identifier), server.version);
    }

    /// Keeps a grant with its entries in the lists: new, or over the revision it was read at.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be encoded.
    pub fn put_grant(&mut self, grant: &Versioned<Grant>) -> Result<(), Error> {
        use turnpike_domain::grant::GrantState;

        let Grant { grant_id, resource_server, expire_time, request_time, state, .. } =
            &grant.value;
        self.put(grant::to_item(grant)?, grant.version);
        let place = keys::at(*request_time, grant_id.as_str());
        if grant.version == 0 {
            self.list(Key::new(keys::GRANTS, place.clone()));
            for team in owners(&grant.value) {
                self.list(Key::new(keys::grants_of_team(team), place.clone()));
            }
            self.list(keys::live_grant(resource_server, grant_id));
            if let Some(end) = expire_time {
                self.list(Key::new(keys::TIMER, keys::at(*end, grant_id.as_str())));
            }
        }
        let waiting = Key::new(keys::waiting(&grant.value.resource_server_team), place);
        match (grant.version, state) {
            (0, GrantState::Pending) => self.list(waiting),
            (0, _) | (_, GrantState::Pending) => {}
            _ => self.forget(waiting),
        }
        if grant.version > 0 && !state.is_live() {
            self.forget(keys::live_grant(resource_server, grant_id));
            if let Some(end) = expire_time {
                self.forget(Key::new(keys::TIMER, keys::at(*end, grant_id.as_str())));
            }
        }
        Ok(())
    }

    /// Adds a grant to the list of a team that is about to own one of its sides, and with `waits` to the list
    /// of those that wait for it.
    pub(crate) fn list_grant_for(&mut self, grant: &Grant, team: &TeamId, waits: bool) {
        let place = keys::at(grant.request_time, grant.grant_id.as_str());
        self.list(Key::new(keys::grants_of_team(team), place.clone()));
        if waits {
            self.list(Key::new(keys::waiting(team), place));
        }
    }

    /// Remembers that a token is revoked, until no verifier would take it anyway.
    pub fn put_revoked_token(
        &mut self,
        token: &TokenId,
        client: &ClientId,
        expire_time: Timestamp,
    ) {
        let key = keys::revoked_token(token);
        let place = keys::at(expire_time, token.as_str());
        self.writes.push(Write::Put {
            item: Item {
                index1: Some(keys::expiring(expire_time.plus_seconds(LEEWAY_SECONDS), &key)),
                index2: Some(IndexKey::new(keys::REVOKED, place)),
                key,
                version: 1,
                body: client.as_str().into(),
            },
            precondition: Precondition::Any,
        });
    }

    /// Keeps what a part of Turnpike has of its own, beside the keys of the installation: new, or over the
    /// revision it was read at. See [`Registry::own_record`](crate::Registry::own_record).
    pub fn put_own_record(&mut self, name: &str, record: Versioned<Vec<u8>>) {
        let Versioned { value: body, version } = record;
        let key = keys::system(name);
        self.put(Item { key, index1: None, index2: None, version: version + 1, body }, version);
    }

    /// Remembers the answer to a request, so that a repeat gets the same.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if it cannot be encoded.
    pub fn remember(&mut self, answered: Option<&Answered>) -> Result<(), Error> {
        if let Some(answered) = answered {
            let item = answered.to_item(&self.actor)?;
            // A record whose day is over may still be there: the one who read it decided that.
            self.writes.push(Write::Put { item, precondition: answered.precondition() });
        }
        Ok(())
    }

    fn put(&mut self, item: Item, version: u64) {
        self.writes.push(match version {
            0 => Write::insert(item),
            _ => Write::replace(item, version),
        });
    }

    fn delete(&mut self, key: Key, version: u64) {
        self.writes.push(Write::Delete { key, precondition: Precondition::Version(version) });
    }

    fn check(&mut self, key: Key, version: u64) {
        self.writes.push(Write::Check { key, precondition: Precondition::Version(version) });
    }

    fn list(&mut self, key: Key) {
        let item = Item { key, index1: None, index2: None, version: 1, body: Vec::new() };
        self.writes.push(Write::Put { item, precondition: Precondition::Any });
    }

    fn forget(&mut self, key: Key) {
        self.writes.push(Write::Delete { key, precondition: Precondition::Any });
    }
}

/// The teams that own the two sides of a grant, each once.
fn owners(grant: &Grant) -> Vec<&TeamId> {
    let mut teams = vec![&grant.client_team, &grant.resource_server_team];
    teams.dedup();
    teams
}

/// The grant behind a place in a list.
pub(crate) fn grant_at(place: &str) -> Result<GrantId, Error> {
    crate::record::kept("grant_id", GrantId::parse(keys::key_at(place)))
}
