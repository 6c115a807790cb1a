//! A confidential OAuth client.

use std::collections::BTreeSet;

use crate::actor::ApiScope;
use crate::error::Error;
use crate::event::{Fields, Value};
use crate::grant::{Grant, GrantState};
use crate::id::{ClientId, GrantId, TeamId};
use crate::resource_server::secret_ids;
use crate::scope::{Identifier, Scope, ScopeName};
use crate::secret::Secrets;
use crate::text::{ClientName, Description};
use crate::time::{Timestamp, TokenLifetime};

/// How many scopes a client may hold (Cognito `AllowedOAuthScopes`, not adjustable).
pub const SCOPES_MAX: usize = 50;

/// How many scopes the live grants of a client may name, each counted as often as it is named: its record
/// holds them all, and must fit into an item of the store.
pub const NAMED_SCOPES_MAX: usize = 500;

/// How many scopes may be cut one by one, for the same reason; beyond it all tokens are.
const SCOPE_CUTS_MAX: usize = 200;

/// How many seconds ahead of the time a cut may be and be believed. More is no skew of clocks: one was wrong.
const AHEAD_MAX: i64 = 3600;

/// A client, with all that decides whether it gets a token and whether its tokens are good: one read of
/// one record answers both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its key.
    pub client_id: ClientId,
    /// What people call it.
    pub display_name: ClientName,
    /// What it is for.
    pub description: Description,
    /// Its owner.
    pub team: TeamId,
    /// How long its tokens live.
    pub token_lifetime: TokenLifetime,
    /// Whether it may get and use tokens.
    pub enabled: bool,
    /// What it authenticates with.
    pub secrets: Secrets,
    /// Its pending and active grants.
    pub grants: Vec<ClientGrant>,
    /// Tokens issued at or before this second are refused.
    pub tokens_revoked: Option<Cut>,
    /// The same for one scope: grants of it that ended within the longest token lifetime.
    pub scope_cuts: Vec<(Scope, Cut)>,
    /// When it was registered.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// A live grant, as its client's record keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientGrant {
    /// The grant.
    pub grant_id: GrantId,
    /// The resource server.
    pub resource_server: Identifier,
    /// The scopes.
    pub scopes: Vec<Scope>,
    /// Whether it is active; else it waits.
    pub active: bool,
    /// When it ends by itself.
    pub expire_time: Option<Timestamp>,
}

/// A second: tokens issued in it or before are refused. Tokens carry whole seconds (`iat`), so nothing
/// finer could be told apart. The token endpoint issues nothing the cut would catch: it waits for the
/// second to end.
///
/// A cut reaches a second past the moment it was decided at, because a change is decided a little before it is
/// durable: a token that was issued in between must not outlive it. Where that took longer, the registry
/// [moves the cut on](Client::move_cuts).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut(i64);

impl Cut {
    /// The cut that ends all tokens issued before a change that is decided `now` is durable.
    pub const fn at(now: Timestamp) -> Self {
        Self(now.seconds() + 1)
    }

    /// The cut that ends all tokens issued up to a moment, of a change that is durable by then.
    pub const fn through(moment: Timestamp) -> Self {
        Self(moment.seconds())
    }

    /// From seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// Whether it refuses a token issued at that second (`iat`).
    pub const fn refuses(self, issued_at: i64) -> bool {
        issued_at <= self.0
    }
}

impl Client {
    /// The scopes it holds at `now`, each once, in byte order; with `None`, whatever their end.
    pub fn scopes_at(&self, now: Option<Timestamp>) -> Vec<Scope> {
        let mut scopes: Vec<Scope> = self
            .grants
            .iter()
            .filter(|grant| grant.holds_at(now))
            .flat_map(|grant| grant.scopes.iter().cloned())
            .collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// Whether it holds `scope` at `now`.
    pub fn holds(&self, scope: &str, now: Timestamp) -> bool {
        self.grants
            .iter()
            .any(|g| g.holds_at(Some(now)) && g.scopes.iter().any(|s| s.as_str() == scope))
    }

    /// Whether a token issued at that second (`iat`) still carries `scope`.
    pub fn scope_lives(&self, scope: &str, issued_at: i64, now: Timestamp) -> bool {
        let cut = self.scope_cuts.iter().find(|(s, _)| s.as_str() == scope);
        !cut.is_some_and(|(_, cut)| cut.refuses(issued_at)) && self.holds(scope, now)
    }

    /// The first second at which a token with `scopes` can be issued that no cut refuses.
    pub fn earliest_issue(&self, scopes: &[Scope]) -> i64 {
        let of_scopes = self.scope_cuts.iter().filter(|(s, _)| scopes.contains(s)).map(|(_, c)| c);
        of_scopes.chain(&self.tokens_revoked).map(|cut| cut.seconds() + 1).max().unwrap_or(0)
    }

    /// What it may do with Turnpike itself, whatever the end of the grants.
    pub fn api_scopes(&self) -> BTreeSet<ApiScope> {
        let scopes = self.scopes_at(None);
        let ours = Identifier::built_in();
        let named = |scope: &&Scope| scope.is_of(&ours);
        let names: Vec<ScopeName> = scopes.iter().filter(named).map(Scope::name).collect();
        let holds = |api: &ApiScope| names.iter().any(|name| name.as_str() == api.name());
        ApiScope::ALL.into_iter().filter(holds).collect()
    }

    /// Refuses all tokens issued so far. A cut that a clock set which ran ahead is replaced: it would refuse all
    /// tokens until that time comes.
    pub fn revoke_tokens(&mut self, now: Timestamp) {
        let cut = Cut::at(now);
        let believed = self.tokens_revoked.filter(|old| old.seconds() <= cut.seconds() + AHEAD_MAX);
        self.tokens_revoked = believed.max(Some(cut));
    }

    /// The latest of its cuts.
    pub fn latest_cut(&self) -> Option<Cut> {
        self.scope_cuts.iter().map(|(_, cut)| *cut).chain(self.tokens_revoked).max()
    }

    /// Moves the cuts from `since` on to `to`, as far as they are before it; says whether there were any.
    pub fn move_cuts(&mut self, since: Cut, to: Cut) -> bool {
        let of_scopes = self.scope_cuts.iter_mut().map(|(_, cut)| cut);
        let mut any = false;
        for cut in of_scopes.chain(&mut self.tokens_revoked).filter(|cut| (since..to).contains(cut))
        {
            *cut = to;
            any = true;
        }
        any
    }

    /// Whether it could hold these scopes too, were they granted.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `TOO_MANY_SCOPES` if it would hold more than [`SCOPES_MAX`], or its live grants
    /// would name more than [`NAMED_SCOPES_MAX`].
    pub fn check_room(&self, scopes: &[Scope], now: Timestamp) -> Result<(), Error> {
        let mut would_hold = self.scopes_at(Some(now));
        would_hold
            .extend(scopes.iter().filter(|s| !would_hold.contains(s)).cloned().collect::<Vec<_>>());
        if would_hold.len() > SCOPES_MAX {
            return Err(self.too_many_scopes(would_hold.len()));
        }
        let live = self.grants.iter().filter(|g| g.expire_time.is_none_or(|end| now < end));
        let named = live.map(|grant| grant.scopes.len()).sum::<usize>() + scopes.len();
        if named > NAMED_SCOPES_MAX {
            return Err(Error::blocked(
                "TOO_MANY_SCOPES",
                self.subject(),
                format!(
                    "the client's grants and requests would name {named} scopes, and may name \
                     {NAMED_SCOPES_MAX}: withdraw some"
                ),
            ));
        }
        Ok(())
    }

    /// Takes over the state of one of its grants: adds, changes or removes it, and cuts the scopes that
    /// no grant holds any more.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `TOO_MANY_SCOPES` if it would hold more than [`SCOPES_MAX`].
    pub fn take_grant(&mut self, grant: &Grant, now: Timestamp) -> Result<(), Error> {
        // A grant that reached its end loses its scopes first, or one approved now would revive tokens
        // of the one that ended.
        let held = self.scopes_at(None);
        self.grants.retain(|known| known.expire_time.is_none_or(|end| now < end));
        self.cut_lost(held, now);

        let held = self.scopes_at(None);
        self.grants.retain(|known| known.grant_id != grant.grant_id);
        if grant.state.is_live() {
            self.grants.push(ClientGrant::of(grant));
        }
        let holds = self.scopes_at(None).len();
        if holds > SCOPES_MAX && holds > held.len() {
            return Err(self.too_many_scopes(holds));
        }
        self.cut_lost(held, now);
        Ok(())
    }

    /// Cuts the scopes of `held` that no grant holds any more.
    fn cut_lost(&mut self, held: Vec<Scope>, now: Timestamp) {
        // A cut outlives every token it could refuse, and no longer.
        let oldest_token = now.plus_seconds(-TokenLifetime::MAX.seconds() - 60).seconds();
        self.scope_cuts.retain(|(_, cut)| cut.seconds() >= oldest_token);
        let holds = self.scopes_at(None);
        for scope in held.into_iter().filter(|scope| !holds.contains(scope)) {
            self.scope_cuts.retain(|(cut, _)| *cut != scope);
            self.scope_cuts.push((scope, Cut::at(now)));
        }
        if self.scope_cuts.len() > SCOPE_CUTS_MAX {
            let latest = self.scope_cuts.drain(..).map(|(_, cut)| cut).max();
            self.tokens_revoked = self.tokens_revoked.max(latest);
        }
    }

    fn too_many_scopes(&self, would_hold: usize) -> Error {
        Error::blocked(
            "TOO_MANY_SCOPES",
            self.subject(),
            format!("the client would hold {would_hold} scopes, and may hold {SCOPES_MAX}"),
        )
    }

    /// Its key as `kind/key`.
    pub fn subject(&self) -> String {
        format!("clients/{}", self.client_id)
    }

    /// What the log compares.
    pub fn fields(&self) -> Fields {
        let scopes = self.scopes_at(None).iter().map(ToString::to_string).collect();
        let mut fields = vec![
            ("display_name", self.display_name.as_str().into()),
            ("description", self.description.as_str().into()),
            ("team", self.team.as_str().into()),
            ("token_lifetime_seconds", Value::Number(self.token_lifetime.seconds())),
            ("enabled", Value::Bool(self.enabled)),
            ("secrets", secret_ids(&self.secrets)),
            ("scopes", Value::List(scopes)),
        ];
        let revoked = self.tokens_revoked.map(|cut| Value::Number(cut.seconds() * 1000));
        fields.extend(revoked.map(|time| ("tokens_revoked_time", time)));
        fields
    }
}

impl ClientGrant {
    fn of(grant: &Grant) -> Self {
        Self {
            grant_id: grant.grant_id.clone(),
            resource_server: grant.resource_server.clone(),
            scopes: grant.scopes.list().to_vec(),
            active: grant.state == GrantState::Active,
            expire_time: grant.expire_time,
        }
    }

    fn holds_at(&self, now: Option<Timestamp>) -> bool {
        self.active && now.is_none_or(|now| self.expire_time.is_none_or(|end| now < end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Principal;
    use crate::grant::{Decision, GrantScopes};
    use crate::text::Reason;

    fn client() -> Client {
        Client {
            client_id: ClientId::parse("c1").unwrap(),
            display_name: ClientName::parse("Shop").unwrap(),
            description: Description::parse("").unwrap(),
            team: TeamId::parse("partners").unwrap(),
            token_lifetime: TokenLifetime::DEFAULT,
            enabled: true,
            secrets: Secrets::default(),
            grants: Vec::new(),
            tokens_revoked: None,
            scope_cuts: Vec::new(),
            create_time: Timestamp::from_millis(0),
            update_time: Timestamp::from_millis(0),
        }
    }

    fn active(key: char, scopes: &[&str], expire_time: Option<Timestamp>) -> Grant {
        let resource_server = Identifier::parse("api").unwrap();
        let scopes = scopes.iter().map(|s| Scope::parse(s).unwrap()).collect();
        let mut grant = Grant {
            grant_id: GrantId::parse(&format!("gr_{}", key.to_string().repeat(26))).unwrap(),
            client_id: ClientId::parse("c1").unwrap(),
            client_team: TeamId::parse("partners").unwrap(),
            scopes: GrantScopes::new(&resource_server, scopes).unwrap(),
            resource_server,
            resource_server_team: TeamId::parse("orders").unwrap(),
            reason: Reason::parse("why").unwrap(),
            expire_time,
            state: GrantState::Pending,
            requester: Principal::system(),
            request_time: Timestamp::from_millis(0),
            decision: None,
            end: None,
        };
        let note = Description::parse("").unwrap();
        let time = Timestamp::from_millis(1);
        grant.approve(Decision { decider: Principal::system(), time, note }).unwrap();
        grant
    }

    const fn second(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_scope_lives_from_a_grant_to_its_end() {
        let mut client = client();
        let mut grant = active('a', &["api/read"], None);
        client.take_grant(&grant, second(100)).unwrap();
        assert!(client.scope_lives("api/read", 101, second(102)));
        grant.revoke(second(200), "over".to_owned()).unwrap();
        client.take_grant(&grant, second(200)).unwrap();
        assert!(!client.scope_lives("api/read", 101, second(201)));
    }

    #[test]
    fn a_new_grant_does_not_revive_the_tokens_of_an_old_one() {
        let mut client = client();
        let mut old = active('a', &["api/read"], None);
        client.take_grant(&old, second(100)).unwrap();
        old.revoke(second(200), "over".to_owned()).unwrap();
        client.take_grant(&old, second(200)).unwrap();
        client.take_grant(&active('b', &["api/read"], None), second(200)).unwrap();
        assert!(!client.scope_lives("api/read", 201, second(300)));
        assert!(client.scope_lives("api/read", 202, second(300)));
        assert_eq!(client.earliest_issue(&[Scope::parse("api/read").unwrap()]), 202);
    }

    #[test]
    fn nor_does_one_that_follows_an_expired_one() {
        let mut client = client();
        client.take_grant(&active('a', &["api/read"], Some(second(150))), second(100)).unwrap();
        assert!(!client.scope_lives("api/read", 120, second(150)));
        client.take_grant(&active('b', &["api/read"], None), second(160)).unwrap();
        assert!(!client.scope_lives("api/read", 120, second(161)));
        assert!(client.scope_lives("api/read", 162, second(162)));
    }

    #[test]
    fn two_grants_of_a_scope_hold_it_until_both_end() {
        let mut client = client();
        client.take_grant(&active('a', &["api/read"], None), second(100)).unwrap();
        let mut second_grant = active('b', &["api/read", "api/write"], None);
        client.take_grant(&second_grant, second(110)).unwrap();
        second_grant.revoke(second(120), "over".to_owned()).unwrap();
        client.take_grant(&second_grant, second(120)).unwrap();
        assert!(client.scope_lives("api/read", 101, second(130)));
        assert!(!client.scope_lives("api/write", 111, second(130)));
    }

    #[test]
    fn too_many_cuts_become_one() {
        let mut client = client();
        for n in 0..5 {
            let names: Vec<String> = (0..50).map(|s| format!("api/{n}-{s}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut grant = active('a', &names, None);
            client.take_grant(&grant, second(100)).unwrap();
            grant.revoke(second(200 + n), "over".to_owned()).unwrap();
            client.take_grant(&grant, second(200 + n)).unwrap();
        }
        assert!(client.scope_cuts.is_empty());
        assert_eq!(client.tokens_revoked, Some(Cut::at(second(204))));
    }

    #[test]
    fn requests_have_bounds_too() {
        let mut client = client();
        let scopes = |n: usize| -> Vec<Scope> {
            (0..n).map(|s| Scope::parse(&format!("api/s{s}")).unwrap()).collect()
        };
        assert!(client.check_room(&scopes(50), second(1)).is_ok());
        assert!(client.check_room(&scopes(51), second(1)).is_err());
        for key in 'a'..='j' {
            let names: Vec<String> = (0..50).map(|s| format!("api/{key}{s}")).collect();
            let mut grant =
                active(key, &names.iter().map(String::as_str).collect::<Vec<_>>(), None);
            grant.state = GrantState::Pending;
            client.take_grant(&grant, second(1)).unwrap();
        }
        assert!(client.check_room(&scopes(1), second(1)).is_err());
    }

    #[test]
    fn fifty_scopes_are_the_end() {
        let mut client = client();
        let names: Vec<String> = (0..50).map(|n| format!("api/s{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        client.take_grant(&active('a', &names, None), second(1)).unwrap();
        let over = client.take_grant(&active('b', &["api/one-more"], None), second(2));
        assert!(matches!(over, Err(Error::Precondition(_))));
    }
}
