//! Which keys of a JWK set are used.

use turnpike_sdk::test_util::Issuer;
use turnpike_sdk::{KeySet, Keys, Unusable};

use crate::setup::{ISSUER, SHARED};

fn set(keys: &[String]) -> KeySet {
    KeySet::from_jwks(&format!(r#"{{"keys":[{}]}}"#, keys.join(","))).expect("a key set")
}

/// The shared issuer's key with `from` replaced by `to`.
fn bent(from: &str, to: &str) -> String {
    let jwk = SHARED.jwk();
    assert!(jwk.contains(from), "{from}");
    jwk.replacen(from, to, 1)
}

fn why(jwk: String) -> Option<Unusable> {
    let set = set(&[jwk]);
    assert_eq!(set.is_empty(), !set.skipped().is_empty());
    set.skipped().first().map(|skipped| skipped.reason)
}

#[test]
fn members_that_are_not_needed_may_be_absent_or_unknown() {
    for jwk in [
        SHARED.jwk(),
        bent(r#""use":"sig","#, ""),
        bent(r#""alg":"RS256","#, ""),
        bent(r#""use":"sig","#, r#""key_ops":["verify"],"x5c":["MII"],"future":{"a":[1]},"#),
    ] {
        assert_eq!(why(jwk), None);
    }
}

#[test]
fn what_cannot_verify_is_left_out() {
    let jwk = SHARED.jwk();
    let n = jwk.split(r#""n":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("n");
    let even = format!("{}A", &n[..n.len() - 1]);
    let kid = format!("\"{}\"", SHARED.key_id());
    let ec = Issuer::es256(ISSUER).jwk();
    let bend_ec = |from: &str, to: &str| {
        assert!(ec.contains(from), "{from}");
        ec.replacen(from, to, 1)
    };
    let x = ec.split(r#""x":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("x");
    for (jwk, reason) in [
        (bent("\"sig\"", "\"enc\""), Unusable::Unsupported),
        (bent("\"sig\"", "1"), Unusable::Malformed),
        (bent("\"RS256\"", "\"RS512\""), Unusable::Unsupported),
        (bent("\"RS256\"", "\"ES256\""), Unusable::Unsupported),
        (bent("\"RS256\"", "\"none\""), Unusable::Unsupported),
        (bent("\"RSA\"", "\"OKP\""), Unusable::Unsupported),
        (bent("\"RSA\"", "\"rsa\""), Unusable::Unsupported),
        (bent("\"kty\":\"RSA\",", ""), Unusable::Malformed),
        (bent("\"use\"", r#""key_ops":["encrypt"],"use""#), Unusable::Unsupported),
        (bent("\"use\"", r#""key_ops":"verify","use""#), Unusable::Malformed),
        (bent("\"use\"", r#""d":"AQAB","use""#), Unusable::Private),
        (bent("\"use\"", r#""qi":null,"use""#), Unusable::Private),
        (r#"{"kty":"oct","kid":"a","k":"c2VjcmV0"}"#.into(), Unusable::Private),
        (r#"{"kty":"oct","kid":"a"}"#.into(), Unusable::Private),
        (bent(&kid, "\"\""), Unusable::NoKeyId),
        (bent(&kid, "7"), Unusable::NoKeyId),
        (bent(&kid, &format!("\"{}\"", "k".repeat(257))), Unusable::NoKeyId),
        (bent("\"kid\"", "\"id\""), Unusable::NoKeyId),
        (bent(n, "AQAB"), Unusable::Weak),
        (bent(n, &n[..n.len() / 8 * 4]), Unusable::Weak),
        (bent(n, &n.repeat(5)), Unusable::Weak),
        (bent(n, ""), Unusable::Weak),
        (bent(n, &even), Unusable::Malformed),
        (bent(n, "***"), Unusable::Malformed),
        (bent("\"n\":", "\"N\":"), Unusable::Malformed),
        (bent("AQAB", "Aw"), Unusable::Weak),
        (bent("AQAB", "AQ"), Unusable::Weak),
        (bent("AQAB", ""), Unusable::Weak),
        (bent("AQAB", "AQAC"), Unusable::Malformed),
        (bent("AQAB", "AQAAAAAB"), Unusable::Weak),
        (bent("AQAB", "AQAB="), Unusable::Malformed),
        (bend_ec("P-256", "P-384"), Unusable::Unsupported),
        (bend_ec("P-256", "secp256k1"), Unusable::Unsupported),
        (bend_ec("ES256", "RS256"), Unusable::Unsupported),
        (bend_ec(x, &x[4..]), Unusable::Malformed),
        (bend_ec(x, &"A".repeat(43)), Unusable::Malformed),
    ] {
        let shown = jwk.clone();
        assert_eq!(why(jwk), Some(reason), "{shown}");
    }
}

/// An issuer that writes a sign byte still means the same number.
#[test]
fn leading_zeros_do_not_make_another_key() {
    assert_eq!(why(bent("AQAB", "AAEAAQ")), None);
    let plain = set(&[SHARED.jwk()]);
    assert_eq!(set(&[bent("AQAB", "AAEAAQ")]), plain);
}

#[test]
fn one_strange_key_does_not_spoil_the_set() {
    let other = Issuer::es256(ISSUER);
    let set = set(&[
        r#"{"kty":"AKP","kid":"future","alg":"ML-DSA-44","pub":"AA"}"#.into(),
        SHARED.jwk(),
        "{}".into(),
        other.jwk(),
    ]);
    assert_eq!(set.key_ids().collect::<Vec<_>>(), [SHARED.key_id(), other.key_id()]);
    assert_eq!(set.skipped().len(), 2);
    assert_eq!(set.skipped()[0].key_id.as_deref(), Some("future"));
}

#[test]
fn a_key_id_means_one_key() {
    let same = Issuer::es256(ISSUER).with_key_id(SHARED.key_id());
    let other = Issuer::es256(ISSUER);
    let set = set(&[SHARED.jwk(), other.jwk(), same.jwk(), SHARED.jwk(), other.jwk()]);
    assert_eq!(set.key_ids().collect::<Vec<_>>(), [other.key_id()]);
    assert_eq!(set.skipped().len(), 1);
    assert_eq!(set.skipped()[0].reason, Unusable::AmbiguousKeyId);
    assert_eq!(set.skipped()[0].key_id.as_deref(), Some(SHARED.key_id()));
}

#[test]
fn what_is_no_key_set_is_refused_as_a_whole() {
    let jwk = SHARED.jwk();
    for text in [
        String::new(),
        "[]".into(),
        "{}".into(),
        "<html>".into(),
        r#"{"keys":{}}"#.into(),
        r#"{"keys":null}"#.into(),
        r#"{"keys":[1]}"#.into(),
        r#"{"keys":[[]]}"#.into(),
        jwk.clone(),
        format!(r#"{{"keys":[{jwk}],"keys":[]}}"#),
        format!(r#"{{"keys":[{}]}}"#, jwk.replace("\"use\"", "\"kid\":\"x\",\"use\"")),
        format!(r#"{{"keys":[{jwk}]}}{{}}"#),
        format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 129].join(",")),
    ] {
        assert!(KeySet::from_jwks(&text).is_err(), "{text}");
    }
    assert!(KeySet::from_jwks(r#"{"keys":[]}"#).expect("an empty set").is_empty());
}

#[test]
fn replacing_by_the_same_is_no_change() {
    let keys = Keys::new(set(&[SHARED.jwk()]));
    assert!(!keys.replace(set(&[SHARED.jwk()])));
    assert!(keys.replace(set(&[])));
    assert!(!keys.replace(KeySet::default()));
    assert!(keys.current().is_empty());
}
