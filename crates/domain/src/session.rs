//! The session of a person who signed in.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::actor::Principal;
use crate::error::Problem;
use crate::event::{Fields, Value};
use crate::team::{AppRole, DirectoryGroup};
use crate::text::text_type;
use crate::time::Timestamp;

text_type! {
    /// Key of a session: 64 lower-case hexadecimal digits, the SHA-256 of what its browser holds. It names the session,
    /// and opens nothing.
    SessionId
}

/// A session, as all processes see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its key.
    pub session_id: SessionId,
    /// Who signed in.
    pub person: Principal,
    /// How, and what is known of them by that.
    pub sign_in: SignIn,
    /// When they signed in.
    pub create_time: Timestamp,
    /// When it ends, whatever happens.
    pub expire_time: Timestamp,
    /// When it was last used, behind by up to a tenth of its idle limit.
    pub seen_time: Timestamp,
    /// After how many seconds without use it ends.
    pub idle_seconds: i64,
    /// That it was ended before its time.
    pub end: Option<SessionEnd>,
}

/// How a person signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// By the directory.
    Directory(Box<DirectoryEntry>),
    /// By a link that this installation printed: what the person may do stands in its configuration.
    Link,
}

/// What the directory says of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Who says it.
    pub issuer: String,
    /// The key of the person there, which no other login may change.
    pub subject: String,
    /// The groups they are in.
    pub groups: Groups,
    /// The app roles they have.
    pub app_roles: Vec<AppRole>,
    /// The directory's own name for the login, by which it says that it has ended (`sid`).
    pub login_id: Option<String>,
    /// Whom to name when the person signs out there (`login_hint`).
    pub login_hint: Option<String>,
    /// When the directory said so.
    pub read_time: Timestamp,
    /// Until when some process asks it again; others do not.
    pub claimed_until: Timestamp,
}

/// The groups of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    /// These and no others.
    Known(Vec<DirectoryGroup>),
    /// There are more than the directory puts into a token.
    Unknown,
}

/// That a session was ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// When.
    pub time: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Somebody who may ended it from elsewhere.
    Ended,
    /// The directory no longer vouches for the person.
    Refused,
    /// The same browser signed in again.
    Replaced,
    /// The person signed out.
    SignedOut,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It may be used.
    Live,
    /// It was ended before its time.
    Ended(EndReason),
    /// Its time is over.
    Expired,
    /// It was not used for too long.
    Idle,
}

impl SessionId {
    /// The key of the session whose browser holds this secret.
    pub fn of(secret: &[u8]) -> Self {
        let digits = Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect();
        Self(digits)
    }

    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::Malformed("64 lower-case hexadecimal digits"))
        }
    }
}

impl Session {
    /// Where it stands at a moment.
    pub fn state_at(&self, now: Timestamp) -> SessionState {
        if let Some(SessionEnd { reason, .. }) = self.end {
            SessionState::Ended(reason)
        } else if now >= self.expire_time {
            SessionState::Expired
        } else if now >= self.seen_time.plus_seconds(self.idle_seconds) {
            SessionState::Idle
        } else {
            SessionState::Live
        }
    }

    /// Notes that it is used, if that was not noted for a tenth of its idle limit. Answers whether it was.
    pub fn see(&mut self, now: Timestamp) -> bool {
        let late = now >= self.seen_time.plus_seconds((self.idle_seconds / 10).max(1));
        if late {
            self.seen_time = now;
        }
        late
    }

    /// Ends it, unless it has ended already. Answers whether it did.
    pub fn end(&mut self, now: Timestamp, reason: EndReason) -> bool {
        let live = self.state_at(now) == SessionState::Live;
        if live {
            self.end = Some(SessionEnd { time: now, reason });
        }
        live
    }

    /// Its key as `kind/key`.
    pub fn subject(&self) -> String {
        format!("sessions/{}", self.session_id)
    }

    /// What the log compares.
    pub fn fields(&self) -> Fields {
        let mut fields = vec![("person", Value::from(self.person.id.as_str()))];
        if let Some(SessionEnd { reason, .. }) = self.end {
            fields.push(("end_reason", reason.as_str().into()));
        }
        fields
    }
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ended, Self::Refused, Self::Replaced, Self::SignedOut];

    /// As it is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Refused => "refused",
            Self::Replaced => "replaced",
            Self::SignedOut => "signed-out",
        }
    }

    /// From the form in which it is kept.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl fmt::Display for SessionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Ended(reason) => reason.as_str(),
            Self::Expired => "expired",
            Self::Idle => "idle",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::PrincipalKind;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    fn session() -> Session {
        Session {
            session_id: SessionId::of(b"secret"),
            person: Principal {
                kind: PrincipalKind::Staff,
                id: "olga".to_owned(),
                display_name: "Olga".to_owned(),
            },
            sign_in: SignIn::Link,
            create_time: at(0),
            expire_time: at(28_800),
            seen_time: at(0),
            idle_seconds: 1_800,
            end: None,
        }
    }

    #[test]
    fn a_key_is_the_hash_of_a_secret() {
        let id = SessionId::of(b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(id.as_str(), known);
        assert_eq!(SessionId::parse(known), Ok(id));
        for bad in ["", "abc", &known.to_uppercase(), &known[1..], &format!("{known}0")] {
            assert!(SessionId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_ends_when_it_is_not_used_and_at_its_time() {
        let mut session = session();
        assert_eq!(session.state_at(at(1_799)), SessionState::Live);
        assert_eq!(session.state_at(at(1_800)), SessionState::Idle);
        assert!(!session.see(at(179)), "noted not long ago");
        assert!(session.see(at(1_700)));
        assert_eq!(session.state_at(at(3_499)), SessionState::Live);
        session.seen_time = at(28_799);
        assert_eq!(session.state_at(at(28_799)), SessionState::Live);
        assert_eq!(session.state_at(at(28_800)), SessionState::Expired);
    }

    #[test]
    fn it_is_ended_once() {
        let mut session = session();
        assert!(session.end(at(10), EndReason::SignedOut));
        assert!(!session.end(at(20), EndReason::Ended));
        assert_eq!(session.state_at(at(30)), SessionState::Ended(EndReason::SignedOut));
        for reason in EndReason::ALL {
            assert_eq!(EndReason::from_name(reason.as_str()), Some(reason));
        }
        let mut over = self::session();
        assert!(!over.end(at(28_800), EndReason::SignedOut), "over anyway");
    }
}
