//! A secret is made once, whoever ends in between, and what nobody has seen does not stay.

use std::time::Duration;

use turnpike_domain::authorization_server::pool::{Pool, SecretName};
use turnpike_domain::error::ErrorCode;
use turnpike_domain::id::{ClientId, RequestId};
use turnpike_domain::secret::SecretEntry;
use turnpike_registry::Worker;
use turnpike_testkit::memory_pool::PoolFault;

use crate::mirrored::Mirrored;

fn request(n: u8) -> RequestId {
    RequestId::parse(&format!("11111111-2222-4333-8444-5555555555{n:02}")).unwrap()
}

impl Mirrored {
    /// One with a client.
    async fn with_client() -> (Self, ClientId) {
        let it = Self::new().await;
        let (id, _) = it.create("Shop").await.unwrap();
        (it, id)
    }

    async fn clear(&self) {
        Worker::new(self.registry.clone()).clear().await.unwrap();
    }

    /// What nobody waits for any more comes to be.
    async fn comes_late(&self, id: &ClientId) -> SecretName {
        let (_, value) = SecretEntry::generate(self.registry.entropy(), self.registry.now());
        self.pool.add_secret(id, &value).await.unwrap()
    }

    /// Whether the pool calls a secret of the client so.
    async fn lists(&self, id: &ClientId, name: &SecretName) -> bool {
        self.pool.secrets(id).await.unwrap().contains(name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_answer_that_was_lost_the_next_call_is_right() {
    for again in [Some(request(1)), Some(request(2)), None] {
        let (it, id) = Mirrored::with_client().await;
        it.pool.on_calls([PoolFault::Pass, PoolFault::LoseAnswer]);
        let lost = it.add_secret_for(&id, Some(&request(1))).await.unwrap_err();
        assert_eq!(lost.code(), ErrorCode::Unavailable);
        assert_eq!(it.pool.secrets_of(&id), 2);
        // At once, though the pool takes no third.
        let secret = it.add_secret_for(&id, again.as_ref()).await.unwrap();
        assert!(it.pool.takes(&id, &secret));
        it.agree("the call after one whose answer was lost").await;
        it.recover().await;
        assert!(it.pool.takes(&id, &secret));
        it.agree("later").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asks_for_again_ends_soon() {
    let (it, id) = Mirrored::with_client().await;
    it.pool.on_calls([PoolFault::Pass, PoolFault::LoseAnswer]);
    it.add_secret(&id).await.unwrap_err();
    it.clear().await;
    it.agree("a lost answer").await;

    let made = it.registry.provision_secret(&id, None).await.unwrap();
    assert_eq!(it.pool.secrets_of(&id), 2);
    it.registry.abandon_secret(made).await;
    it.clear().await;
    it.agree("a call that was refused after all").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_makes_a_secret_and_others_wait_but_for_a_repeat() {
    let (it, id) = Mirrored::with_client().await;
    let first = it.registry.provision_secret(&id, Some(&request(1))).await.unwrap();
    for other in [Some(request(2)), None] {
        let other = it.registry.provision_secret(&id, other.as_ref()).await.unwrap_err();
        assert_eq!(other.code(), ErrorCode::Unavailable);
    }
    let repeat = it.registry.provision_secret(&id, Some(&request(1))).await.unwrap();
    // Acknowledged is what the pool keeps, and nothing else.
    let late = it.keep_secret(&id, &first).await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::Unavailable);
    it.keep_secret(&id, &repeat).await.unwrap();
    it.registry.abandon_secret(first).await;
    it.recover().await;
    assert!(it.pool.takes(&id, repeat.value.expose()));
    it.agree("a repeat beside the first call").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ended_bars_nobody_for_long() {
    let (it, id) = Mirrored::with_client().await;
    let dead = it.registry.provision_secret(&id, Some(&request(1))).await.unwrap();
    it.clear().await;
    assert_eq!(it.pool.secrets_of(&id), 2, "it may live yet");
    it.plane.clock.advance(Duration::from_secs(20));
    let secret = it.add_secret_for(&id, Some(&request(2))).await.unwrap();
    assert!(!it.pool.takes(&id, dead.value.expose()));
    it.recover().await;
    assert!(it.pool.takes(&id, &secret));
    it.agree("a process that ended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_ends_and_what_was_kept_stays() {
    let (it, id) = Mirrored::with_client().await;
    drop(it.registry.provision_secret(&id, Some(&request(1))).await.unwrap());
    let secret = it.add_secret_for(&id, Some(&request(1))).await.unwrap();
    it.remove_first_secret(&id).await.unwrap();
    let late = it.comes_late(&id).await;
    it.plane.clock.advance(Duration::from_secs(91));
    it.clear().await;
    assert!(!it.lists(&id, &late).await);
    // And as long as it may.
    let later = it.comes_late(&id).await;
    it.clear().await;
    assert!(it.lists(&id, &later).await, "looked at again and again");
    it.plane.clock.advance(Duration::from_secs(15 * 60));
    it.clear().await;
    assert!(!it.lists(&id, &later).await);
    assert!(it.pool.takes(&id, &secret));
    it.agree("all is over").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_between_is_heard_of_and_ended() {
    let (it, id) = Mirrored::with_client().await;
    it.pool.on_calls([PoolFault::Pass, PoolFault::LoseAnswer]);
    it.add_secret(&id).await.unwrap_err();
    // Once the orphan is ended the pool says that there is no room: another came.
    let full = turnpike_domain::authorization_server::pool::Error::Full("secrets".to_owned());
    let passes = (0..3).map(|_| PoolFault::Pass);
    it.pool.on_calls(passes.chain([PoolFault::Fail(full)]));
    let busy = it.add_secret(&id).await.unwrap_err();
    assert_eq!(busy.code(), ErrorCode::RateLimited);
    it.add_secret(&id).await.unwrap();
    it.agree("the call after that").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_that_the_pool_insists_on_goes_with_the_next_secret() {
    let (it, id) = Mirrored::with_client().await;
    it.pool.on_calls([PoolFault::Pass, PoolFault::LoseAnswer]);
    it.add_secret(&id).await.unwrap_err();
    it.remove_first_secret(&id).await.unwrap();
    it.clear().await;
    assert_eq!(it.pool.secrets_of(&id), 1, "the last one stays");
    let secret = it.add_secret(&id).await.unwrap();
    assert!(it.pool.takes(&id, &secret));
    it.agree("the next one").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_orphans_cannot_be_ended_no_other_secret_is_made() {
    let (it, id) = Mirrored::with_client().await;
    it.pool.on_calls([PoolFault::Pass, PoolFault::LoseAnswer]);
    it.add_secret(&id).await.unwrap_err();
    for at in 1..3 {
        let passes = (0..at).map(|_| PoolFault::Pass);
        let down = turnpike_domain::authorization_server::pool::Error::Unknown("down".into());
        it.pool.on_calls(passes.chain([PoolFault::Fail(down)]));
        let failed = it.add_secret(&id).await.unwrap_err();
        assert_eq!(failed.code(), ErrorCode::Unavailable, "at {at}");
    }
    it.add_secret(&id).await.unwrap();
    it.agree("all is well again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_looks_late_ends_nothing_of_those_who_came_after() {
    let (it, id) = Mirrored::with_client().await;
    it.pool.on_calls([PoolFault::Pass, PoolFault::LoseAnswer]);
    it.add_secret(&id).await.unwrap_err();
    // It looks for orphans, and its repeat overtakes it.
    it.pool.on_calls([PoolFault::Pass, PoolFault::Delay(Duration::from_millis(500))]);
    let request = request(1);
    let slow = it.add_secret_for(&id, Some(&request));
    let quick = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        it.add_secret_for(&id, Some(&request)).await.unwrap()
    };
    let (slow, secret) = tokio::join!(slow, quick);
    assert_eq!(slow.unwrap_err().code(), ErrorCode::Unavailable);
    assert!(it.pool.takes(&id, &secret));
    it.agree("a call that was overtaken").await;
}
