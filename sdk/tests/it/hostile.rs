//! Every hostile token is refused, for the right reason, on every path through the verifier.

use std::collections::HashSet;
use std::sync::Arc;

use turnpike_sdk::test_util::hostile::{Forge, kinds};
use turnpike_sdk::test_util::{Issuer, ManualClock};
use turnpike_sdk::{Outcome, Require, VerdictCache, Verifier};

const ISSUER: &str = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example";
const NOW: i64 = 1_790_000_000;

fn forge() -> Forge {
    Forge::new(Issuer::rs256(ISSUER), "1example23456789", "lj-health-food/place-order", NOW)
}

fn verifier(forge: &Forge, cache: VerdictCache) -> Verifier {
    Verifier::builder(ISSUER)
        .keys(forge.issuer().keys())
        .clock(Arc::new(ManualClock::new(NOW)))
        .cache(cache)
        .build()
        .expect("a verifier")
}

#[test]
fn each_is_refused_for_its_reason() {
    let forge = forge();
    let require = Require::all_of(["lj-health-food/place-order"]).expect("a scope");
    let verifier = verifier(&forge, VerdictCache::by_token());
    verifier.verify(&forge.good(), &require).expect("the set-up accepts a good token");

    let mut wrong = Vec::new();
    for kind in kinds() {
        let token = kind.token(&forge);
        assert!(!token.is_empty() && token.len() <= 20_000, "{}", kind.name());
        let reason = verifier.verify(&token, &require).map_err(|refusal| refusal.reason());
        // The second call may find what the first one left behind.
        let again = verifier.verify(&token, &require).map_err(|refusal| refusal.reason());
        let trace = verifier.verify_traced(&token, &require);
        let traced = trace.verdict().map_err(|refusal| refusal.reason());
        let failed = trace.checks().filter(|(_, outcome)| *outcome == Outcome::Failed).count();
        if reason.as_ref().err() != Some(&kind.reason())
            || again != reason
            || traced.err() != Some(kind.reason())
            || failed != 1
        {
            wrong.push(format!("{}: {reason:?}, wanted {}", kind.name(), kind.reason()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_has_a_name_of_its_own_and_there_are_enough() {
    let names: HashSet<_> = kinds().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), kinds().count());
    assert!(names.len() >= 150, "{}", names.len());
}

/// A kind whose token the verifier accepts under another reason's disguise would be a hole in the
/// list: each must differ from the good token in one thing only, so with that thing repaired it is
/// accepted. Here: the kinds that are refused for scopes alone are accepted without them.
#[test]
fn those_without_the_scope_are_otherwise_good() {
    let forge = forge();
    let verifier = verifier(&forge, VerdictCache::off());
    let mut count = 0;
    for kind in kinds().filter(|kind| kind.reason() == "insufficient_scope") {
        let token = kind.token(&forge);
        let verdict = verifier.verify(&token, &Require::any_token());
        assert!(verdict.is_ok(), "{}: {verdict:?}", kind.name());
        count += 1;
    }
    assert!(count > 5, "{count}");
}
