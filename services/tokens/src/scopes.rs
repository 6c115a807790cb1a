//! Which scopes a token gets.

use std::collections::BTreeSet;

use turnpike_domain::Scope;
use turnpike_rpc::oauth::Refusal;

const MALFORMED: &str =
    "the scope is malformed: scopes of the form identifier/name, with one space between";
const NONE: &str = "the client holds no scope: the owner of an API has to approve a grant first";

/// The scopes that a request names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All that the client holds: the request names none.
    All,
    /// These, in whatever order and however often they were named (RFC 6749 section 3.3).
    These(BTreeSet<Scope>),
}

impl Wanted {
    /// Reads the parameter `scope`: scopes with one space between (RFC 6749 appendix A.4).
    pub(crate) fn parse(scope: Option<&str>) -> Result<Self, Refusal> {
        let Some(scope) = scope else { return Ok(Self::All) };
        let scopes: Result<BTreeSet<Scope>, _> = scope.split(' ').map(Scope::parse).collect();
        scopes.map(Self::These).map_err(|_| Refusal::Scope(MALFORMED.into()))
    }

    /// What a client gets that holds `held`; in the order of `held`.
    pub(crate) fn of(&self, held: Vec<Scope>) -> Result<Vec<Scope>, Refusal> {
        if held.is_empty() {
            return Err(Refusal::Scope(NONE.into()));
        }
        match self {
            Self::All => Ok(held),
            Self::These(wanted) => match wanted.iter().find(|scope| !held.contains(scope)) {
                // Whoever asks has shown the secret of the client.
                Some(scope) => {
                    Err(Refusal::Scope(format!("the client does not hold {scope}").into()))
                }
                None => Ok(held.into_iter().filter(|scope| wanted.contains(scope)).collect()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(names: &[&str]) -> Vec<Scope> {
        names.iter().map(|name| Scope::parse(name).unwrap()).collect()
    }

    fn given(scope: Option<&str>, held: &[&str]) -> Result<Vec<Scope>, &'static str> {
        Wanted::parse(scope).and_then(|wanted| wanted.of(scopes(held))).map_err(|r| r.error())
    }

    #[test]
    fn scopes_are_a_set() {
        let held = ["a/1", "a/2", "b/1"];
        assert_eq!(given(None, &held), Ok(scopes(&held)));
        assert_eq!(given(Some("b/1 a/1"), &held), Ok(scopes(&["a/1", "b/1"])));
        assert_eq!(given(Some("a/1 a/1"), &held), Ok(scopes(&["a/1"])));
    }

    #[test]
    fn what_is_not_held_is_not_left_out_in_silence() {
        for scope in [
            "a/1 a/3", "a/3", "A/1", "a", "a/", "a/1  a/2", " a/1", "a/1 ", "a/1\ta/2", "a/\"",
            "ä/1",
        ] {
            assert_eq!(given(Some(scope), &["a/1", "a/2"]), Err("invalid_scope"), "{scope:?}");
        }
        assert_eq!(given(None, &[]), Err("invalid_scope"));
        assert_eq!(given(Some("a/1"), &[]), Err("invalid_scope"));
    }
}
