use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use turnpike_domain::Timestamp;
use turnpike_domain::actor::{Role, Staff, Teams};
use turnpike_domain::id::TeamId;

use super::verifier::LENGTH_MAX;
use super::*;

const METHOD: &str = "/turnpike.v1.ClientService/GetClient";
const NOW: i64 = 1_800_000_000;

#[derive(Debug)]
struct FakeClock(AtomicI64);

impl FakeClock {
    fn set(&self, seconds: i64) {
        self.0.store(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Counts up: no two fills are the same.
#[derive(Debug, Default)]
struct Counter(AtomicU8);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

struct World {
    clock: Arc<FakeClock>,
    entropy: Arc<Counter>,
    signer: AssertionSigner,
    verifier: AssertionVerifier,
}

fn world() -> World {
    let clock = Arc::new(FakeClock(AtomicI64::new(NOW * 1000)));
    let entropy = Arc::new(Counter::default());
    let (signer, verifier) = AssertionKeys::generate(clock.clone(), entropy.clone()).unwrap();
    World { clock, entropy, signer, verifier }
}

fn olga() -> Staff {
    Staff {
        id: "olga".to_owned(),
        display_name: "Olga Orders, größte \"Chefin\"".to_owned(),
        teams: Teams::Known(["orders", "shop"].iter().map(|t| TeamId::parse(t).unwrap()).collect()),
        roles: BTreeSet::from([Role::Auditor, Role::PlatformAdmin]),
        session_expire_time: Timestamp::from_seconds(NOW + 3600),
    }
}

impl World {
    /// Claims as the gateway writes them, for a test to spoil.
    fn claims(&self) -> Value {
        let jws = self.signer.sign(&olga(), METHOD).unwrap();
        let claims = jws.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }

    /// A JWS of the real key over any header and claims.
    fn forge(&self, header: &str, claims: &[u8]) -> String {
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self.signer.key().pair.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn header(&self) -> String {
        let header = URL_SAFE_NO_PAD.decode(&self.signer.key().header).unwrap();
        String::from_utf8(header).unwrap()
    }

    fn with(&self, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> String {
        let mut claims = self.claims();
        change(claims.as_object_mut().unwrap());
        self.forge(&self.header(), claims.to_string().as_bytes())
    }
}

#[test]
fn what_is_signed_is_what_is_verified() {
    let w = world();
    let known = olga();
    let some = BTreeSet::from([TeamId::parse("orders").unwrap()]);
    let unknown = Staff { teams: Teams::Unknown(BTreeSet::new()), ..olga() };
    let some = Staff { teams: Teams::Unknown(some), roles: BTreeSet::new(), ..olga() };
    let none = Staff { teams: Teams::Known(BTreeSet::new()), ..olga() };
    for staff in [known, unknown, some, none] {
        let jws = w.signer.sign(&staff, METHOD).unwrap();
        assert_eq!(w.verifier.verify(&jws, METHOD), Ok(staff));
        assert!(jws.bytes().all(|b| b.is_ascii_graphic()), "fits into metadata");
    }
}

#[test]
fn it_is_a_jws_to_others_too() {
    let w = world();
    let jws = w.signer.sign(&olga(), METHOD).unwrap();
    let key = jsonwebtoken::DecodingKey::from_ed_der(w.signer.key().pair.public_key().as_ref());
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    // It asks the machine's clock, which this test does not move.
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode::<Value>(&jws, &key, &validation).unwrap();
    assert_eq!(decoded.header.typ.as_deref(), Some(TYPE));
    assert_eq!(decoded.claims["sub"], "olga");
}

#[test]
fn each_has_its_own_id() {
    let w = world();
    assert_ne!(w.claims()["jti"], w.claims()["jti"]);
}

#[test]
fn it_lives_for_thirty_seconds_and_the_leeway() {
    let w = world();
    let jws = w.signer.sign(&olga(), METHOD).unwrap();
    for (at, fine) in [(-5, true), (0, true), (30, true), (34, true), (35, false), (3600, false)] {
        w.clock.set(NOW + at);
        assert_eq!(w.verifier.verify(&jws, METHOD).is_ok(), fine, "{at}");
    }
    w.clock.set(NOW - 6);
    assert_eq!(w.verifier.verify(&jws, METHOD), Err(Refusal::Times));
}

#[test]
fn it_ends_with_the_session() {
    let w = world();
    let soon = Staff { session_expire_time: Timestamp::from_seconds(NOW + 2), ..olga() };
    let jws = w.signer.sign(&soon, METHOD).unwrap();
    assert!(w.verifier.verify(&jws, METHOD).is_ok());
    w.clock.set(NOW + 2 + LEEWAY_SECONDS);
    assert_eq!(w.verifier.verify(&jws, METHOD), Err(Refusal::Expired));
}

#[test]
fn it_is_good_for_one_method() {
    let w = world();
    let jws = w.signer.sign(&olga(), METHOD).unwrap();
    for other in
        ["/turnpike.v1.ClientService/DeleteClient", "", "/turnpike.v1.ClientService/getClient"]
    {
        assert_eq!(w.verifier.verify(&jws, other), Err(Refusal::Method), "{other}");
    }
}

#[test]
fn keys_are_told_apart_and_may_rotate() {
    let w = world();
    let (next, alone) = AssertionKeys::generate(w.clock.clone(), w.entropy.clone()).unwrap();
    let both = AssertionVerifier::new([w.signer.public_key(), next.public_key()], w.clock.clone());
    let jws = next.sign(&olga(), METHOD).unwrap();
    assert!(both.verify(&jws, METHOD).is_ok());
    assert!(both.verify(&w.signer.sign(&olga(), METHOD).unwrap(), METHOD).is_ok());
    assert_eq!(w.verifier.verify(&jws, METHOD), Err(Refusal::Key));
    // The header of one key over the signature of the other.
    let mixed = jws.replacen(&next.key().header, &w.signer.key().header, 1);
    assert_eq!(both.verify(&mixed, METHOD), Err(Refusal::Signature));
    assert!(alone.verify(&jws, METHOD).is_ok());
}

#[test]
fn hostile_headers_are_never_read() {
    let w = world();
    let claims = w.claims().to_string();
    let kid = w.signer.public_key().id;
    for header in [
        r#"{"alg":"none"}"#.to_owned(),
        format!(r#"{{"alg":"none","typ":"{TYPE}","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"HS256","typ":"{TYPE}","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{TYPE}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{TYPE}","kid":"other"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{TYPE}","kid":"{kid}","crit":["b64"],"b64":false}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"{TYPE}","kid":"{kid}","jwk":{{}}}}"#),
        format!(r#"{{"alg":"EdDSA","alg":"none","typ":"{TYPE}","kid":"{kid}"}}"#),
        format!(r#"{{ "alg":"EdDSA","typ":"{TYPE}","kid":"{kid}"}}"#),
        String::new(),
    ] {
        let jws = w.forge(&header, claims.as_bytes());
        assert_eq!(w.verifier.verify(&jws, METHOD), Err(Refusal::Key), "{header}");
    }
}

#[test]
fn spoilt_claims_are_refused() {
    let w = world();
    let cases: Vec<(&str, String, Refusal)> = vec![
        ("aud", w.with(|c| drop(c.insert("aud".into(), json!("turnpike")))), Refusal::Audience),
        (
            "aud list",
            w.with(|c| drop(c.insert("aud".into(), json!([AUDIENCE])))),
            Refusal::Malformed,
        ),
        ("no aud", w.with(|c| drop(c.remove("aud"))), Refusal::Malformed),
        ("no exp", w.with(|c| drop(c.remove("exp"))), Refusal::Malformed),
        ("no mth", w.with(|c| drop(c.remove("mth"))), Refusal::Malformed),
        ("no iat", w.with(|c| drop(c.remove("iat"))), Refusal::Malformed),
        ("no jti", w.with(|c| drop(c.remove("jti"))), Refusal::Malformed),
        ("no teams", w.with(|c| drop(c.remove("teams"))), Refusal::Malformed),
        ("null teams", w.with(|c| drop(c.insert("teams".into(), Value::Null))), Refusal::Malformed),
        ("exp text", w.with(|c| drop(c.insert("exp".into(), json!("9")))), Refusal::Malformed),
        ("exp real", w.with(|c| drop(c.insert("exp".into(), json!(1e300)))), Refusal::Malformed),
        ("exp far", w.with(|c| drop(c.insert("exp".into(), json!(i64::MAX)))), Refusal::Times),
        ("iat far", w.with(|c| drop(c.insert("iat".into(), json!(i64::MAX)))), Refusal::Times),
        ("iat low", w.with(|c| drop(c.insert("iat".into(), json!(i64::MIN)))), Refusal::Times),
        ("exp low", w.with(|c| drop(c.insert("exp".into(), json!(i64::MIN)))), Refusal::Expired),
        ("session", w.with(|c| drop(c.insert("session_exp".into(), json!(0)))), Refusal::Expired),
        ("more", w.with(|c| drop(c.insert("admin".into(), json!(true)))), Refusal::Malformed),
        ("role", w.with(|c| drop(c.insert("roles".into(), json!(["root"])))), Refusal::Malformed),
        ("team", w.with(|c| drop(c.insert("teams".into(), json!(["A b"])))), Refusal::Malformed),
        (
            "known",
            w.with(|c| drop(c.insert("teams_known".into(), json!("no")))),
            Refusal::Malformed,
        ),
        ("no one", w.with(|c| drop(c.insert("sub".into(), json!("")))), Refusal::Malformed),
    ];
    for (name, jws, refusal) in cases {
        assert_eq!(w.verifier.verify(&jws, METHOD), Err(refusal), "{name}");
    }
    let twice = w.claims().to_string().replacen('{', r#"{"sub":"root","#, 1);
    let jws = w.forge(&w.header(), twice.as_bytes());
    assert_eq!(w.verifier.verify(&jws, METHOD), Err(Refusal::Malformed));
    let trailing = format!("{} {{}}", w.claims());
    let jws = w.forge(&w.header(), trailing.as_bytes());
    assert_eq!(w.verifier.verify(&jws, METHOD), Err(Refusal::Malformed));
}

#[test]
fn spoilt_encodings_are_refused() {
    let w = world();
    let jws = w.signer.sign(&olga(), METHOD).unwrap();
    let parts: Vec<&str> = jws.split('.').collect();
    let (h, c, s) = (parts[0], parts[1], parts[2]);
    let wrong = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        h.to_owned(),
        format!("{h}.{c}"),
        format!("{h}.{c}."),
        format!("{h}..{s}"),
        format!("{jws}."),
        format!("{jws}=="),
        format!("{jws}.x"),
        format!("x.{jws}"),
        format!(" {jws}"),
        format!("{jws}\n"),
        format!("{h}.{c}.{}", s.to_uppercase()),
        format!("{h}.{}.{s}", c.replacen('e', "f", 1)),
        format!("{h}.{c}A.{s}"),
        "x".repeat(LENGTH_MAX + 1),
    ];
    for text in wrong {
        assert!(w.verifier.verify(&text, METHOD).is_err(), "{text:?}");
    }
    assert!(w.verifier.verify(&jws, METHOD).is_ok());
}

#[test]
fn nothing_shows_the_key() {
    let w = world();
    assert_eq!(format!("{:?}", w.signer), "AssertionSigner(..)");
    assert_eq!(format!("{:?}", w.verifier), "AssertionVerifier { keys: 1, .. }");
    assert!(format!("{:?}", w.signer.public_key()).ends_with(", .. }"));
    let error = Error::from(Refusal::Signature);
    assert!(matches!(error, Error::Unauthenticated(_)));
}
