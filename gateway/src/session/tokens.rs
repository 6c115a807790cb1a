//! What is left of the directory's tokens, kept beside a session.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use turnpike_domain::Error;
use turnpike_domain::ports::Entropy;
use turnpike_domain::session::SessionId;

use crate::seal::{SealKeys, Sealer};

/// Tokens of a session. They show nothing of themselves.
pub(crate) struct Tokens {
    /// With which to ask again; `None` if the directory gave none.
    pub(crate) refresh: Option<Zeroizing<String>>,
    /// By which the directory knows the login when the person signs out.
    pub(crate) id: Zeroizing<String>,
}

#[derive(Serialize, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    refresh: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

impl Tokens {
    /// As they are kept: sealed, and for this session alone.
    pub(super) fn seal(
        &self,
        keys: &SealKeys,
        id: &SessionId,
        entropy: &dyn Entropy,
    ) -> Result<String, Error> {
        let content = Content {
            refresh: self.refresh.as_ref().map(|token| Cow::Borrowed(token.as_str())),
            id: Cow::Borrowed(self.id.as_str()),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&content).map_err(Error::internal)?);
        sealer(keys, id).seal(&plain, entropy)
    }

    /// What was kept, if the keys that sealed it are still known.
    pub(super) fn open(text: &str, keys: &SealKeys, id: &SessionId) -> Option<Self> {
        let plain = Zeroizing::new(sealer(keys, id).open(text)?);
        let Content { refresh, id } = serde_json::from_slice(&plain).ok()?;
        let own = |text: Cow<'_, str>| Zeroizing::new(text.into_owned());
        Some(Self { refresh: refresh.map(own), id: own(id) })
    }
}

fn sealer(keys: &SealKeys, id: &SessionId) -> Sealer {
    Sealer::large(keys.clone(), format!("tokens of session {id}"))
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::FakeEntropy;
    use crate::seal::SealKey;

    #[test]
    fn they_open_for_their_session_alone() {
        let keys = |n| SealKeys::new(&[SealKey::new([n; 32])]).unwrap();
        let (one, two) = (SessionId::of(b"1"), SessionId::of(b"2"));
        // The ID token of a person in 200 groups is as long as that.
        let id = "x".repeat(12_000);
        let tokens = Tokens {
            refresh: Some(Zeroizing::new("r\u{e9}fresh \"\\".to_owned())),
            id: Zeroizing::new(id.clone()),
        };
        let sealed = tokens.seal(&keys(1), &one, &FakeEntropy::default()).unwrap();
        let open = Tokens::open(&sealed, &keys(1), &one).unwrap();
        assert_eq!(open.refresh.as_deref(), tokens.refresh.as_deref());
        assert_eq!(*open.id, id);
        assert!(Tokens::open(&sealed, &keys(1), &two).is_none());
        assert!(Tokens::open(&sealed, &keys(2), &one).is_none());
        assert_eq!(format!("{open:?}"), "Tokens(..)");
    }
}
