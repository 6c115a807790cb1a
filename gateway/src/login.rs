//! Login links: how the people of a local installation sign in without a directory.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use turnpike_domain::Timestamp;
use turnpike_domain::ports::{Clock, Entropy};

use crate::config::Persona;
use crate::origin::Origin;

/// More links than this are not printed; it bounds the memory.
const MAX: usize = 1024;

/// Makes login links, and redeems them. Clones share everything.
#[derive(Clone)]
pub struct LoginLinks(Arc<Inner>);

struct Inner {
    origin: Origin,
    lifetime: Duration,
    personas: BTreeMap<String, Persona>,
    /// By the SHA-256 of the code: a lookup takes as long whatever part of a code somebody guessed.
    codes: Mutex<HashMap<[u8; 32], Code>>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

struct Code {
    persona: String,
    expires: Timestamp,
    used: bool,
}

/// A link that signs in who opens it, once. Its `Debug` does not show the address.
#[derive(Clone)]
pub struct LoginLink {
    /// Who it signs in.
    pub persona: Persona,
    /// When it stops working.
    pub expire_time: Timestamp,
    url: Zeroizing<String>,
}

impl LoginLink {
    /// The address, to be shown to its owner and nowhere else.
    pub fn expose(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for LoginLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginLink").field("persona", &self.persona.id).finish_non_exhaustive()
    }
}

/// Why no link was made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// Nobody of that id is configured.
    #[error("there is no persona `{0}`: without a name there is a link for each")]
    UnknownPersona(String),
    /// Too many are still good.
    #[error("too many login links are open: wait until some expire")]
    TooMany,
}

/// Why a code does not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dead {
    /// Its time is over.
    Expired,
    /// It was never made here, or is long forgotten.
    Unknown,
    /// Somebody signed in with it.
    Used,
}

impl LoginLinks {
    pub(crate) fn new(
        origin: &Origin,
        lifetime: Duration,
        personas: &[Persona],
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self(Arc::new(Inner {
            origin: origin.clone(),
            lifetime,
            personas: personas.iter().map(|p| (p.id.clone(), p.clone())).collect(),
            codes: Mutex::default(),
            clock,
            entropy,
        }))
    }

    /// The people who can sign in by a link, in the order of their ids.
    pub fn personas(&self) -> impl Iterator<Item = &Persona> {
        self.0.personas.values()
    }

    /// A new link for the persona of this id.
    ///
    /// # Errors
    ///
    /// There is no such persona, or too many links are open.
    pub fn issue(&self, persona_id: &str) -> Result<LoginLink, IssueError> {
        let Inner { origin, lifetime, personas, clock, entropy, .. } = self.0.as_ref();
        let persona = personas.get(persona_id).cloned();
        let persona = persona.ok_or_else(|| IssueError::UnknownPersona(persona_id.to_owned()))?;
        let now = clock.now();
        let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        let expire_time = now.plus_millis(lifetime_ms);
        let mut random = Zeroizing::new([0u8; 32]);
        entropy.fill(random.as_mut());
        let code = Zeroizing::new(URL_SAFE_NO_PAD.encode(random.as_ref()));
        let mut codes = self.codes();
        // Dead ones are kept for as long again, so that their owner can be told what happened.
        codes.retain(|_, code| now < code.expires.plus_millis(lifetime_ms));
        if codes.len() >= MAX {
            return Err(IssueError::TooMany);
        }
        codes.insert(
            hash(&code),
            Code { persona: persona.id.clone(), expires: expire_time, used: false },
        );
        let url = Zeroizing::new(format!("{origin}/login?code={}", code.as_str()));
        Ok(LoginLink { persona, expire_time, url })
    }

    /// Whom a code would sign in. It stays good: previews of links in chats open them too.
    pub(crate) fn peek(&self, code: &str) -> Result<&Persona, Dead> {
        let codes = self.codes();
        let code = codes.get(&hash(code)).ok_or(Dead::Unknown)?;
        self.check(code)
    }

    /// Whom a code signs in. It works once.
    pub(crate) fn redeem(&self, code: &str) -> Result<&Persona, Dead> {
        let mut codes = self.codes();
        let code = codes.get_mut(&hash(code)).ok_or(Dead::Unknown)?;
        let persona = self.check(code)?;
        code.used = true;
        Ok(persona)
    }

    fn check(&self, code: &Code) -> Result<&Persona, Dead> {
        if code.used {
            return Err(Dead::Used);
        }
        if self.0.clock.now() >= code.expires {
            return Err(Dead::Expired);
        }
        self.0.personas.get(&code.persona).ok_or(Dead::Unknown)
    }

    fn codes(&self) -> MutexGuard<'_, HashMap<[u8; 32], Code>> {
        // Nothing that runs under the lock leaves the map half changed.
        self.0.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LoginLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginLinks")
            .field("personas", &self.0.personas.len())
            .finish_non_exhaustive()
    }
}

fn hash(code: &str) -> [u8; 32] {
    let mut hash = [0u8; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, code.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fakes::{FakeClock, FakeEntropy};

    fn links() -> (LoginLinks, Arc<FakeClock>) {
        let clock = Arc::new(FakeClock::at(1_800_000_000));
        let olga = Persona {
            id: "olga".to_owned(),
            display_name: "Olga Orders".to_owned(),
            teams: BTreeSet::new(),
            roles: BTreeSet::new(),
        };
        let origin = Origin::parse("http://127.0.0.1:8080").unwrap();
        let minutes = Duration::from_secs(15 * 60);
        let entropy = Arc::new(FakeEntropy::default());
        (LoginLinks::new(&origin, minutes, &[olga], clock.clone(), entropy), clock)
    }

    fn code(link: &LoginLink) -> &str {
        link.expose().strip_prefix("http://127.0.0.1:8080/login?code=").unwrap()
    }

    #[test]
    fn a_link_works_once() {
        let (links, _) = links();
        let link = links.issue("olga").unwrap();
        assert_eq!(code(&link).len(), 43, "256 bits");
        assert_eq!(links.peek(code(&link)).unwrap().id, "olga");
        assert_eq!(links.peek(code(&link)).unwrap().id, "olga");
        assert_eq!(links.redeem(code(&link)).unwrap().id, "olga");
        assert_eq!(links.redeem(code(&link)), Err(Dead::Used));
        assert_eq!(links.peek(code(&link)), Err(Dead::Used));
    }

    #[test]
    fn a_link_works_for_fifteen_minutes() {
        let (links, clock) = links();
        let link = links.issue("olga").unwrap();
        clock.advance(15 * 60 - 1);
        assert!(links.peek(code(&link)).is_ok());
        clock.advance(1);
        assert_eq!(links.redeem(code(&link)), Err(Dead::Expired));
        clock.advance(15 * 60);
        links.issue("olga").unwrap();
        assert_eq!(links.redeem(code(&link)), Err(Dead::Unknown), "forgotten");
    }

    #[test]
    fn other_codes_sign_nobody_in() {
        let (links, _) = links();
        let link = links.issue("olga").unwrap();
        let long = format!("{}A", code(&link));
        for other in ["", "A", &code(&link)[..42], &long, &code(&link).to_lowercase()] {
            assert_eq!(links.redeem(other), Err(Dead::Unknown), "{other}");
        }
        assert_ne!(code(&link), code(&links.issue("olga").unwrap()));
        let unknown = IssueError::UnknownPersona("petra".to_owned());
        assert_eq!(links.issue("petra").unwrap_err(), unknown);
    }

    #[test]
    fn links_are_bounded_and_not_shown() {
        let (links, _) = links();
        for _ in 0..MAX {
            links.issue("olga").unwrap();
        }
        assert_eq!(links.issue("olga").unwrap_err(), IssueError::TooMany);
        let (links, _) = self::links();
        let link = links.issue("olga").unwrap();
        assert!(!format!("{link:?} {links:?}").contains(code(&link)));
    }
}
