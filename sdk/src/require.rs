//! Which scopes a token must hold for a request.

use std::fmt;

use crate::scope;

/// What a token must hold to be accepted. All-of and any-of are different words here, because a
/// plain list of scopes that means "any" is a classic hole.
///
/// A Cognito token has no audience: the resource server's identifier in front of each scope is the
/// only thing that ties a token to an API. So an API asks for scopes of its own, and
/// [`Require::any_token`] is for whoever decides on scopes elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Require {
    even_if_stale: bool,
    kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    AllOf(Box<[Box<str>]>),
    AnyOf(Box<[Box<str>]>),
    AnyToken,
}

/// The list of scopes cannot be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// "All of nothing" would accept every token, "any of nothing" none. Neither is meant.
    #[error("no scopes are named; any token at all is its own word")]
    Empty,
    /// A scope holds a character that a scope cannot have (RFC 6749 section 3.3), or is empty.
    #[error("not a scope: only visible ASCII without space, quote and backslash")]
    NotAScope,
}

impl Require {
    /// Every one of `scopes`.
    ///
    /// # Errors
    ///
    /// When the list is empty or holds something that is no scope.
    pub fn all_of<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        Ok(Self::of(Kind::AllOf(parse(scopes)?)))
    }

    /// At least one of `scopes`.
    ///
    /// # Errors
    ///
    /// When the list is empty or holds something that is no scope.
    pub fn any_of<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        Ok(Self::of(Kind::AnyOf(parse(scopes)?)))
    }

    /// No scope in particular: every token that the verifier accepts, for whichever API it was
    /// issued. Not enough to protect an API; whoever uses it checks the scopes itself.
    #[must_use]
    pub const fn any_token() -> Self {
        Self::of(Kind::AnyToken)
    }

    /// The same, also while the policy [is too old](crate::Refusal::StalePolicy) to know who was revoked since: for
    /// requests where an answer for a revoked client does less harm than no answer for anybody. What was known
    /// last decides; a policy that knows nothing yet refuses all the same.
    #[must_use]
    pub fn even_if_stale(self) -> Self {
        Self { even_if_stale: true, ..self }
    }

    /// The scopes it names, in the order given: for messages and for `WWW-Authenticate`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let (Kind::AllOf(scopes) | Kind::AnyOf(scopes)) = &self.kind else {
            return [].iter().map(AsRef::as_ref);
        };
        scopes.iter().map(AsRef::as_ref)
    }

    pub(crate) const fn accepts_stale(&self) -> bool {
        self.even_if_stale
    }

    const fn of(kind: Kind) -> Self {
        Self { even_if_stale: false, kind }
    }

    /// Whether it is met by the scopes that `holds` says yes to.
    pub(crate) fn is_met(&self, mut holds: impl FnMut(&str) -> bool) -> bool {
        match &self.kind {
            Kind::AllOf(scopes) => scopes.iter().all(|scope| holds(scope)),
            Kind::AnyOf(scopes) => scopes.iter().any(|scope| holds(scope)),
            Kind::AnyToken => true,
        }
    }
}

impl fmt::Debug for Require {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::AllOf(scopes) => f.debug_tuple("AllOf").field(scopes).finish()?,
            Kind::AnyOf(scopes) => f.debug_tuple("AnyOf").field(scopes).finish()?,
            Kind::AnyToken => f.write_str("AnyToken")?,
        }
        f.write_str(if self.even_if_stale { " even if stale" } else { "" })
    }
}

fn parse<S: AsRef<str>>(scopes: impl IntoIterator<Item = S>) -> Result<Box<[Box<str>]>, Error> {
    let scopes: Box<[Box<str>]> =
        scopes.into_iter().map(|scope| Box::from(scope.as_ref())).collect();
    if scopes.is_empty() {
        return Err(Error::Empty);
    }
    if scopes.iter().any(|scope| !scope::is_token(scope)) {
        return Err(Error::NotAScope);
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_and_any_differ() {
        let held = |scope: &str| scope == "api/read";
        let both = ["api/read", "api/write"];
        assert!(!Require::all_of(both).expect("scopes").is_met(held));
        assert!(Require::any_of(both).expect("scopes").is_met(held));
        assert!(Require::all_of(["api/read"]).expect("a scope").is_met(held));
        assert!(!Require::any_of(["api/rea", "api/read/"]).expect("scopes").is_met(held));
        assert!(Require::any_token().is_met(|_| false));
    }

    #[test]
    fn nothing_is_not_asked_for_by_accident() {
        assert_eq!(Require::all_of([""; 0]), Err(Error::Empty));
        assert_eq!(Require::any_of([""; 0]), Err(Error::Empty));
        assert_eq!(Require::all_of(["api/read api/write"]), Err(Error::NotAScope));
        assert_eq!(Require::any_of([""]), Err(Error::NotAScope));
        assert_eq!(Require::any_of(["api/r\u{e9}ad"]), Err(Error::NotAScope));
    }
}
