//! How a client holds the scopes of one resource server: what a verifier of that resource server has to know of it.

use std::collections::BTreeMap;

use crate::client::{Client, Cut};
use crate::scope::{Identifier, Scope};
use crate::time::{Timestamp, TokenLifetime};

/// How a client holds one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The scope.
    pub scope: Scope,
    /// By how long an active grant it is held; `None` if by none.
    pub held: Option<Until>,
    /// Tokens issued at or before this second do not carry it any more.
    pub cut: Option<Cut>,
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// Until that moment.
    Time(Timestamp),
    /// Until somebody ends it.
    Open,
}

impl Client {
    /// Which scopes of a resource server it holds, or has lost within the longest life of a token, in byte order.
    /// Pending grants are none of the resource server's verifiers' business.
    pub fn holdings_of(&self, identifier: &Identifier, now: Timestamp) -> Vec<Holding> {
        let mut holdings: BTreeMap<&Scope, Holding> = BTreeMap::new();
        let active = self.grants.iter().filter(|grant| grant.active);
        for grant in active.filter(|grant| grant.resource_server == *identifier) {
            let until = Some(grant.expire_time.map_or(Until::Open, Until::Time));
            for scope in &grant.scopes {
                let holding = holdings.entry(scope).or_insert_with(|| Holding::of(scope));
                holding.held = holding.held.max(until);
            }
        }
        for (scope, cut) in self.cuts_at(now).filter(|(scope, _)| scope.is_of(identifier)) {
            holdings.entry(scope).or_insert_with(|| Holding::of(scope)).cut = Some(*cut);
        }
        holdings.into_values().collect()
    }

    /// The resource servers whose scopes it holds, or has lost within the longest life of a token, each once.
    pub fn concerns(&self, now: Timestamp) -> Vec<Identifier> {
        let active = self.grants.iter().filter(|grant| grant.active);
        let mut concerned: Vec<Identifier> =
            active.map(|grant| grant.resource_server.clone()).collect();
        concerned.extend(self.cuts_at(now).map(|(scope, _)| scope.identifier()));
        concerned.sort();
        concerned.dedup();
        concerned
    }

    /// The cuts that still refuse a token that lives.
    fn cuts_at(&self, now: Timestamp) -> impl Iterator<Item = &(Scope, Cut)> {
        let oldest_token = now.plus_seconds(-TokenLifetime::MAX.seconds() - 60).seconds();
        self.scope_cuts.iter().filter(move |(_, cut)| cut.seconds() >= oldest_token)
    }
}

impl Holding {
    fn of(scope: &Scope) -> Self {
        Self { scope: scope.clone(), held: None, cut: None }
    }
}
