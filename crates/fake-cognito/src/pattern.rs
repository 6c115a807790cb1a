//! The patterns of the service model (API version 2016-04-18). `\w` and `\s` are ASCII there.

/// A pattern: its text, and what it means.
#[derive(Clone, Copy)]
pub(crate) struct Pattern {
    pub(crate) text: &'static str,
    pub(crate) matches: fn(&str) -> bool,
}

/// `ClientIdType`, `ClientSecretType`.
pub(crate) const WORD_PLUS: Pattern =
    Pattern { text: r"[\w+]+", matches: |text| text.chars().all(|c| is_word(c) || c == '+') };

/// `ClientNameType`, `ResourceServerNameType`.
pub(crate) const NAME: Pattern = Pattern {
    text: r"[\w\s+=,.@-]+",
    matches: |text| text.chars().all(|c| is_word(c) || is_space(c) || "+=,.@-".contains(c)),
};

/// `ResourceServerIdentifierType`, `ScopeType`.
pub(crate) const IDENTIFIER: Pattern = Pattern {
    text: r"[\x21\x23-\x5B\x5D-\x7E]+",
    matches: |text| text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)),
};

/// `ResourceServerScopeNameType`.
pub(crate) const SCOPE_NAME: Pattern = Pattern {
    text: r"[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+",
    matches: |text| (IDENTIFIER.matches)(text) && !text.contains('/'),
};

/// `UserPoolIdType`.
pub(crate) const POOL_ID: Pattern = Pattern {
    text: r"[\w-]+_[0-9a-zA-Z]+",
    matches: |text| {
        text.rsplit_once('_').is_some_and(|(region, id)| {
            !region.is_empty()
                && region.chars().all(|c| is_word(c) || c == '-')
                && !id.is_empty()
                && id.chars().all(|c| c.is_ascii_alphanumeric())
        })
    },
};

/// `ClientSecretIdType`.
pub(crate) const SECRET_ID: Pattern = Pattern {
    text: r"[\w+-]+",
    matches: |text| text.chars().all(|c| is_word(c) || c == '+' || c == '-'),
};

/// Anything that is no control character: what the model writes as classes of Unicode.
pub(crate) const VISIBLE: Pattern = Pattern {
    text: r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+",
    matches: |text| !text.chars().any(|c| c.is_control() || c.is_whitespace()),
};

/// `PaginationKey`.
pub(crate) const PAGINATION: Pattern =
    Pattern { text: r"[\S]+", matches: |text| !text.chars().any(char::is_whitespace) };

/// No pattern at all.
pub(crate) const ANY: Pattern = Pattern { text: ".*", matches: |_| true };

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_the_model_says() {
        for (pattern, good, bad) in [
            (WORD_PLUS, "aZ_9+", "a-b"),
            (WORD_PLUS, "tp_0", "a/b"),
            (NAME, "a b+=,.@-_", "a/b"),
            (NAME, "tab\tis\nspace", "é"),
            (IDENTIFIER, "https://a/b#c!~", "a b"),
            (IDENTIFIER, "[]", "a\"b"),
            (IDENTIFIER, "x", "a\\b"),
            (SCOPE_NAME, "a.b:c", "a/b"),
            (POOL_ID, "eu-central-1_aB3", "eu-central-1_"),
            (POOL_ID, "a_b_c", "eu-central-1_a-b"),
            (SECRET_ID, "abc--1700000000", "a/b"),
        ] {
            assert!((pattern.matches)(good), "{} {good:?}", pattern.text);
            assert!(!(pattern.matches)(bad), "{} {bad:?}", pattern.text);
        }
    }
}
