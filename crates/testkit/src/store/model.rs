//! Random histories, held against a map.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use turnpike_registry::store::{
    Error, IndexKey, Item, Key, Order, Precondition, Query, Range, Source, Store, Write,
};

use super::{answers, commit};

const HISTORIES: u32 = 48;
const PKS: [&str; 2] = ["p", "P"];
const SKS: [&str; 9] = ["a", "A", "a ", "a#", "ab", "\u{e1}", "a\u{301}", "\u{ffff}", "\u{10ffff}"];

pub async fn any_history_agrees_with_the_model(store: &impl Store) {
    let config = Config {
        cases: HISTORIES,
        failure_persistence: None,
        // In milliseconds. A wrong answer of an index is only believed after its time to catch up.
        max_shrink_time: 60_000,
        ..Config::default()
    };
    // Each history has partitions of its own, so one store serves all.
    let histories = AtomicUsize::new(0);
    block_in_place(|| {
        TestRunner::new(config)
            .run(&prop::collection::vec(step(), 1..24), |steps| {
                let history = histories.fetch_add(1, Ordering::Relaxed);
                Handle::current().block_on(replay(store, history, steps));
                Ok(())
            })
            .unwrap();
    });
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Write>),
    Query(Query),
}

async fn replay(store: &impl Store, history: usize, steps: Vec<Step>) {
    let own = |pk: &mut String| *pk = format!("{history}/{pk}");
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Commit(mut writes) => {
                for write in &mut writes {
                    match write {
                        Write::Check { key, .. } | Write::Delete { key, .. } => own(&mut key.pk),
                        Write::Put { item, .. } => {
                            own(&mut item.key.pk);
                            let entries = item.index1.iter_mut().chain(&mut item.index2);
                            entries.for_each(|entry| own(&mut entry.pk));
                        }
                    }
                }
                let answer = commit(store, &writes).await;
                match (model.commit(&writes), &answer) {
                    (None, Ok(())) => {}
                    (Some(expected), Err(Error::Precondition(found))) if expected == *found => {}
                    (expected, _) => panic!("expected {expected:?}, got {answer:?}: {writes:?}"),
                }
            }
            Step::Query(mut query) => {
                own(&mut query.pk);
                answers(store, &query, &model.query(&query)).await;
            }
        }
    }
    for source in [Source::Table, Source::Index1, Source::Index2] {
        for pk in PKS {
            let query = Query::new(source, format!("{history}/{pk}"), 100);
            answers(store, &query, &model.query(&query)).await;
        }
    }
}

#[derive(Default)]
struct Model(BTreeMap<Key, Item>);

impl Model {
    /// The position of the write that fails it, if one does.
    fn commit(&mut self, writes: &[Write]) -> Option<usize> {
        let fails = |write: &Write| {
            let current = self.0.get(write.key()).map(|item| item.version);
            match write.precondition() {
                Precondition::Absent => current.is_some(),
                Precondition::Any => false,
                Precondition::Exists => current.is_none(),
                Precondition::Version(version) => current != Some(version),
            }
        };
        let failing = writes.iter().position(fails);
        if failing.is_none() {
            for write in writes {
                match write {
                    Write::Check { .. } => {}
                    Write::Delete { key, .. } => drop(self.0.remove(key)),
                    Write::Put { item, .. } => drop(self.0.insert(item.key.clone(), item.clone())),
                }
            }
        }
        failing
    }

    /// In no particular order.
    fn query(&self, query: &Query) -> Vec<Item> {
        let place = |item: &Item| match query.source {
            Source::Table => Some((item.key.pk.clone(), item.key.sk.clone())),
            source => item.index(source).map(|entry| (entry.pk.clone(), entry.sk.clone())),
        };
        let asked = |item: &&Item| {
            place(item).is_some_and(|(pk, sk)| pk == query.pk && query.range.contains(&sk))
        };
        self.0.values().filter(asked).cloned().collect()
    }
}

fn step() -> impl Strategy<Value = Step> {
    let writes = prop::collection::vec(write(), 1..6).prop_map(|mut writes| {
        let mut keys = HashSet::new();
        writes.retain(|write| keys.insert(write.key().clone()));
        Step::Commit(writes)
    });
    prop_oneof![3 => writes, 1 => query().prop_map(Step::Query)]
}

fn write() -> impl Strategy<Value = Write> {
    let key = (select(&PKS[..]), select(&SKS[..])).prop_map(|(pk, sk)| Key::new(pk, sk));
    (0..10, key, precondition(), entry(), entry(), 0..3_u64, any::<[u8; 2]>()).prop_map(
        |(kind, key, precondition, index1, index2, version, body)| match (kind, precondition) {
            (0, Precondition::Any) => Write::Check { key, precondition: Precondition::Exists },
            (0, precondition) => Write::Check { key, precondition },
            (1 | 2, Precondition::Absent) => Write::Delete { key, precondition: Precondition::Any },
            (1 | 2, precondition) => Write::Delete { key, precondition },
            _ => {
                let item = Item { key, index1, index2, version, body: body.to_vec() };
                Write::Put { item, precondition }
            }
        },
    )
}

/// Mostly one that can hold, or few commits of several writes would be made.
fn precondition() -> impl Strategy<Value = Precondition> {
    prop_oneof![
        6 => Just(Precondition::Any),
        2 => Just(Precondition::Absent),
        1 => Just(Precondition::Exists),
        2 => (0..3_u64).prop_map(Precondition::Version),
    ]
}

fn entry() -> impl Strategy<Value = Option<IndexKey>> {
    let key = (select(&PKS[..]), select(&SKS[..])).prop_map(|(pk, sk)| IndexKey::new(pk, sk));
    prop::option::of(key)
}

fn query() -> impl Strategy<Value = Query> {
    let source = select(&[Source::Table, Source::Index1, Source::Index2][..]);
    let order = select(&[Order::Forward, Order::Backward][..]);
    let range = (0..5, select(&SKS[..]), select(&SKS[..])).prop_map(|(kind, a, b)| match kind {
        0 => Range::All,
        1 => Range::Between(a.min(b).into(), a.max(b).into()),
        2 => Range::From(a.into()),
        3 => Range::Prefix(a.into()),
        _ => Range::To(a.into()),
    });
    (source, select(&PKS[..]), range, order, 1..5_usize).prop_map(
        |(source, pk, range, order, limit)| Query {
            order,
            ..Query::new(source, pk, limit).range(range)
        },
    )
}
