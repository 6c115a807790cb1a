//! Preconditions hold, commits are whole, and writers do not overwrite each other in silence.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::sleep;
use turnpike_registry::store::check::{COMMIT_BYTES, COMMIT_WRITES, ITEM_BYTES};
use turnpike_registry::store::{Error, Item, Key, Precondition, Query, Source, Store, Write};

use super::{
    answers, at, check, commit, delete, fill, holds, indexed, invalid, item, refused_at, too_large,
};

/// Every write on an absent item and on one of version 3: what it answers and what is there after.
pub async fn each_precondition_on_each_state(store: &impl Store) {
    use Precondition::{Absent, Any, Exists, Version};

    let mut number = 0;
    for there in [false, true] {
        for precondition in [Absent, Any, Exists, Version(3), Version(2), Version(4)] {
            let holds = match precondition {
                Absent => !there,
                Any => true,
                Exists | Version(3) => there,
                Version(_) => false,
            };
            for kind in ["put", "delete", "check"] {
                number += 1;
                let old = at(3, &item("p", &format!("{number:03}")));
                let new = Item { body: b"new".to_vec(), ..at(9, &old) };
                if there {
                    fill(store, [old.clone()]).await;
                }
                let before = there.then(|| old.clone());
                let (write, made) = match kind {
                    "put" => (Write::Put { item: new.clone(), precondition }, Some(new)),
                    "delete" => (delete(&old.key, precondition), None),
                    _ => (check(&old.key, precondition), before.clone()),
                };
                let answer = commit(store, &[write]).await;
                let after = store.get(&old.key).await.unwrap();
                let case = format!("{kind} with {precondition:?}, item there: {there}: {answer:?}");
                match (kind, precondition) {
                    ("check", Any) | ("delete", Absent) => invalid(answer),
                    _ if holds => assert!(answer.is_ok(), "{case}"),
                    _ => assert!(matches!(answer, Err(Error::Precondition(0))), "{case}"),
                }
                let meaningless =
                    matches!((kind, precondition), ("check", Any) | ("delete", Absent));
                assert_eq!(after, if holds && !meaningless { made } else { before }, "{case}");
            }
        }
    }
}

pub async fn the_first_failing_write_is_named(store: &impl Store) {
    let there = item("p", "there");
    fill(store, [there.clone()]).await;
    let fine = |sk: &str| Write::insert(item("p", sk));
    let failing = Write::insert(there);
    let failing_too = check(&Key::new("p", "none"), Precondition::Exists);

    let writes = [fine("a"), fine("b"), failing.clone(), fine("c"), failing_too.clone()];
    refused_at(2, commit(store, &writes).await);
    refused_at(0, commit(store, &[failing_too.clone(), failing.clone()]).await);
    refused_at(1, commit(store, &[fine("z"), failing_too, fine("a"), failing]).await);
}

pub async fn a_failing_commit_leaves_nothing(store: &impl Store) {
    let [one, two, other] = ["1", "2", "3"].map(|sk| item("p", sk));
    let elsewhere = item("q", "1");
    fill(store, [one.clone(), two.clone(), other.clone(), elsewhere.clone()]).await;
    let writes = [
        Write::insert(item("p", "new")),
        Write::insert(item("q", "new")),
        Write::replace(at(2, &one), 1),
        delete(&two.key, Precondition::Version(1)),
        delete(&elsewhere.key, Precondition::Any),
        check(&other.key, Precondition::Version(7)),
    ];
    refused_at(5, commit(store, &writes).await);
    holds(store, "p", &[one, two, other]).await;
    holds(store, "q", &[elsewhere]).await;
}

pub async fn a_commit_mixes_its_writes(store: &impl Store) {
    let [one, two, other] = ["1", "2", "3"].map(|sk| item("p", sk));
    fill(store, [one.clone(), two.clone(), other.clone()]).await;
    let new = item("q", "new");
    let writes = [
        check(&other.key, Precondition::Version(1)),
        delete(&two.key, Precondition::Exists),
        Write::replace(at(2, &one), 1),
        check(&Key::new("q", "none"), Precondition::Absent),
        Write::insert(new.clone()),
    ];
    commit(store, &writes).await.unwrap();
    holds(store, "p", &[at(2, &one), other]).await;
    holds(store, "q", &[new]).await;
}

pub async fn removing_twice(store: &impl Store) {
    let it = item("p", "s");
    fill(store, [it.clone()]).await;
    commit(store, &[delete(&it.key, Precondition::Version(1))]).await.unwrap();
    refused_at(0, commit(store, &[delete(&it.key, Precondition::Version(1))]).await);
    refused_at(0, commit(store, &[delete(&it.key, Precondition::Exists)]).await);
    commit(store, &[delete(&it.key, Precondition::Any)]).await.unwrap();
    refused_at(0, commit(store, &[Write::replace(it.clone(), 1)]).await);
    fill(store, [it]).await;
}

/// Also when nothing but the version changes, the old version is spent.
pub async fn an_unchanged_item_is_replaced_once(store: &impl Store) {
    let it = item("p", "s");
    fill(store, [it.clone()]).await;
    commit(store, &[Write::replace(at(2, &it), 1)]).await.unwrap();
    refused_at(0, commit(store, &[Write::replace(at(2, &it), 1)]).await);
    assert_eq!(store.get(&it.key).await.unwrap(), Some(at(2, &it)));
}

pub async fn a_hundred_writes_and_not_one_more(store: &impl Store) {
    let items: Vec<_> = (0..=COMMIT_WRITES).map(|n| item("p", &format!("{n:03}"))).collect();
    let writes: Vec<_> = items.iter().cloned().map(Write::insert).collect();
    too_large(commit(store, &writes).await);
    holds(store, "p", &[]).await;
    commit(store, &writes[1..]).await.unwrap();
    holds(store, "p", &items[1..]).await;
}

pub async fn the_largest_commit_is_made_and_a_larger_refused(store: &impl Store) {
    let large: Vec<_> = (0..=COMMIT_BYTES / ITEM_BYTES)
        .map(|n| Item { body: vec![0xa5; ITEM_BYTES - 2], ..item("p", &n.to_string()) })
        .collect();
    let writes: Vec<_> = large.iter().cloned().map(Write::insert).collect();
    too_large(commit(store, &writes).await);
    holds(store, "p", &[]).await;
    commit(store, &writes[1..]).await.unwrap();
    holds(store, "p", &large[1..]).await;
}

pub async fn meaningless_commits_are_refused(store: &impl Store) {
    let it = item("p", "s");
    invalid(store.commit(&[]).await);
    invalid(store.commit(&[check(&it.key, Precondition::Any)]).await);
    invalid(store.commit(&[delete(&it.key, Precondition::Absent)]).await);
    let twice = [
        Write::insert(it.clone()),
        Write::insert(it.clone()),
        delete(&it.key, Precondition::Any),
        check(&it.key, Precondition::Absent),
    ];
    for second in &twice[1..] {
        invalid(store.commit(&[twice[0].clone(), second.clone()]).await);
    }
    assert_eq!(store.get(&it.key).await.unwrap(), None);
}

pub async fn a_write_is_read_at_once(store: &impl Store) {
    let mut it = item("p", "s");
    fill(store, [it.clone()]).await;
    for version in 2..60 {
        commit(store, &[Write::replace(at(version, &it), version - 1)]).await.unwrap();
        it.version = version;
        if version % 2 == 0 {
            assert_eq!(store.get(&it.key).await.unwrap().as_ref(), Some(&it));
        } else {
            holds(store, "p", std::slice::from_ref(&it)).await;
        }
    }
    commit(store, &[delete(&it.key, Precondition::Any)]).await.unwrap();
    assert_eq!(store.get(&it.key).await.unwrap(), None);
}

pub async fn one_of_many_inserts_wins(store: &impl Store) {
    let rivals: Vec<_> = (0..16).map(|n| Item { body: vec![n], ..item("p", "s") }).collect();
    let answers = join_all(
        rivals.iter().map(async |rival| commit(store, &[Write::insert(rival.clone())]).await),
    )
    .await;
    let won: Vec<_> = (0..16).filter(|n| answers[*n].is_ok()).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    for (_, answer) in answers.into_iter().enumerate().filter(|(n, _)| *n != won[0]) {
        refused_at(0, answer);
    }
    holds(store, "p", &rivals[won[0]..=won[0]]).await;
}

/// Sixteen writers add one, each again and again until nobody was in between.
pub async fn no_increment_is_lost(store: &impl Store) {
    let it = item("p", "s");
    fill(store, [it.clone()]).await;
    join_all((0..16).map(async |_| {
        for _ in 0..500 {
            let found = store.get(&it.key).await.unwrap().unwrap();
            let next = at(found.version + 1, &found);
            match commit(store, &[Write::replace(next, found.version)]).await {
                Ok(()) => return,
                Err(Error::Precondition(0)) => sleep(Duration::from_millis(1)).await,
                Err(error) => panic!("{error:?}"),
            }
        }
        panic!("a writer never gets its turn");
    }))
    .await;
    assert_eq!(store.get(&it.key).await.unwrap(), Some(at(17, &it)));
}

/// Each of two commits demands that the other was not made, so only one can be.
pub async fn commits_that_exclude_each_other(store: &impl Store) {
    for round in 0..12 {
        let pk = format!("p{round}");
        let [left, right] = ["left", "right"].map(|sk| item(&pk, sk));
        let attempt = async |mine: &Item, other: &Item| {
            let writes = [check(&other.key, Precondition::Absent), Write::insert(mine.clone())];
            commit(store, &writes).await
        };
        match tokio::join!(attempt(&left, &right), attempt(&right, &left)) {
            (Ok(()), lost) => {
                refused_at(0, lost);
                holds(store, &pk, &[left]).await;
            }
            (lost, Ok(())) => {
                refused_at(0, lost);
                holds(store, &pk, &[right]).await;
            }
            neither => panic!("{neither:?}"),
        }
    }
}

pub async fn concurrent_commits_are_all_kept(store: &impl Store) {
    let pair = |n: u32| {
        let [mine, entry] = [item("p", &format!("{n:02}")), item(&format!("q{n}"), "s")];
        [mine, indexed(entry, Source::Index1, "i", "all")]
    };
    let made =
        join_all((0..64).map(async |n| commit(store, &pair(n).map(Write::insert)).await)).await;
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let (ours, entries): (Vec<_>, Vec<_>) = (0..64).map(pair).map(|[a, b]| (a, b)).unzip();
    holds(store, "p", &ours).await;
    for entry in &entries {
        assert_eq!(store.get(&entry.key).await.unwrap().as_ref(), Some(entry));
    }
    answers(store, &Query::new(Source::Index1, "i", 64), &entries).await;
}
