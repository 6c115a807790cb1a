//! What holds for every token.

use proptest::prelude::*;
use turnpike_sdk::Require;

use crate::setup::{NOW, SHARED, draft, place, verifier};

/// Claims as `serde_json` would write them, with more of every kind beside them.
fn extra() -> impl Strategy<Value = serde_json::Map<String, serde_json::Value>> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(".{0,6}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map("x.{0,6}", value, 0..6).prop_map(|map| map.into_iter().collect())
}

fn scopes() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("[!#-\\[\\]-~]{1,20}/[!#-.0-\\[\\]-~]{1,20}", 1..20)
        .prop_map(|set| set.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever an issuer may write comes out as it went in.
    #[test]
    fn claims_round_trip(
        client_id in "[A-Za-z0-9_+]{1,128}",
        jti in "[!-~]{1,128}",
        age in 0..80_000_i64,
        life in 1..86_400_i64,
        scopes in scopes(),
        mut claims in extra(),
    ) {
        let issued_at = NOW - age;
        let expires_at = NOW + life;
        claims.extend([
            ("iss".into(), SHARED.url().into()),
            ("sub".into(), client_id.clone().into()),
            ("client_id".into(), client_id.clone().into()),
            ("token_use".into(), "access".into()),
            ("scope".into(), scopes.join(" ").into()),
            ("iat".into(), issued_at.into()),
            ("exp".into(), expires_at.into()),
            ("jti".into(), jti.clone().into()),
        ]);
        let text = serde_json::Value::Object(claims).to_string();
        let token = SHARED.token_of(draft().header_text(), text);
        let verified = verifier().verify(&token, &Require::any_token());
        let verified = verified.map_err(|refusal| TestCaseError::fail(refusal.reason()))?;
        prop_assert_eq!(verified.client_id(), client_id);
        prop_assert_eq!(verified.jti(), jti);
        prop_assert_eq!(verified.issued_at(), issued_at);
        prop_assert_eq!(verified.expires_at(), expires_at);
        prop_assert_eq!(verified.scopes().collect::<Vec<_>>(), scopes);
    }

    /// A token with any byte changed is refused. The signature covers the first two parts, and the
    /// third has one spelling.
    #[test]
    fn a_changed_byte_is_refused(at in any::<prop::sample::Index>(), with in "[ -~]") {
        let token = draft().token();
        let at = at.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(at..=at, &with);
        let verifier = verifier();
        prop_assert!(verifier.verify(&token, &place()).is_ok());
        let verdict = verifier.verify(&changed, &place());
        prop_assert_eq!(verdict.is_ok(), changed == token, "{}", changed);
    }

    /// So is one with something cut out or put in.
    #[test]
    fn a_changed_length_is_refused(
        from in any::<prop::sample::Index>(),
        cut in 0..40_usize,
        put in "[ -~\u{e9}]{0,8}",
    ) {
        let token = draft().token();
        let from = from.index(token.len());
        let to = (from + cut).min(token.len());
        let mut changed = token.clone();
        changed.replace_range(from..to, &put);
        let verdict = verifier().verify(&changed, &place());
        prop_assert_eq!(verdict.is_ok(), changed == token, "{}", changed);
    }

    /// Signed claims with bytes changed are read as they are written now, or refused; never a panic,
    /// and never another reading than a general reader has.
    #[test]
    fn changed_claims_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut claims = draft().claims_text().into_bytes();
        for (at, byte) in changes {
            let at = at.index(claims.len());
            claims[at] = byte;
        }
        let token = SHARED.token_of(draft().header_text(), &claims);
        if let Ok(verified) = verifier().verify(&token, &Require::any_token()) {
            let read: serde_json::Value = serde_json::from_slice(&claims).expect("accepted by us");
            prop_assert_eq!(read["client_id"].as_str(), Some(verified.client_id()));
            prop_assert_eq!(read["exp"].as_i64(), Some(verified.expires_at()));
            prop_assert_eq!(read["iat"].as_i64(), Some(verified.issued_at()));
            prop_assert_eq!(read["jti"].as_str(), Some(verified.jti()));
            let scopes = verified.scopes().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(read["scope"].as_str(), Some(scopes.as_str()));
        }
    }

    /// Nothing makes it panic, and nothing that the issuer did not sign is accepted.
    #[test]
    fn garbage_is_refused(token in "\\PC{0,200}", dots in prop::collection::vec("[A-Za-z0-9_-]{0,40}", 1..6)) {
        prop_assert!(verifier().verify(&token, &Require::any_token()).is_err());
        prop_assert!(verifier().verify(&dots.join("."), &Require::any_token()).is_err());
    }
}
