//! Verification by a resource server itself, with the sdk.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use turnpike_sdk::test_util::{Issuer, quote};
use turnpike_sdk::{
    Clock as _, GrantState, Policy, PolicyRefusal, Require, SystemClock, TokenFacts, VerdictCache,
    Verifier,
};

use crate::Failure;
use crate::floor::ParsedRsa;
use crate::measure::{Beside, Repeated, in_turn};
use crate::report::{Budget, Row};
use crate::subject::{Settings, Subject};

const COLD: &str = "local verify, cold, RS256";
const CACHED: &str = "local verify, cached";
const CACHED_TO_COLD: &str = "local verify, cached beside cold";
const CACHED_BY_DIGEST: &str = "local verify, cached by SHA-256";

pub(crate) const SUBJECT: Subject = Subject {
    title: "local verification",
    names: &[COLD, CACHED, CACHED_TO_COLD, CACHED_BY_DIGEST],
    measure,
};

const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Sample";
pub(super) const CLIENT: &str = "1example23456789abcdefghij";
pub(super) const SCOPES: [&str; 2] = ["lj-health-food/place-order", "lj-health-food/list-orders"];

fn measure(settings: &Settings) -> Result<Vec<Row>, Failure> {
    let issuer = issuer();
    let token = token(&issuer);
    let require = Require::all_of([SCOPES[0]])?;
    let cold = verifier(&issuer, VerdictCache::off())?;
    let cached = verifier(&issuer, VerdictCache::by_token())?;
    let digested = verifier(&issuer, VerdictCache::by_digest())?;

    let (signed, signature) = token.rsplit_once('.').ok_or("not a token")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;
    let key = ParsedRsa::from_jwks(&issuer.jwks())?;

    let span = settings.span;
    let verify = |verifier: Verifier| {
        let (token, require) = (&token, &require);
        Repeated::new(span, move || {
            black_box(verifier.verify(black_box(token), require)?);
            Ok(())
        })
    };
    let mut raw = Repeated::new(span, || key.verify(black_box(signed.as_bytes()), &signature))?;
    let mut hash = Repeated::new(span, || {
        black_box(digest(&SHA256, black_box(token.as_bytes())));
        Ok(())
    })?;
    let (mut cold, mut cached, mut digested) = (verify(cold)?, verify(cached)?, verify(digested)?);
    let [raw, cold, hash, cached, digested] = in_turn(
        settings.rounds,
        [
            &mut || raw.micros(),
            &mut || cold.micros(),
            &mut || hash.micros(),
            &mut || cached.micros(),
            &mut || digested.micros(),
        ],
    )?;
    let row = |subject, floor: &[f64], figure: &[f64], budget| {
        Row::new(subject, "us", Beside::new(floor, figure), Some(budget))
    };
    Ok(vec![
        row(COLD, &raw, &cold, Budget::RatioAtMost(1.1)),
        row(CACHED, &hash, &cached, Budget::Figure(0.2)),
        row(CACHED_TO_COLD, &cold, &cached, Budget::RatioAtMost(1.0 / 80.0)),
        row(CACHED_BY_DIGEST, &hash, &digested, Budget::RatioAtMost(1.25)),
    ])
}

/// Its keys have ids as Cognito's have: base64 of 32 bytes, padded.
pub(super) fn issuer() -> Issuer {
    let issuer = Issuer::rs256(ISSUER);
    let key_id = format!("{}=", issuer.key_id());
    issuer.with_key_id(&key_id)
}

/// A token as long as Cognito's: an id of 36 characters, as a UUID has, and two scopes.
fn token(issuer: &Issuer) -> String {
    let draft = issuer.draft(CLIENT, &SCOPES.join(" "), SystemClock.now());
    draft.claim("jti", quote("5a9c1c35-4b4f-4b0a-9d2e-3f1a7c0f6f10")).token()
}

pub(super) fn verifier(issuer: &Issuer, cache: VerdictCache) -> Result<Verifier, Failure> {
    let policy = Arc::new(Live { epoch: AtomicU64::new(1) });
    let builder = Verifier::builder(ISSUER).keys(issuer.keys()).policy(policy).cache(cache);
    Ok(builder.build()?)
}

/// A policy that may change at any time and never does: what a verifier with a feed asks.
struct Live {
    epoch: AtomicU64,
}

impl Policy for Live {
    fn epoch(&self, _now: i64) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn admits(&self, token: &TokenFacts<'_>) -> Result<(), PolicyRefusal> {
        if token.client_id == CLIENT { Ok(()) } else { Err(PolicyRefusal::ClientUnknown) }
    }

    fn grants(&self, _token: &TokenFacts<'_>, scope: &str) -> GrantState {
        if SCOPES.contains(&scope) { GrantState::Active } else { GrantState::Ended }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_as_long_as_cognitos() {
        assert_eq!(token(&issuer()).len(), 895);
    }
}
