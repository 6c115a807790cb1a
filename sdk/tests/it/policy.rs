//! What the policy says is heard on every call, and asked for only when it may have changed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use turnpike_sdk::{
    Check, GrantState, Outcome, Policy, PolicyRefusal, Refusal, Require, TokenFacts, VerdictCache,
    Verifier,
};

use crate::setup::{CLIENT, LIST, NOW, PLACE, builder, clock, draft, place};

/// Says what it was told to say, and counts how often it was asked.
#[derive(Default)]
struct Told {
    epoch: AtomicU64,
    asked: AtomicU64,
    refusal: Mutex<Option<PolicyRefusal>>,
    grants: Mutex<HashMap<String, GrantState>>,
}

impl Told {
    fn change(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    fn refuse(&self, refusal: Option<PolicyRefusal>) {
        *self.refusal.lock().expect("no panic") = refusal;
        self.change();
    }

    fn grant(&self, scope: &str, state: GrantState) {
        self.grants.lock().expect("no panic").insert(scope.into(), state);
        self.change();
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Policy for Told {
    fn epoch(&self, _now: i64) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    fn admits(&self, token: &TokenFacts<'_>) -> Result<(), PolicyRefusal> {
        assert_eq!(token.client_id, CLIENT);
        assert_eq!((token.issued_at, token.expires_at), (NOW, NOW + 3600));
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.refusal.lock().expect("no panic").map_or(Ok(()), Err)
    }

    fn grants(&self, _token: &TokenFacts<'_>, scope: &str) -> GrantState {
        self.grants.lock().expect("no panic").get(scope).copied().unwrap_or(GrantState::Active)
    }
}

fn caches() -> [VerdictCache; 3] {
    [VerdictCache::by_token(), VerdictCache::by_digest(), VerdictCache::off()]
}

fn set_up(cache: VerdictCache) -> (Arc<Told>, Arc<turnpike_sdk::test_util::ManualClock>, Verifier) {
    let (policy, clock) = (Arc::new(Told::default()), clock());
    let verifier = builder(&clock).policy(policy.clone()).cache(cache).build().expect("a verifier");
    (policy, clock, verifier)
}

#[test]
fn a_refusal_is_heard_by_the_next_call() {
    for cache in caches() {
        let (policy, _, verifier) = set_up(cache);
        let token = draft().token();
        for (told, refusal, failed) in [
            (PolicyRefusal::ClientDisabled, Refusal::ClientDisabled, Check::Client),
            (PolicyRefusal::ClientUnknown, Refusal::ClientUnknown, Check::Client),
            (PolicyRefusal::TokenRevoked, Refusal::TokenRevoked, Check::Revocation),
            (PolicyRefusal::Stale, Refusal::StalePolicy, Check::PolicyAge),
        ] {
            assert!(verifier.verify(&token, &place()).is_ok());
            policy.refuse(Some(told));
            for _ in 0..2 {
                assert_eq!(verifier.verify(&token, &place()), Err(refusal));
            }
            let trace = verifier.verify_traced(&token, &place());
            assert_eq!(trace.verdict(), Err(refusal));
            let at = trace.checks().find(|(_, outcome)| *outcome == Outcome::Failed);
            assert_eq!(at, Some((failed, Outcome::Failed)));
            policy.refuse(None);
        }
        assert!(verifier.verify(&token, &place()).is_ok());
    }
}

#[test]
fn that_a_policy_was_too_old_is_not_remembered() {
    for cache in caches() {
        let (policy, _, verifier) = set_up(cache);
        let token = draft().token();
        policy.refuse(Some(PolicyRefusal::Stale));
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::StalePolicy));
        // It is heard of again, and nothing has changed: the epoch is what it was.
        *policy.refusal.lock().expect("no panic") = None;
        assert!(verifier.verify(&token, &place()).is_ok());
    }
}

#[test]
fn an_ended_grant_takes_its_scope_away() {
    for cache in caches() {
        let (policy, _, verifier) = set_up(cache);
        let token = draft().token();
        let any = Require::any_of([PLACE, LIST]).expect("scopes");
        assert!(verifier.verify(&token, &place()).is_ok());
        policy.grant(PLACE, GrantState::Ended);
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::ScopeNotGranted));
        let verified = verifier.verify(&token, &any).expect("one scope is left");
        assert_eq!(verified.scopes().collect::<Vec<_>>(), [LIST]);
        assert_eq!(verified.claims().scopes().count(), 2);
        assert!(!verified.has_scope(PLACE));
        assert_eq!(verified.satisfies(&place()), Err(Refusal::ScopeNotGranted));

        policy.grant(LIST, GrantState::Ended);
        for require in [&any, &Require::any_token()] {
            assert_eq!(verifier.verify(&token, require), Err(Refusal::ScopeNotGranted));
        }
        let never = Require::all_of(["x/y"]).expect("a scope");
        policy.grant(PLACE, GrantState::Active);
        assert_eq!(verifier.verify(&token, &never), Err(Refusal::InsufficientScope));
        assert!(verifier.verify(&token, &place()).is_ok());
    }
}

#[test]
fn a_grant_ends_when_its_time_comes_without_any_change() {
    for cache in caches() {
        let (policy, clock, verifier) = set_up(cache);
        let token = draft().token();
        policy.grant(PLACE, GrantState::ActiveUntil(NOW + 10));
        policy.grant(LIST, GrantState::ActiveUntil(NOW + 20));
        for (after, left) in [(0, 2), (9, 2), (10, 1), (19, 1), (20, 0), (21, 0)] {
            clock.set(NOW + after);
            let verdict = verifier.verify(&token, &Require::any_token());
            let scopes = verdict.as_ref().map_or(0, |verified| verified.scopes().count());
            assert_eq!(scopes, left, "{after}: {verdict:?}");
        }
    }
}

#[test]
fn a_remembered_answer_is_used_until_something_changes() {
    for cache in [VerdictCache::by_token(), VerdictCache::by_digest()] {
        let (policy, clock, verifier) = set_up(cache);
        let token = draft().token();
        for _ in 0..10 {
            assert!(verifier.verify(&token, &place()).is_ok());
        }
        assert_eq!(policy.asked(), 1);
        policy.change();
        for _ in 0..10 {
            assert!(verifier.verify(&token, &place()).is_ok());
        }
        assert_eq!(policy.asked(), 2);
        // A refusal is remembered the same way, so a client that keeps trying costs little.
        policy.refuse(Some(PolicyRefusal::ClientDisabled));
        for _ in 0..10 {
            assert!(verifier.verify(&token, &place()).is_err());
        }
        assert_eq!(policy.asked(), 3);
        clock.set(NOW + 10_000);
        assert_eq!(verifier.verify(&token, &place()), Err(Refusal::Expired));
        assert_eq!(policy.asked(), 3, "an expired token is not asked about");
    }
}

/// What is changed while the policy is being asked is asked for again.
#[test]
fn a_change_in_the_middle_is_not_missed() {
    struct Racing(AtomicU64);
    impl Policy for Racing {
        fn epoch(&self, _now: i64) -> u64 {
            self.0.load(Ordering::SeqCst)
        }

        fn admits(&self, _token: &TokenFacts<'_>) -> Result<(), PolicyRefusal> {
            // The first answer is out of date by the time it is given.
            match self.0.fetch_max(1, Ordering::SeqCst) {
                0 => Ok(()),
                _ => Err(PolicyRefusal::TokenRevoked),
            }
        }

        fn grants(&self, _token: &TokenFacts<'_>, _scope: &str) -> GrantState {
            GrantState::Active
        }
    }
    let policy = Arc::new(Racing(AtomicU64::new(0)));
    let verifier = builder(&clock()).policy(policy).build().expect("a verifier");
    let token = draft().token();
    assert!(verifier.verify(&token, &place()).is_ok());
    assert_eq!(verifier.verify(&token, &place()), Err(Refusal::TokenRevoked));
}

#[test]
fn the_policy_is_not_asked_about_what_nobody_signed() {
    let (policy, _, verifier) = set_up(VerdictCache::by_token());
    let mut token = draft().token();
    token.pop();
    token.push('-');
    assert!(verifier.verify(&token, &place()).is_err());
    assert_eq!(policy.asked(), 0);
}
