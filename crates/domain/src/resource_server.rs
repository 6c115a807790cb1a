//! An API: something that accepts or refuses tokens.

use crate::actor::ApiScope;
use crate::error::Problem;
use crate::event::{Fields, Value, brief};
use crate::id::TeamId;
use crate::scope::{Identifier, Scope, ScopeName};
use crate::secret::Secrets;
use crate::text::{Description, ResourceServerName, ScopeDescription};
use crate::time::Timestamp;

/// A resource server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    /// Its key and the prefix of its scopes.
    pub identifier: Identifier,
    /// What people call it.
    pub display_name: ResourceServerName,
    /// What it is for.
    pub description: Description,
    /// Its owner, which decides its grants.
    pub team: TeamId,
    /// What it offers.
    pub scopes: OfferedScopes,
    /// What it authenticates to introspection with.
    pub secrets: Secrets,
    /// When it was registered.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// A permission that a resource server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedScope {
    /// Its name within the resource server.
    pub name: ScopeName,
    /// What a client may do with it.
    pub description: ScopeDescription,
}

/// The scopes of one resource server: at most 100 (Cognito, not adjustable), each name once, each
/// joined form within 256 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedScopes(Vec<OfferedScope>);

impl OfferedScopes {
    /// How many a resource server may offer.
    pub const MAX: usize = 100;

    /// # Errors
    ///
    /// Each scope that breaks a rule, by its place, with the rule; the place is `None` if it is their number.
    pub fn new(
        identifier: &Identifier,
        scopes: Vec<OfferedScope>,
    ) -> Result<Self, Vec<(Option<usize>, Problem)>> {
        if scopes.len() > Self::MAX {
            return Err(vec![(None, Problem::TooLong { max: Self::MAX, unit: "entries" })]);
        }
        let mut problems = Vec::new();
        for (at, scope) in scopes.iter().enumerate() {
            if scopes[..at].iter().any(|earlier| earlier.name == scope.name) {
                problems.push((Some(at), Problem::Duplicate));
            } else if let Err(problem) = identifier.scope(&scope.name) {
                problems.push((Some(at), problem));
            }
        }
        if problems.is_empty() { Ok(Self(scopes)) } else { Err(problems) }
    }

    /// In the order their owner gave them.
    pub fn list(&self) -> &[OfferedScope] {
        &self.0
    }

    /// Whether one has that name.
    pub fn has(&self, name: &ScopeName) -> bool {
        self.0.iter().any(|scope| scope.name == *name)
    }
}

impl ResourceServer {
    /// The resource server of Turnpike's own API, owned by `team`.
    ///
    /// # Errors
    ///
    /// Never for the constants it is made of; a test holds that.
    pub fn built_in(team: TeamId, now: Timestamp) -> Result<Self, Problem> {
        let identifier = Identifier::built_in();
        let scopes = ApiScope::ALL
            .iter()
            .map(|scope| {
                Ok(OfferedScope {
                    name: ScopeName::parse(scope.name())?,
                    description: ScopeDescription::parse(scope.description())?,
                })
            })
            .collect::<Result<Vec<_>, Problem>>()?;
        Ok(Self {
            display_name: ResourceServerName::parse("Turnpike")?,
            description: Description::parse("Turnpike's own API, for programs.")?,
            scopes: OfferedScopes::new(&identifier, scopes).map_err(|problems| {
                problems.into_iter().next().map_or(Problem::Required, |p| p.1)
            })?,
            identifier,
            team,
            secrets: Secrets::default(),
            create_time: now,
            update_time: now,
        })
    }

    /// The scope of that name, if offered.
    pub fn offered(&self, name: &ScopeName) -> Option<Scope> {
        self.scopes.has(name).then(|| self.identifier.scope(name).ok()).flatten()
    }

    /// Whether `scope` is one of those offered.
    pub fn offers(&self, scope: &Scope) -> bool {
        scope.is_of(&self.identifier) && self.scopes.has(&scope.name())
    }

    /// Its key as `kind/key`.
    pub fn subject(&self) -> String {
        format!("resource-servers/{}", self.identifier)
    }

    /// What the log compares.
    pub fn fields(&self) -> Fields {
        let scopes = self.scopes.0.iter();
        let scopes = scopes.map(|s| format!("{}: {}", s.name, brief(s.description.as_str())));
        vec![
            ("display_name", self.display_name.as_str().into()),
            ("description", self.description.as_str().into()),
            ("team", self.team.as_str().into()),
            ("scopes", Value::List(scopes.collect())),
            ("secrets", secret_ids(&self.secrets)),
        ]
    }
}

/// The keys of secrets, which are no secrets.
pub(crate) fn secret_ids(secrets: &Secrets) -> Value {
    Value::List(secrets.list().iter().map(|entry| entry.secret_id.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_one_is_right() {
        let team = TeamId::parse("platform").unwrap();
        let built_in = ResourceServer::built_in(team, Timestamp::from_millis(0)).unwrap();
        assert_eq!(built_in.scopes.list().len(), ApiScope::ALL.len());
    }

    #[test]
    fn a_name_stands_once_and_a_hundred_is_the_end() {
        let identifier = Identifier::parse("api").unwrap();
        let scope = |name: &str| OfferedScope {
            name: ScopeName::parse(name).unwrap(),
            description: ScopeDescription::parse("d").unwrap(),
        };
        let twice = OfferedScopes::new(&identifier, ["a", "b", "a", "b"].map(scope).to_vec());
        let problems = vec![(Some(2), Problem::Duplicate), (Some(3), Problem::Duplicate)];
        assert_eq!(twice, Err(problems));
        let many = |n| (0..n).map(|i| scope(&format!("s{i}"))).collect::<Vec<_>>();
        assert!(OfferedScopes::new(&identifier, many(100)).is_ok());
        assert!(OfferedScopes::new(&identifier, many(101)).is_err());
    }
}
