//! The identity assertion: how the gateway tells a service, call by call, which person is calling.
//!
//! A compact JWS (RFC 7515 section 3.1) signed with Ed25519 (RFC 8037), valid for 30 seconds and for
//! one method. There is one producer, so the header has one spelling for each key: a verifier looks the
//! header segment up as it stands and never parses what a stranger wrote before its signature is good.
//! The JWS is made with aws-lc-rs and a key parsed once; tests hold it against jsonwebtoken.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use turnpike_domain::Error;
use turnpike_domain::Timestamp;
use turnpike_domain::actor::{Role, Staff, Teams};
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::{Clock, Entropy};

/// The metadata key that carries an assertion. The gateway removes it from what comes from outside.
pub const METADATA_KEY: &str = "x-turnpike-identity";

/// Seconds from signing to the end of an assertion.
pub const LIFETIME_SECONDS: i64 = 30;

/// Seconds by which the clocks of two of our machines may differ.
pub const LEEWAY_SECONDS: i64 = 5;

const AUDIENCE: &str = "turnpike-services";
const TYPE: &str = "turnpike-identity+jwt";
/// Far above any assertion (a person in 200 teams needs about 12 KiB), far below what would hurt.
const LENGTH_MAX: usize = 32 * 1024;

/// Makes the keys of one gateway.
#[derive(Debug)]
pub struct AssertionKeys;

impl AssertionKeys {
    /// A new key pair: the half that signs, and a verifier that knows the other half only.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the cryptographic library refuses the key.
    pub fn generate(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<(AssertionSigner, AssertionVerifier), Error> {
        let mut seed = Zeroizing::new([0u8; 32]);
        entropy.fill(seed.as_mut());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(Error::internal)?;
        let public = PublicKey::of(&pair)?;
        let header = public.header();
        let signer = AssertionSigner(Arc::new(Signing {
            pair,
            public: public.clone(),
            header,
            clock: Arc::clone(&clock),
            entropy,
        }));
        Ok((signer, AssertionVerifier::new([public], clock)))
    }
}

/// Signs assertions: what a gateway holds. It shows nothing of its key.
#[derive(Clone)]
pub struct AssertionSigner(Arc<Signing>);

struct Signing {
    pair: Ed25519KeyPair,
    public: PublicKey,
    header: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl AssertionSigner {
    /// An assertion that `staff` calls `method`, the path of the RPC
    /// (`/turnpike.v1.ClientService/GetClient`). It ends after [`LIFETIME_SECONDS`], or with the session
    /// if that is sooner.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the claims cannot be written or signed.
    pub fn sign(&self, staff: &Staff, method: &str) -> Result<String, Error> {
        let Signing { pair, public: _, header, clock, entropy } = self.0.as_ref();
        let claims = Claims::of(staff, method, clock.now(), entropy.as_ref());
        let claims = serde_json::to_vec(&claims).map_err(Error::internal)?;
        let mut jws = String::with_capacity(header.len() + claims.len() * 4 / 3 + 96);
        jws.push_str(header);
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(&claims, &mut jws);
        let signature = pair.try_sign(jws.as_bytes()).map_err(Error::internal)?;
        jws.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut jws);
        Ok(jws)
    }

    /// What verifiers need to know of the key.
    pub fn public_key(&self) -> PublicKey {
        self.0.public.clone()
    }
}

impl fmt::Debug for AssertionSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AssertionSigner(..)")
    }
}

/// The public half of a signing key.
#[derive(Clone)]
pub struct PublicKey {
    id: String,
    key: ParsedPublicKey,
}

impl PublicKey {
    /// From the 32 bytes of an Ed25519 public key (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if they are not a key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let key = ParsedPublicKey::new(&ED25519, bytes).map_err(Error::internal)?;
        let hash = digest::digest(&digest::SHA256, bytes);
        let id = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..12]);
        Ok(Self { id, key })
    }

    fn of(pair: &Ed25519KeyPair) -> Result<Self, Error> {
        Self::from_bytes(pair.public_key().as_ref())
    }

    /// The one header segment that assertions of this key have.
    fn header(&self) -> String {
        URL_SAFE_NO_PAD
            .encode(format!(r#"{{"alg":"EdDSA","typ":"{TYPE}","kid":"{}"}}"#, self.id).as_bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Verifies assertions: what a service holds.
#[derive(Clone)]
pub struct AssertionVerifier {
    /// Each known key under the one header segment that may stand before its signatures.
    keys: Arc<Vec<(String, ParsedPublicKey)>>,
    clock: Arc<dyn Clock>,
}

impl AssertionVerifier {
    /// A verifier that accepts assertions of these keys and no others: several while keys rotate.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>, clock: Arc<dyn Clock>) -> Self {
        let keys = keys.into_iter().map(|key| (key.header(), key.key)).collect();
        Self { keys: Arc::new(keys), clock }
    }

    /// The person `assertion` speaks of, if it is good for `method` now.
    ///
    /// # Errors
    ///
    /// The first check it fails.
    pub fn verify(&self, assertion: &str, method: &str) -> Result<Staff, Refusal> {
        if assertion.len() > LENGTH_MAX {
            return Err(Refusal::Malformed);
        }
        let (signed, signature) = assertion.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == header).ok_or(Refusal::Key)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::Malformed)?;
        key.verify_sig(signed.as_bytes(), &signature).map_err(|_| Refusal::Signature)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| Refusal::Malformed)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| Refusal::Malformed)?;
        claims.check(method, self.clock.now())
    }
}

impl fmt::Debug for AssertionVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionVerifier").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// Why an assertion was refused. For the log; a caller learns only that it is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is for somebody else.
    #[error("another audience")]
    Audience,
    /// It has ended, or the session has.
    #[error("expired")]
    Expired,
    /// Its header is not one that a known key writes: another key, algorithm or type.
    #[error("unknown key or header")]
    Key,
    /// Not an assertion.
    #[error("malformed")]
    Malformed,
    /// It was made for another RPC.
    #[error("made for another method")]
    Method,
    /// It was issued in the future, or for longer than assertions live.
    #[error("times that no gateway writes")]
    Times,
    /// The signature does not belong to key and content.
    #[error("wrong signature")]
    Signature,
}

impl From<Refusal> for Error {
    fn from(_: Refusal) -> Self {
        Self::Unauthenticated("the identity assertion is not valid")
    }
}

/// The claims. Registered names where RFC 7519 section 4.1 has one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    aud: String,
    sub: String,
    name: String,
    teams_known: bool,
    teams: Vec<String>,
    roles: Vec<RoleName>,
    /// When the session ends, in milliseconds since the epoch.
    session_exp: i64,
    /// Path of the RPC.
    mth: String,
    iat: i64,
    exp: i64,
    jti: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RoleName {
    Auditor,
    PlatformAdmin,
}

impl Claims {
    fn of(staff: &Staff, method: &str, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let Staff { id, display_name, teams, roles, session_expire_time } = staff;
        let mut jti = [0u8; 16];
        entropy.fill(&mut jti);
        let (teams_known, teams) = match teams {
            Teams::Known(teams) => (true, teams.iter().map(|t| t.as_str().to_owned()).collect()),
            Teams::Unknown => (false, Vec::new()),
        };
        let roles = roles.iter().map(|role| match role {
            Role::Auditor => RoleName::Auditor,
            Role::PlatformAdmin => RoleName::PlatformAdmin,
        });
        Self {
            aud: AUDIENCE.to_owned(),
            sub: id.clone(),
            name: display_name.clone(),
            teams_known,
            teams,
            roles: roles.collect(),
            session_exp: session_expire_time.millis(),
            mth: method.to_owned(),
            iat: now.seconds(),
            exp: now.plus_seconds(LIFETIME_SECONDS).min(*session_expire_time).seconds(),
            jti: URL_SAFE_NO_PAD.encode(jti),
        }
    }

    fn check(self, method: &str, now: Timestamp) -> Result<Staff, Refusal> {
        let Self { aud, sub, name, teams_known, teams, roles, session_exp, mth, iat, exp, jti: _ } =
            self;
        if aud != AUDIENCE {
            return Err(Refusal::Audience);
        }
        if mth != method {
            return Err(Refusal::Method);
        }
        let latest_start = now.seconds().saturating_add(LEEWAY_SECONDS);
        if iat > latest_start || iat.saturating_add(LIFETIME_SECONDS) < exp {
            return Err(Refusal::Times);
        }
        let session_expire_time = Timestamp::from_millis(session_exp);
        if now.seconds() >= exp.saturating_add(LEEWAY_SECONDS)
            || now >= session_expire_time.plus_seconds(LEEWAY_SECONDS)
        {
            return Err(Refusal::Expired);
        }
        if sub.is_empty() || (!teams_known && !teams.is_empty()) {
            return Err(Refusal::Malformed);
        }
        let teams: BTreeSet<TeamId> = teams
            .iter()
            .map(|team| TeamId::parse(team).map_err(|_| Refusal::Malformed))
            .collect::<Result<_, _>>()?;
        Ok(Staff {
            id: sub,
            display_name: name,
            teams: if teams_known { Teams::Known(teams) } else { Teams::Unknown },
            roles: roles
                .into_iter()
                .map(|role| match role {
                    RoleName::Auditor => Role::Auditor,
                    RoleName::PlatformAdmin => Role::PlatformAdmin,
                })
                .collect(),
            session_expire_time,
        })
    }
}

#[cfg(test)]
#[path = "assertion_tests.rs"]
mod tests;
