//! Text that people write: names, descriptions, reasons.

use std::fmt;

use crate::error::Problem;

/// Declares a newtype over `String` whose only constructor is its `parse`.
macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}
pub(crate) use text_type;

text_type! {
    /// What people call a client: 1 to 128 characters of `[A-Za-z0-9_ +=,.@-]` (Cognito
    /// `ClientNameType` is `[\w\s+=,.@-]+`; of its white space only the space is taken).
    ClientName
}

text_type! {
    /// What people call a resource server: 1 to 256 characters of `[A-Za-z0-9_ +=,.@-]` (Cognito
    /// `ResourceServerNameType`).
    ResourceServerName
}

text_type! {
    /// What something is for: at most 1,000 characters, no control characters but line feeds. May be empty.
    Description
}

text_type! {
    /// Why someone wants or ends something: 1 to 1,000 characters, no control characters but line feeds.
    Reason
}

text_type! {
    /// What a scope lets a client do: 1 to 256 characters (Cognito `ResourceServerScopeDescriptionType`).
    ScopeDescription
}

/// Where a person's or a team's name is shown: at most 256 characters, no control characters.
pub const LABEL_MAX: usize = 256;

impl ClientName {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        aws_name(text, 128).map(Self)
    }
}

impl ResourceServerName {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        aws_name(text, 256).map(Self)
    }
}

impl Description {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        prose(text, 1000).map(Self)
    }
}

impl Reason {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        prose(text, 1000).map(Self)
    }
}

impl ScopeDescription {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        prose(text, 256).map(Self)
    }
}

/// Refuses the empty text.
pub(crate) fn required(text: &str) -> Result<(), Problem> {
    if text.is_empty() { Err(Problem::Required) } else { Ok(()) }
}

/// Refuses more than `max` characters.
pub(crate) fn at_most(text: &str, max: usize) -> Result<(), Problem> {
    // Bytes bound characters from above, so most texts are not counted.
    if text.len() > max && text.chars().count() > max {
        return Err(Problem::TooLong { max, unit: "characters" });
    }
    Ok(())
}

/// Refuses white space at either end: two names that look alike must not differ.
fn trimmed(text: &str) -> Result<(), Problem> {
    if text.trim() == text {
        Ok(())
    } else {
        Err(Problem::Malformed("without white space at its ends"))
    }
}

fn aws_name(text: &str, max: usize) -> Result<String, Problem> {
    required(text)?;
    at_most(text, max)?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_ +=,.@-".contains(c);
    if !text.chars().all(allowed) {
        return Err(Problem::Characters("letters, digits, spaces and `_ + = , . @ -`"));
    }
    trimmed(text)?;
    Ok(text.to_owned())
}

fn prose(text: &str, max: usize) -> Result<String, Problem> {
    at_most(text, max)?;
    if text.chars().any(|c| (c.is_control() && c != '\n') || is_invisible(c)) {
        return Err(Problem::Characters("visible characters, spaces and line feeds"));
    }
    trimmed(text)?;
    Ok(text.to_owned())
}

/// Characters that reorder or hide what a person reads (Unicode TR 36: bidirectional controls, and
/// zero-width ones).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// Text of 0 to `max` characters for a search, lower-cased.
///
/// # Errors
///
/// [`Problem::TooLong`], [`Problem::Characters`].
pub fn parse_search(text: &str) -> Result<String, Problem> {
    at_most(text, 100)?;
    if text.chars().any(char::is_control) {
        return Err(Problem::Characters("visible characters and spaces"));
    }
    Ok(text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_names_follow_cognito() {
        assert!(ClientName::parse("Partner shop, v2 @ acme.com").is_ok());
        assert!(ClientName::parse(&"x".repeat(128)).is_ok());
        assert_eq!(
            ClientName::parse(&"x".repeat(129)),
            Err(Problem::TooLong { max: 128, unit: "characters" })
        );
        assert_eq!(ClientName::parse(""), Err(Problem::Required));
        for bad in ["a/b", "a\tb", "é", "a\u{0}b", "a#b"] {
            assert!(matches!(ClientName::parse(bad), Err(Problem::Characters(_))), "{bad:?}");
        }
        assert!(matches!(ClientName::parse(" a"), Err(Problem::Malformed(_))));
    }

    #[test]
    fn prose_hides_nothing() {
        assert!(Reason::parse("Bestellungen für Häagen: 日本\nsecond line").is_ok());
        for bad in ["a\u{202E}b", "a\u{200B}b", "a\u{7}b", "a\rb"] {
            assert!(matches!(Reason::parse(bad), Err(Problem::Characters(_))), "{bad:?}");
        }
        assert_eq!(Reason::parse(""), Err(Problem::Required));
        assert!(Description::parse("").is_ok());
    }
}
