//! Whether an ID token is good: the library's checks, and those it leaves to its callers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{CoreIdTokenVerifier, CoreJsonWebKey, CoreJsonWebKeySet};
use openidconnect::{
    ClaimsVerificationError, ClientId, IdTokenVerifier, IssuerUrl, Nonce,
    SignatureVerificationError,
};
use serde::Deserialize;
use serde_json::Value;

use turnpike_domain::Timestamp;

use super::settings::{OidcSettings, Profile};
use super::types::{IdToken, IdTokenClaims};

/// By how much the directory's clock may differ from ours.
const LEEWAY_SECONDS: i64 = 60;

/// The check that an ID token fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Another algorithm than ours, or none.
    #[error("algorithm")]
    Algorithm,
    /// Not for us, or not for us alone (`aud`, `azp`).
    #[error("audience")]
    Audience,
    /// Its time is over.
    #[error("expired")]
    Expired,
    /// It does not say who the person is.
    #[error("identity")]
    Identity,
    /// By another issuer.
    #[error("issuer")]
    Issuer,
    /// No key of the issuer has its key's name, or it has no name.
    #[error("key")]
    Key,
    /// Not an ID token.
    #[error("malformed")]
    Malformed,
    /// There is none.
    #[error("missing")]
    Missing,
    /// Not for this attempt.
    #[error("nonce")]
    Nonce,
    /// Its time has not come.
    #[error("not yet valid")]
    NotYet,
    /// Not signed by the key it names.
    #[error("signature")]
    Signature,
    /// Of another person than the session's.
    #[error("another person")]
    Subject,
    /// Of another tenant.
    #[error("tenant")]
    Tenant,
    /// Not of version 2.0.
    #[error("version")]
    Version,
}

impl Fault {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 14] = [
        Self::Algorithm,
        Self::Audience,
        Self::Expired,
        Self::Identity,
        Self::Issuer,
        Self::Key,
        Self::Malformed,
        Self::Missing,
        Self::Nonce,
        Self::NotYet,
        Self::Signature,
        Self::Subject,
        Self::Tenant,
        Self::Version,
    ];

    /// As it stands in the log.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Algorithm => "ALGORITHM",
            Self::Audience => "AUDIENCE",
            Self::Expired => "EXPIRED",
            Self::Identity => "IDENTITY",
            Self::Issuer => "ISSUER",
            Self::Key => "KEY",
            Self::Malformed => "MALFORMED",
            Self::Missing => "MISSING",
            Self::Nonce => "NONCE",
            Self::NotYet => "NOT_YET",
            Self::Signature => "SIGNATURE",
            Self::Subject => "SUBJECT",
            Self::Tenant => "TENANT",
            Self::Version => "VERSION",
        }
    }
}

/// What a token is held against.
pub(super) struct Expected<'a> {
    pub(super) settings: &'a OidcSettings,
    pub(super) issuer: &'a IssuerUrl,
    pub(super) keys: &'a CoreJsonWebKeySet,
    /// That of the attempt; `None` for a token that came by a refresh, whose nonce need not be repeated (OpenID
    /// Connect Core section 12.2).
    pub(super) nonce: Option<&'a Nonce>,
    pub(super) now: Timestamp,
}

/// The head of a token, as far as the library does not look at it.
#[derive(Deserialize)]
struct Head {
    kid: Option<String>,
}

/// The claims of a token that passes every check.
///
/// # Errors
///
/// The first check it fails.
pub(super) fn verify<'t>(
    token: &'t IdToken,
    expected: &Expected<'_>,
) -> Result<&'t IdTokenClaims, Fault> {
    let Expected { settings, issuer, keys, nonce, now } = expected;
    // Without a name any key would do, where there is one only.
    if key_id(token).is_none_or(|id| id.is_empty()) {
        return Err(Fault::Key);
    }
    let client_id = ClientId::new(settings.client_id.clone());
    // We take asymmetric signatures only, so to the library we are a client without a secret: it refuses others.
    let verifier: CoreIdTokenVerifier<'_> =
        IdTokenVerifier::new_public_client(client_id, (*issuer).clone(), (*keys).clone());
    let later = now.plus_seconds(LEEWAY_SECONDS);
    let verifier =
        with_clock(verifier, *now, later).set_allowed_algs([settings.id_token_algorithm.clone()]);
    let verified = match nonce {
        Some(nonce) => token.claims(&verifier, *nonce),
        None => token.claims(&verifier, |_: Option<&Nonce>| Ok(())),
    };
    let claims = verified.map_err(|error| fault_of(&error))?;
    check_rest(claims, settings, later)?;
    Ok(claims)
}

/// The times of a token are held against ours with some leeway.
fn with_clock(
    verifier: IdTokenVerifier<'_, CoreJsonWebKey>,
    now: Timestamp,
    later: Timestamp,
) -> IdTokenVerifier<'_, CoreJsonWebKey> {
    let earlier = now.plus_seconds(-LEEWAY_SECONDS);
    let time =
        DateTime::from_timestamp_millis(earlier.millis()).unwrap_or(DateTime::<Utc>::MAX_UTC);
    verifier.set_time_fn(move || time).set_issue_time_verifier_fn(move |issued| {
        if issued.timestamp_millis() <= later.millis() { Ok(()) } else { Err(NOT_YET.to_owned()) }
    })
}

/// What the library answers, in our words, of a token issued in the future: it knows of expired ones only.
const NOT_YET: &str = "issued in the future";

/// What the library does not look at.
fn check_rest(
    claims: &IdTokenClaims,
    settings: &OidcSettings,
    later: Timestamp,
) -> Result<(), Fault> {
    let extra = &claims.additional_claims().0;
    match extra.get("nbf") {
        None => {}
        Some(nbf) => {
            let begins =
                nbf.as_f64().filter(|begins| begins.is_finite()).ok_or(Fault::Malformed)?;
            // Exact far beyond any time of this era.
            #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
            let later = later.seconds() as f64;
            if begins > later {
                return Err(Fault::NotYet);
            }
        }
    }
    if claims.authorized_party().is_some_and(|party| party.as_str() != settings.client_id) {
        return Err(Fault::Audience);
    }
    if let Profile::Entra { tenant } = &settings.profile {
        let text = |name: &str| extra.get(name).and_then(Value::as_str);
        if text("ver") != Some("2.0") {
            return Err(Fault::Version);
        }
        if !text("tid").is_some_and(|tid| tid.eq_ignore_ascii_case(tenant)) {
            return Err(Fault::Tenant);
        }
    }
    Ok(())
}

/// The name of the key that a token says it is signed with.
pub(super) fn key_id(token: &IdToken) -> Option<String> {
    let text = token.to_string();
    let bytes = URL_SAFE_NO_PAD.decode(text.split('.').next()?).ok()?;
    serde_json::from_slice::<Head>(&bytes).ok()?.kid
}

fn fault_of(error: &ClaimsVerificationError) -> Fault {
    use SignatureVerificationError as Signature;

    match error {
        ClaimsVerificationError::Expired(why) if why == NOT_YET => Fault::NotYet,
        ClaimsVerificationError::Expired(_) => Fault::Expired,
        ClaimsVerificationError::InvalidAudience(_) => Fault::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => Fault::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => Fault::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => Fault::Subject,
        ClaimsVerificationError::SignatureVerification(signature) => match signature {
            Signature::DisallowedAlg(_) | Signature::NoSignature | Signature::UnsupportedAlg(_) => {
                Fault::Algorithm
            }
            Signature::AmbiguousKeyId(_) | Signature::NoMatchingKey => Fault::Key,
            _ => Fault::Signature,
        },
        _ => Fault::Malformed,
    }
}
