//! What is accepted, settings, times, and the trace.

use std::sync::Arc;
use std::time::Duration;

use turnpike_sdk::test_util::{Issuer, quote};
use turnpike_sdk::{
    Answer, BuildError, Check, Keys, Outcome, Refusal, Require, VerdictCache, Verifier,
};

use crate::setup::{
    CLIENT, ISSUER, LIST, NOW, PLACE, SHARED, builder, clock, draft, place, verifier,
};

#[test]
fn a_good_token_is_verified_with_what_it_says() {
    let token = draft().claim("jti", "\"9e1cdd33\"").claim("nbf", NOW - 5).token();
    let verified = verifier().verify(&token, &place()).expect("accepted");
    assert_eq!(verified.client_id(), CLIENT);
    assert_eq!(verified.jti(), "9e1cdd33");
    assert_eq!(verified.issued_at(), NOW);
    assert_eq!(verified.expires_at(), NOW + 3600);
    assert_eq!(verified.scopes().collect::<Vec<_>>(), [PLACE, LIST]);
    assert!(verified.has_scope(LIST) && !verified.has_scope("lj-health-food/list"));
    let claims = verified.claims();
    assert_eq!(claims.issuer(), ISSUER);
    assert_eq!(claims.key_id(), SHARED.key_id());
    assert_eq!((claims.auth_time(), claims.not_before()), (Some(NOW), Some(NOW - 5)));
}

/// What is no danger is no reason to refuse: issuers differ, and tokens grow.
#[test]
fn harmless_differences_are_accepted() {
    let kid = SHARED.key_id();
    let escaped = format!("\"\\u{:04x}{}\"", u32::from(kid.as_bytes()[0]), &kid[1..]);
    let spaced = draft().claims_text().replace(',', " ,\r\n\t").replace("\":", "\" : ");
    let tokens = [
        ("typ JWT", draft().header("typ", "\"JWT\"").token()),
        ("typ at+jwt", draft().header("typ", "\"at+jwt\"").token()),
        ("unknown header member", draft().header("x", r#"{"y":[1,2]}"#).token()),
        ("thumbprint", draft().header("x5t", "\"dGVzdA\"").token()),
        ("escaped kid", draft().header("kid", escaped).token()),
        ("unknown claim", draft().claim("x", r#"[{"a":1},{"a":[null,true,1e5]}]"#).token()),
        ("no subject", draft().without_claim("sub").token()),
        ("no auth_time", draft().without_claim("auth_time").token()),
        ("other version", draft().claim("version", 3).token()),
        ("audience is the client", draft().claim("aud", quote(CLIENT)).token()),
        (
            "audience is a list of the client",
            draft().claim("aud", format!("[{}]", quote(CLIENT))).token(),
        ),
        (
            "the same scope twice",
            draft().claim("scope", quote(&format!("{PLACE} {PLACE}"))).token(),
        ),
        ("white space", SHARED.token_of(draft().header_text(), spaced)),
        (
            "client id of every kind",
            draft().claim("client_id", "\"aZ09_+\"").claim("sub", "\"aZ09_+\"").token(),
        ),
        (
            "longest client id",
            draft().claim("client_id", quote(&"c".repeat(128))).without_claim("sub").token(),
        ),
        ("longest jti", draft().claim("jti", quote(&"j".repeat(128))).token()),
        ("largest exp", draft().claim("exp", (1_i64 << 53) - 1).token()),
    ];
    for (name, token) in tokens {
        let verdict = verifier().verify(&token, &place());
        assert!(verdict.is_ok(), "{name}: {verdict:?}");
    }
}

/// A library that strangers wrote agrees that our tokens are good.
#[test]
fn jsonwebtoken_accepts_what_we_accept() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    for (issuer, algorithm) in
        [(Issuer::rs256(ISSUER), Algorithm::RS256), (Issuer::es256(ISSUER), Algorithm::ES256)]
    {
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(&issuer.jwk()).expect("a JWK");
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[ISSUER]);
        validation.required_spec_claims.insert("iss".into());
        let token = issuer.token(CLIENT, PLACE);
        let key = DecodingKey::from_jwk(&jwk).expect("a key");
        let theirs = decode::<serde_json::Value>(&token, &key, &validation).expect("accepted");
        let verifier = Verifier::builder(ISSUER).keys(issuer.keys()).build().expect("a verifier");
        let ours = verifier.verify(&token, &place()).expect("accepted");
        assert_eq!(theirs.claims["client_id"], ours.client_id());
        assert_eq!(theirs.claims["exp"], ours.expires_at());
        assert_eq!(theirs.header.kid.as_deref(), Some(ours.claims().key_id()));
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    let ec = Issuer::es256(ISSUER);
    let rsa_named_ec = Issuer::rs256(ISSUER).with_key_id(ec.key_id());
    let verifier =
        Verifier::builder(ISSUER).keys(ec.keys()).clock(clock()).build().expect("a verifier");
    let good = ec.draft(CLIENT, PLACE, NOW);
    assert!(verifier.verify(&good.token(), &place()).is_ok());
    for (token, refusal) in [
        (rsa_named_ec.draft(CLIENT, PLACE, NOW).token(), Refusal::AlgorithmMismatch),
        (
            rsa_named_ec.draft(CLIENT, PLACE, NOW).header("alg", "\"ES256\"").token(),
            Refusal::BadSignature,
        ),
        (good.clone().header("alg", "\"RS256\"").token(), Refusal::AlgorithmMismatch),
        (good.clone().header("alg", "\"none\"").token(), Refusal::AlgorithmMismatch),
        (good.clone().header("alg", "\"ES384\"").token(), Refusal::AlgorithmMismatch),
    ] {
        assert_eq!(verifier.verify(&token, &place()), Err(refusal));
    }
    // The zero signature that some verifiers took for any message, and signatures in DER.
    let token = good.token();
    let (input, _) = token.rsplit_once('.').expect("three parts");
    for signature in ["A".repeat(86), "MAYCAQECAQE".into(), String::new()] {
        let token = format!("{input}.{signature}");
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::BadSignature));
    }
}

#[test]
fn any_of_and_all_of_are_not_the_same() {
    let token = SHARED.draft(CLIENT, PLACE, NOW).token();
    let both = [PLACE, LIST];
    let verifier = verifier();
    let all = Require::all_of(both).expect("scopes");
    let any = Require::any_of(both).expect("scopes");
    assert_eq!(verifier.verify(&token, &all), Err(Refusal::InsufficientScope));
    assert!(verifier.verify(&token, &any).is_ok());
    let verified = verifier.verify(&token, &Require::any_token()).expect("accepted");
    assert_eq!(verified.satisfies(&all), Err(Refusal::InsufficientScope));
    assert_eq!(verified.satisfies(&any), Ok(()));
}

#[test]
fn times_hold_to_the_second() {
    for leeway in [0, 5, 60] {
        let clock = clock();
        let verifier = builder(&clock).leeway(Duration::from_secs(leeway)).build().expect("one");
        let leeway = i64::try_from(leeway).expect("small");
        let token = draft().claim("exp", NOW + 100).claim("nbf", NOW + 50).token();
        for (now, verdict) in [
            (NOW - leeway - 1, Err(Refusal::NotYetValid)),
            (NOW + 50 - leeway - 1, Err(Refusal::NotYetValid)),
            (NOW + 50 - leeway, Ok(())),
            (NOW + 100 + leeway - 1, Ok(())),
            (NOW + 100 + leeway, Err(Refusal::Expired)),
            (NOW + 101 + leeway, Err(Refusal::Expired)),
            // Back again: a verdict that was remembered is no different from one that was not.
            (NOW + 60, Ok(())),
            (NOW - 1_000_000, Err(Refusal::NotYetValid)),
            (i64::MAX, Err(Refusal::Expired)),
            (i64::MIN, Err(Refusal::NotYetValid)),
        ] {
            clock.set(now);
            for _ in 0..2 {
                let ours = verifier.verify(&token, &place()).map(|_| ());
                assert_eq!(ours, verdict, "{leeway} {}", now.saturating_sub(NOW));
            }
        }
        let token = draft().token();
        clock.set(NOW - leeway);
        assert!(verifier.verify(&token, &place()).is_ok());
        clock.set(NOW - leeway - 1);
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::IssuedInFuture));
    }
}

#[test]
fn an_expected_audience_must_be_named() {
    let verifier = builder(&clock()).audience("orders").build().expect("a verifier");
    let verdict = |json: &str| verifier.verify(&draft().claim("aud", json).token(), &place());
    assert!(verdict("\"orders\"").is_ok());
    assert!(verdict(r#"["x","orders"]"#).is_ok());
    assert_eq!(verdict(&quote(CLIENT)), Err(Refusal::WrongAudience));
    assert_eq!(verdict("\"Orders\""), Err(Refusal::WrongAudience));
    assert_eq!(verdict("[]"), Err(Refusal::WrongAudience));
    assert_eq!(
        verifier.verify(&draft().token(), &place()),
        Err(Refusal::MissingClaim("aud")),
        "a token without an audience is not for us by default"
    );
}

#[test]
fn settings_are_checked() {
    let keys = Keys::default;
    let refused = |builder: turnpike_sdk::Builder| builder.build().expect_err("refused");
    assert_eq!(refused(Verifier::builder("").keys(keys())), BuildError::EmptyIssuer);
    assert_eq!(refused(Verifier::builder(ISSUER)), BuildError::NoKeys);
    let minute = Duration::from_secs(60);
    let builder = || Verifier::builder(ISSUER).keys(keys());
    assert_eq!(
        refused(builder().leeway(minute + Duration::from_nanos(1))),
        BuildError::LeewayTooLong
    );
    assert_eq!(refused(builder().leeway(Duration::MAX)), BuildError::LeewayTooLong);
    assert_eq!(refused(builder().audience("")), BuildError::EmptyAudience);
    assert!(builder().leeway(minute).build().is_ok());
}

#[test]
fn the_size_limit_is_a_setting() {
    let token = draft().token();
    let at = builder(&clock()).max_token_bytes(token.len()).build().expect("a verifier");
    let below = builder(&clock()).max_token_bytes(token.len() - 1).build().expect("a verifier");
    assert!(at.verify(&token, &place()).is_ok());
    assert_eq!(below.verify(&token, &place()), Err(Refusal::TooLarge));
}

#[test]
fn no_keys_is_not_an_unknown_key() {
    let keys = Keys::default();
    let verifier =
        Verifier::builder(ISSUER).keys(keys.clone()).clock(clock()).build().expect("one");
    let token = draft().token();
    assert_eq!(verifier.verify(&token, &place()), Err(Refusal::KeysUnavailable));
    assert_eq!(verifier.verify("nonsense", &place()), Err(Refusal::Malformed));
    assert!(keys.replace(turnpike_sdk::KeySet::from_jwks(&SHARED.jwks()).expect("keys")));
    assert!(verifier.verify(&token, &place()).is_ok());
}

/// A key that the issuer withdraws may have been stolen. Its tokens end at once, remembered or not.
#[test]
fn withdrawn_keys_end_their_tokens() {
    let keys = SHARED.keys();
    for cache in [VerdictCache::by_token(), VerdictCache::by_digest(), VerdictCache::off()] {
        let verifier = Verifier::builder(ISSUER)
            .keys(keys.clone())
            .clock(clock())
            .cache(cache)
            .build()
            .expect("a verifier");
        let token = draft().token();
        assert!(verifier.verify(&token, &place()).is_ok());
        // The same name, another key.
        let other = Issuer::rs256(ISSUER).with_key_id(SHARED.key_id());
        keys.replace(turnpike_sdk::KeySet::from_jwks(&other.jwks()).expect("keys"));
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::BadSignature));
        let next = Issuer::es256(ISSUER);
        keys.replace(turnpike_sdk::KeySet::from_jwks(&next.jwks()).expect("keys"));
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::UnknownKey));
        keys.replace(turnpike_sdk::KeySet::from_jwks(&SHARED.jwks()).expect("keys"));
        assert!(verifier.verify(&token, &place()).is_ok());
    }
}

#[test]
fn a_trace_tells_what_passed_failed_and_was_not_reached() {
    let verifier = verifier();
    let trace = verifier.verify_traced(&draft().token(), &place());
    assert!(trace.verdict().is_ok());
    assert!(trace.checks().all(|(_, outcome)| outcome == Outcome::Passed));
    assert_eq!(trace.checks().count(), Check::ALL.len());

    let expired = draft().claim("iat", NOW - 900).claim("exp", NOW - 300).token();
    let trace = verifier.verify_traced(&expired, &place());
    assert_eq!(trace.verdict(), Err(Refusal::Expired));
    assert_eq!(trace.claims().expect("signed for us").client_id(), CLIENT);
    for (check, outcome) in trace.checks() {
        let expected = match check.cmp(&Check::Expiry) {
            std::cmp::Ordering::Less => Outcome::Passed,
            std::cmp::Ordering::Equal => Outcome::Failed,
            std::cmp::Ordering::Greater => Outcome::NotReached,
        };
        assert_eq!(outcome, expected, "{check:?}");
    }

    for forged in ["x".into(), Issuer::rs256(ISSUER).token(CLIENT, PLACE)] {
        let trace = verifier.verify_traced(&forged, &place());
        assert!(trace.claims().is_none(), "nothing is said of what the issuer did not sign");
    }
    let mut names: Vec<_> = Check::ALL.iter().map(|check| check.name()).collect();
    assert!(Check::ALL.is_sorted());
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Check::ALL.len());
}

#[test]
fn nothing_secret_is_printed() {
    let verifier = verifier();
    let token = draft().token();
    let (_, signature) = token.rsplit_once('.').expect("three parts");
    let verified = verifier.verify(&token, &place()).expect("accepted");
    let trace = verifier.verify_traced(&token, &place());
    let printed = format!("{verified:?} {verifier:?} {trace:?} {:?}", verifier.keys());
    assert!(!printed.contains(signature));
    assert!(printed.contains(CLIENT));
}

#[test]
fn clones_share_and_threads_may_have_them() {
    fn shareable<T: Clone + Send + Sync + 'static>(_: &T) {}
    let verifier = verifier();
    shareable(&verifier);
    let token = Arc::new(draft().token());
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token.clone());
            std::thread::spawn(move || {
                for _ in 0..50 {
                    assert!(verifier.verify(&token, &place()).is_ok());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
}

#[test]
fn answers_follow_rfc_6750() {
    for (refusal, answer, status, error) in [
        (Refusal::CredentialsMissing, Answer::Authenticate, 401, None),
        (Refusal::CredentialsMalformed, Answer::InvalidRequest, 400, Some("invalid_request")),
        (Refusal::Malformed, Answer::InvalidToken, 401, Some("invalid_token")),
        (Refusal::Expired, Answer::InvalidToken, 401, Some("invalid_token")),
        (Refusal::TokenRevoked, Answer::InvalidToken, 401, Some("invalid_token")),
        (Refusal::ClientDisabled, Answer::InvalidToken, 401, Some("invalid_token")),
        (Refusal::InsufficientScope, Answer::InsufficientScope, 403, Some("insufficient_scope")),
        (Refusal::ScopeNotGranted, Answer::InsufficientScope, 403, Some("insufficient_scope")),
        (Refusal::StalePolicy, Answer::Unavailable, 503, None),
        (Refusal::KeysUnavailable, Answer::Unavailable, 503, None),
    ] {
        assert_eq!(refusal.answer(), answer, "{refusal:?}");
        assert_eq!((answer.status(), answer.error()), (status, error), "{refusal:?}");
    }
}
