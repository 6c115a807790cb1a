//! The keys of an installation as they are kept, and what time does to them.
//!
//! A key is *next* from the moment it is published, *current* from its `sign_time` until that of
//! the key after it, then *old*, and gone when the last token it signed is dead. Which key signs
//! follows from the time alone, so that all processes change over at one moment, without asking
//! each other.

use serde::{Deserialize, Serialize};
use turnpike_domain::event::{EventAction, EventDraft, Fields, Value, diff};
use turnpike_domain::time::TokenLifetime;
use turnpike_domain::{Error, Timestamp};

use crate::settings::{Algorithm, Settings};
use crate::signing_key::Made;

/// How long a key is published after it stopped signing: the longest life of a token, the leeway of
/// the most lenient verifier (a minute), and what the clocks of our processes may differ by.
pub(crate) const OLD_SECONDS: i64 = TokenLifetime::MAX.seconds() + 60 + 240;

/// The keys, those that sign first first.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRing {
    keys: Vec<Kept>,
    /// The key that the log calls current.
    current: String,
}

/// One key, as it is kept.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kept {
    pub(crate) key_id: String,
    algorithm: String,
    /// Public members, as they are published.
    pub(crate) jwk: String,
    /// PKCS#8 in DER, in base64; `None` as soon as the key is old: nothing is signed with it any
    /// more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pkcs8: Option<String>,
    /// In milliseconds since the epoch, as `sign_time`.
    publish_time: i64,
    sign_time: i64,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The oldest key is to be forgotten.
    Forget,
    /// A key is to be published that signs from then on.
    Publish(Timestamp),
    /// The log is to be told that the next key signs.
    Sign,
}

impl KeyRing {
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(body).map_err(Error::internal)
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    pub(crate) fn keys(&self) -> &[Kept] {
        &self.keys
    }

    /// The place of the key that signs at `now`. A clock that runs backwards brings no old key
    /// back.
    pub(crate) fn signs_at(&self, now: Timestamp) -> usize {
        let by_time = self.keys.iter().rposition(|key| key.sign_time <= now.millis());
        by_time.unwrap_or(0).max(self.told())
    }

    /// What is due at `now`, one thing after the other.
    pub(crate) fn due(&self, settings: &Settings, now: Timestamp) -> Option<Due> {
        let current = self.signs_at(now);
        let Some(key) = self.keys.get(current) else { return Some(Due::Publish(now)) };
        if key.key_id != self.current {
            return Some(Due::Sign);
        }
        if let [_, successor, ..] = &self.keys[..]
            && current > 0
            && successor.sign_time() <= now.plus_seconds(-OLD_SECONDS)
        {
            return Some(Due::Forget);
        }
        if current + 1 < self.keys.len() {
            return None;
        }
        let earliest = now.plus_seconds(settings.ahead_seconds);
        let regular = key.sign_time().plus_seconds(settings.period_seconds);
        if key.algorithm != settings.algorithm.name() {
            return Some(Due::Publish(earliest));
        }
        (regular <= earliest).then_some(Due::Publish(earliest))
    }

    /// Does what is due; answers with what the log is to say. `made` is the key to publish.
    pub(crate) fn apply(
        &mut self,
        due: Due,
        made: Option<&Made>,
        now: Timestamp,
    ) -> Result<Vec<EventDraft>, Error> {
        let before = self.clone();
        match due {
            Due::Forget => {
                self.keys.remove(0);
            }
            Due::Publish(sign_time) => {
                let made = made.ok_or_else(|| Error::internal("no key was made to publish"))?;
                self.keys.push(Kept {
                    key_id: made.key_id.clone(),
                    algorithm: made.algorithm.name().to_owned(),
                    jwk: made.jwk.clone(),
                    pkcs8: Some(made.pkcs8.to_string()),
                    publish_time: now.millis(),
                    sign_time: sign_time.millis(),
                });
                // The first key signs at once: nobody has an older key set.
                if self.keys.len() == 1 {
                    self.tell(0);
                }
            }
            Due::Sign => self.tell(self.signs_at(now)),
        }
        Ok(events(&before, self))
    }

    /// Leaves only what is published.
    pub(crate) fn forget_private_halves(&mut self) {
        self.keys.iter_mut().for_each(Kept::forget_private);
    }

    fn tell(&mut self, current: usize) {
        for (at, key) in self.keys.iter_mut().enumerate() {
            if at < current {
                key.forget_private();
            }
            if at == current {
                self.current.clone_from(&key.key_id);
            }
        }
    }

    fn told(&self) -> usize {
        self.keys.iter().position(|key| key.key_id == self.current).unwrap_or(0)
    }

    fn fields(&self, key_id: &str) -> Option<Fields> {
        let at = self.keys.iter().position(|key| key.key_id == key_id)?;
        let key = &self.keys[at];
        let state = match at.cmp(&self.told()) {
            std::cmp::Ordering::Less => "old",
            std::cmp::Ordering::Equal => "current",
            std::cmp::Ordering::Greater => "next",
        };
        Some(vec![
            ("state", state.into()),
            ("algorithm", key.algorithm.as_str().into()),
            ("sign_time", Value::Number(key.sign_time)),
        ])
    }
}

impl Kept {
    pub(crate) fn algorithm(&self) -> Result<Algorithm, Error> {
        Algorithm::from_name(&self.algorithm)
            .ok_or_else(|| Error::internal("kept algorithm of a signing key is unknown"))
    }

    fn sign_time(&self) -> Timestamp {
        Timestamp::from_millis(self.sign_time)
    }

    fn forget_private(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.pkcs8);
        self.pkcs8 = None;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.forget_private();
    }
}

/// One event for each key that changed its state.
fn events(before: &KeyRing, after: &KeyRing) -> Vec<EventDraft> {
    let mut ids: Vec<&str> = before.keys.iter().map(|key| key.key_id.as_str()).collect();
    ids.extend(after.keys.iter().map(|key| key.key_id.as_str()).filter(|id| !before.has(id)));
    let event = |id: &str| {
        let changes = diff(before.fields(id), after.fields(id));
        (!changes.is_empty()).then(|| EventDraft {
            action: EventAction::SigningKeyRotated,
            subject: format!("signing-keys/{id}"),
            team: None,
            other_team: None,
            client_id: None,
            resource_server: None,
            changes,
            reason: String::new(),
            refusal: None,
        })
    };
    ids.into_iter().filter_map(event).collect()
}

impl KeyRing {
    fn has(&self, key_id: &str) -> bool {
        self.keys.iter().any(|key| key.key_id == key_id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use turnpike_domain::url::HttpUrl;

    use super::*;

    const HOUR: i64 = 3600;

    fn settings() -> Settings {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let issuer = HttpUrl::parse("https://h").unwrap();
        Settings::new(issuer).rotation(hours(10 * 24), hours(24)).unwrap()
    }

    fn made(key_id: &str) -> Made {
        Made {
            algorithm: Algorithm::Rs256,
            key_id: key_id.to_owned(),
            jwk: "{}".to_owned(),
            pkcs8: "private".to_owned().into(),
        }
    }

    const fn hour(hour: i64) -> Timestamp {
        Timestamp::from_seconds(hour * HOUR)
    }

    fn states(ring: &KeyRing) -> Vec<String> {
        let state = |key: &Kept| match &ring.fields(&key.key_id).unwrap()[0].1 {
            Value::Text(text) => format!("{} {text}", key.key_id),
            _ => unreachable!("a state is a text"),
        };
        ring.keys.iter().map(state).collect()
    }

    #[test]
    fn a_key_is_next_then_current_then_old_then_gone() {
        let settings = settings();
        let mut ring = KeyRing::default();
        assert_eq!(ring.due(&settings, hour(0)), Some(Due::Publish(hour(0))));
        ring.apply(Due::Publish(hour(0)), Some(&made("a")), hour(0)).unwrap();
        assert_eq!(states(&ring), ["a current"]);
        assert_eq!(ring.due(&settings, hour(9 * 24 - 1)), None);

        let sign = hour(10 * 24);
        assert_eq!(ring.due(&settings, hour(9 * 24)), Some(Due::Publish(sign)));
        ring.apply(Due::Publish(sign), Some(&made("b")), hour(9 * 24)).unwrap();
        assert_eq!(states(&ring), ["a current", "b next"]);
        assert_eq!(ring.due(&settings, hour(9 * 24)), None);
        assert_eq!(ring.signs_at(hour(10 * 24 - 1)), 0);

        assert_eq!(ring.signs_at(sign), 1);
        assert_eq!(ring.due(&settings, sign), Some(Due::Sign));
        let said = ring.apply(Due::Sign, None, sign).unwrap();
        assert_eq!(states(&ring), ["a old", "b current"]);
        assert_eq!(said.len(), 2);
        assert!(ring.keys[0].pkcs8.is_none(), "an old key signs nothing");
        assert_eq!(ring.signs_at(hour(0)), 1, "a clock that runs backwards");

        let gone = sign.plus_seconds(OLD_SECONDS);
        assert_eq!(ring.due(&settings, gone.plus_seconds(-1)), None);
        assert_eq!(ring.due(&settings, gone), Some(Due::Forget));
        ring.apply(Due::Forget, None, gone).unwrap();
        assert_eq!(states(&ring), ["b current"]);
    }

    #[test]
    fn after_a_long_sleep_the_next_key_is_published_as_long_as_ever() {
        let settings = settings();
        let mut ring = KeyRing::default();
        ring.apply(Due::Publish(hour(0)), Some(&made("a")), hour(0)).unwrap();
        let now = hour(100 * 24);
        assert_eq!(ring.due(&settings, now), Some(Due::Publish(hour(101 * 24))));
        ring.apply(Due::Publish(hour(101 * 24)), Some(&made("b")), now).unwrap();

        let later = hour(300 * 24);
        let mut done = Vec::new();
        while let Some(due) = ring.due(&settings, later) {
            ring.apply(due, Some(&made("c")), later).unwrap();
            done.push(due);
        }
        assert_eq!(done, [Due::Sign, Due::Forget, Due::Publish(hour(301 * 24))]);
        assert_eq!(states(&ring), ["b current", "c next"]);
    }

    #[test]
    fn another_algorithm_comes_by_rotation() {
        let mut ring = KeyRing::default();
        ring.apply(Due::Publish(hour(0)), Some(&made("a")), hour(0)).unwrap();
        let settings = settings().algorithm(Algorithm::Es256);
        assert_eq!(ring.due(&settings, hour(1)), Some(Due::Publish(hour(25))));
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut ring = KeyRing::default();
        ring.apply(Due::Publish(hour(0)), Some(&made("a")), hour(0)).unwrap();
        let again = KeyRing::decode(&ring.encode().unwrap()).unwrap();
        assert_eq!(again.encode().unwrap(), ring.encode().unwrap());
        assert!(KeyRing::decode(b"{}").is_err());
    }
}
