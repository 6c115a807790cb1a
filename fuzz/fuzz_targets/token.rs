//! The verifier against anything that calls itself a token: no panic, and nothing is accepted but what the
//! issuer signed.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use turnpike_sdk::test_util::Issuer;
use turnpike_sdk::{Require, Verifier};

static ISSUER: LazyLock<Issuer> = LazyLock::new(|| Issuer::rs256("https://issuer.example.com"));
static TOKEN: LazyLock<String> = LazyLock::new(|| ISSUER.token("client1", "api/read api/write"));
static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    Verifier::builder(ISSUER.url()).keys(ISSUER.keys()).build().expect("a verifier of the tests")
});
static ANY: LazyLock<Require> =
    LazyLock::new(|| Require::any_of(["api/read", "api/write"]).expect("two scopes"));

fuzz_target!(|data: &[u8]| {
    // As it comes.
    if let Ok(text) = std::str::from_utf8(data) {
        assert!(VERIFIER.verify(text, &ANY).is_err() || text == TOKEN.as_str());
    }
    // As header and claims of a token that is signed: the signature is good, the rest is anything.
    if let Some((at, rest)) = data.split_first() {
        let (header, claims) = rest.split_at(usize::from(*at).min(rest.len()));
        let _ = VERIFIER.verify(&ISSUER.token_of(header, claims), &ANY);
    }
    // As a change to a good one: it is refused, or it is the good one.
    if let [at_high, at_low, byte, ..] = data {
        let mut token = TOKEN.clone().into_bytes();
        let at = (usize::from(*at_high) << 8 | usize::from(*at_low)) % token.len();
        token[at] = *byte;
        if let Ok(changed) = String::from_utf8(token) {
            assert!(VERIFIER.verify(&changed, &ANY).is_err() || changed == *TOKEN);
        }
    }
});
