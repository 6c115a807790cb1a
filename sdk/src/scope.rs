//! The `scope` claim: a set of scopes in one string (RFC 6749 section 3.3).

use std::fmt;

/// Scopes of one token. Cognito allows a client 50; this leaves room and lets a set of them be
/// one integer.
pub(crate) const MAX_SCOPES: usize = 128;

/// Whether `text` is one scope: `1*( %x21 / %x23-5B / %x5D-7E )`.
pub(crate) fn is_token(text: &str) -> bool {
    let allowed = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !text.is_empty() && text.bytes().all(allowed)
}

/// The scopes of a token in the order in which the issuer wrote them, each once.
#[derive(PartialEq, Eq)]
pub(crate) struct ScopeList {
    text: Box<str>,
    /// Start and end of each scope in `text`.
    ranges: Box<[(u16, u16)]>,
}

/// Some scopes of a [`ScopeList`], a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subset(u128);

impl ScopeList {
    /// `None` when `text` is not scopes with exactly one space between them, or has too many.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let spaces = text.bytes().filter(|byte| *byte == b' ').count();
        let mut ranges: Vec<(u16, u16)> = Vec::with_capacity((spaces + 1).min(MAX_SCOPES));
        let mut start = 0;
        for scope in text.split(' ') {
            if !is_token(scope) {
                return None;
            }
            let end = start + scope.len();
            let range = (u16::try_from(start).ok()?, u16::try_from(end).ok()?);
            // A set: a scope that is named twice is held once.
            if !ranges.iter().any(|seen| text.get(span(*seen)) == Some(scope)) {
                if ranges.len() == MAX_SCOPES {
                    return None;
                }
                ranges.push(range);
            }
            start = end + 1;
        }
        Some(Self { text: text.into(), ranges: ranges.into() })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.ranges.iter().map(|range| self.text.get(span(*range)).unwrap_or_default())
    }

    /// The scopes of `subset`.
    pub(crate) fn within(&self, subset: Subset) -> impl Iterator<Item = &str> + Clone {
        self.iter().enumerate().filter(move |(index, _)| subset.has(*index)).map(|(_, scope)| scope)
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> Subset {
        Subset(1_u128.checked_shl(self.ranges.len() as u32).map_or(u128::MAX, |bit| bit - 1))
    }

    /// Those that `keep` says yes to.
    pub(crate) fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Subset {
        let mut bits = 0;
        for (index, scope) in self.iter().enumerate() {
            if keep(scope) {
                bits |= 1 << index;
            }
        }
        Subset(bits)
    }

    /// Bytes on the heap, for the account of a cache.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.ranges)
    }
}

impl Subset {
    fn has(self, index: usize) -> bool {
        self.0 >> index & 1 == 1
    }

    /// What is in both.
    #[cfg(feature = "introspection")]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for ScopeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

fn span((start, end): (u16, u16)) -> std::ops::Range<usize> {
    start.into()..end.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Vec<String>> {
        ScopeList::parse(text).map(|list| list.iter().map(Into::into).collect())
    }

    #[test]
    fn a_set_in_its_order() {
        assert_eq!(parsed("b/x a/y b/x").as_deref(), Some(&["b/x".into(), "a/y".into()][..]));
        assert_eq!(parsed("!#[]~").as_deref(), Some(&["!#[]~".into()][..]));
    }

    #[test]
    fn spelling_is_strict() {
        for text in ["", " ", " a", "a ", "a  b", "a\tb", "a\nb", "a\"b", "a\\b", "é", "a\u{7f}"] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn subsets_at_the_limit() {
        let names: Vec<String> = (0..MAX_SCOPES).map(|i| format!("api/{i}")).collect();
        let list = ScopeList::parse(&names.join(" ")).expect("scopes");
        assert_eq!(list.within(list.all()).count(), MAX_SCOPES);
        let last = list.filter(|scope| scope == "api/127");
        assert_eq!(list.within(last).collect::<Vec<_>>(), ["api/127"]);
        assert!(list.filter(|_| false).is_empty());
        assert_eq!(parsed(&format!("{} api/128", names.join(" "))), None);
        let three = ScopeList::parse("a b c").expect("scopes");
        assert_eq!(three.filter(|_| true), three.all());
    }
}
