//! Secrets of a client: two live, the last one stays, each is ended by its name.

use turnpike_domain::authorization_server::pool::{Error, SecretName};
use turnpike_domain::id::ClientId;

use super::{PoolTrial, secret};

pub(super) async fn all(trial: &PoolTrial<'_>) {
    if trial.pool.takes_secrets() {
        two_live_and_the_last_one_stays(trial).await;
        names_are_never_used_again(trial).await;
        a_client_that_is_not_there_has_none(trial).await;
    } else {
        none_are_taken(trial).await;
    }
}

async fn names(trial: &PoolTrial<'_>, id: &ClientId) -> Vec<SecretName> {
    let mut names = trial.pool.secrets(id).await.unwrap();
    names.sort();
    names
}

async fn two_live_and_the_last_one_stays(trial: &PoolTrial<'_>) {
    let made = trial.create(&trial.client("secretive", &[])).await;
    let (id, first) = (made.client_id, made.secret.unwrap());
    assert_eq!(names(trial, &id).await, std::slice::from_ref(&first));
    assert!(!trial.pool.remove_secret(&id, &first).await.unwrap(), "the last one stays");
    assert_eq!(names(trial, &id).await, std::slice::from_ref(&first));

    let second = trial.pool.add_secret(&id, &secret(20)).await.unwrap();
    let mut both = vec![first.clone(), second.clone()];
    both.sort();
    assert_eq!(names(trial, &id).await, both);
    let third = trial.pool.add_secret(&id, &secret(21)).await;
    assert!(matches!(third, Err(Error::Full(_))), "{third:?}");
    assert_eq!(names(trial, &id).await, both);

    for _ in 0..2 {
        assert!(trial.pool.remove_secret(&id, &first).await.unwrap(), "gone, and still gone");
        assert_eq!(names(trial, &id).await, std::slice::from_ref(&second));
    }
    assert!(!trial.pool.remove_secret(&id, &second).await.unwrap());
    trial.pool.delete_client(&id).await.unwrap();
    assert!(trial.pool.remove_secret(&id, &second).await.unwrap(), "its client is gone");
}

async fn names_are_never_used_again(trial: &PoolTrial<'_>) {
    let made = trial.create(&trial.client("rotating", &[])).await;
    let (id, mut last) = (made.client_id, made.secret.unwrap());
    let mut seen = vec![last.clone()];
    for turn in 0..3 {
        let next = trial.pool.add_secret(&id, &secret(30 + turn)).await.unwrap();
        assert!(!seen.contains(&next), "{next:?}");
        assert!(trial.pool.remove_secret(&id, &last).await.unwrap());
        seen.push(next.clone());
        last = next;
    }
    trial.pool.delete_client(&id).await.unwrap();
}

async fn a_client_that_is_not_there_has_none(trial: &PoolTrial<'_>) {
    let never = ClientId::parse("never0was0here0abcdefghijk").unwrap();
    assert_eq!(names(trial, &never).await, []);
    let added = trial.pool.add_secret(&never, &secret(40)).await;
    assert!(matches!(added, Err(Error::Missing)), "{added:?}");
    let name = SecretName(format!("{never}--1700000000"));
    assert!(trial.pool.remove_secret(&never, &name).await.unwrap());
}

async fn none_are_taken(trial: &PoolTrial<'_>) {
    let made = trial.create(&trial.client("secretive", &[])).await;
    assert_eq!(made.secret, None);
    assert_eq!(names(trial, &made.client_id).await, []);
    let added = trial.pool.add_secret(&made.client_id, &secret(20)).await;
    assert!(matches!(added, Err(Error::Refused(_))), "{added:?}");
    let name = SecretName("none".to_owned());
    assert!(trial.pool.remove_secret(&made.client_id, &name).await.unwrap());
    trial.pool.delete_client(&made.client_id).await.unwrap();
}
