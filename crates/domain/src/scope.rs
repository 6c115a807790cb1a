//! Identifiers of resource servers, names of scopes, and the two joined.

use std::fmt;

use crate::error::Problem;
use crate::text::{at_most, required, text_type};

text_type! {
    /// Key of a resource server and prefix of its scopes: 1 to 256 characters `[\x21\x23-\x5B\x5D-\x7E]`
    /// (Cognito `ResourceServerIdentifierType`).
    Identifier
}

text_type! {
    /// Name of a scope within its resource server: 1 to 256 characters `[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]`
    /// (Cognito `ResourceServerScopeNameType`: as an identifier, and no `/`).
    ScopeName
}

text_type! {
    /// A scope as it stands in a token: `identifier/name`, at most 256 characters (an entry of Cognito's
    /// `AllowedOAuthScopes`), split at the last `/`.
    Scope
}

/// The longest joined scope.
const SCOPE_MAX: usize = 256;

const IDENTIFIER_RULE: &str = "visible ASCII characters but `\"` and `\\`, and no spaces";

impl Identifier {
    /// The resource server of Turnpike's own API.
    pub const BUILT_IN: &'static str = "turnpike";

    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, 256)?;
        if !text.bytes().all(is_scope_token_byte) {
            return Err(Problem::Characters(IDENTIFIER_RULE));
        }
        Ok(Self(text.to_owned()))
    }

    /// The resource server of Turnpike's own API.
    pub fn built_in() -> Self {
        Self(Self::BUILT_IN.to_owned())
    }

    /// Whether this is [`Self::built_in`].
    pub fn is_built_in(&self) -> bool {
        self.0 == Self::BUILT_IN
    }

    /// Whether `scope`, as it stands in a token, is one of this resource server: as [`Scope::is_of`], without parsing.
    pub fn is_prefix_of(&self, scope: &str) -> bool {
        scope.rsplit_once('/').is_some_and(|(identifier, _)| identifier == self.0)
    }

    /// The scope of that name.
    ///
    /// # Errors
    ///
    /// [`Problem::TooLong`] if the joined form is.
    pub fn scope(&self, name: &ScopeName) -> Result<Scope, Problem> {
        if self.0.len() + 1 + name.0.len() > SCOPE_MAX {
            return Err(Problem::Conflict(
                "must have at most 256 characters together with the identifier and a `/`",
            ));
        }
        Ok(Scope(format!("{}/{}", self.0, name.0)))
    }
}

impl ScopeName {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, 256)?;
        if !text.bytes().all(|b| is_scope_token_byte(b) && b != b'/') {
            return Err(Problem::Characters(
                "visible ASCII characters but `\"`, `\\` and `/`, and no spaces",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Scope {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, SCOPE_MAX)?;
        if !text.bytes().all(is_scope_token_byte) {
            return Err(Problem::Characters(IDENTIFIER_RULE));
        }
        match text.rsplit_once('/') {
            Some((identifier, name)) if !identifier.is_empty() && !name.is_empty() => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Problem::Malformed("of the form `identifier/name`")),
        }
    }

    /// The resource server it belongs to.
    pub fn identifier(&self) -> Identifier {
        Identifier(self.split().0.to_owned())
    }

    /// Its name there.
    pub fn name(&self) -> ScopeName {
        ScopeName(self.split().1.to_owned())
    }

    /// Whether it is a scope of `identifier`.
    pub fn is_of(&self, identifier: &Identifier) -> bool {
        self.split().0 == identifier.as_str()
    }

    fn split(&self) -> (&str, &str) {
        // `parse` and `Identifier::scope` make no scope without a `/`.
        self.0.rsplit_once('/').unwrap_or((&self.0, ""))
    }
}

/// RFC 6749 section 3.3 `scope-token`, which is also Cognito's pattern.
fn is_scope_token_byte(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_splits_at_its_last_slash() {
        let scope = Scope::parse("https://orders.example.com/v1/place-order").unwrap();
        assert_eq!(scope.identifier().as_str(), "https://orders.example.com/v1");
        assert_eq!(scope.name().as_str(), "place-order");
        let identifier = Identifier::parse("https://orders.example.com/v1").unwrap();
        assert!(scope.is_of(&identifier) && identifier.is_prefix_of(scope.as_str()));
        for other in ["https://orders.example.com", "https://orders.example.com/v1/place-order"] {
            assert!(!Identifier::parse(other).unwrap().is_prefix_of(scope.as_str()), "{other}");
        }
    }

    #[test]
    fn the_joined_form_is_bounded() {
        let identifier = Identifier::parse(&"i".repeat(200)).unwrap();
        let fits = ScopeName::parse(&"n".repeat(55)).unwrap();
        assert_eq!(identifier.scope(&fits).unwrap().as_str().len(), 256);
        let over = ScopeName::parse(&"n".repeat(56)).unwrap();
        assert!(identifier.scope(&over).is_err());
    }

    #[test]
    fn patterns_follow_cognito() {
        for bad in ["", "a b", "a\"b", "a\\b", "ä", "a\u{7f}"] {
            assert!(Identifier::parse(bad).is_err(), "{bad:?}");
            assert!(ScopeName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Identifier::parse("a/b!~").is_ok());
        assert!(ScopeName::parse("a/b").is_err());
        for bad in ["a", "/a", "a/", "/"] {
            assert!(Scope::parse(bad).is_err(), "{bad:?}");
        }
    }
}
