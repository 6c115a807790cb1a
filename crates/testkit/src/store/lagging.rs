//! A store whose indexes lag, as those of `DynamoDB` do.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use tokio::sync::Mutex;
use turnpike_registry::store::{Error, Item, Key, Page, Precondition, Query, Source, Store, Write};

/// Another store whose indexes show each commit only after they were asked once more for every commit before it;
/// or not at all, while they are [held](LaggingStore::hold).
#[derive(Debug)]
pub struct LaggingStore<S> {
    now: S,
    /// What the indexes show.
    shown: S,
    /// What they do not show yet, in its order.
    coming: Mutex<VecDeque<Vec<Write>>>,
    held: AtomicBool,
}

impl<S> LaggingStore<S> {
    /// A store made of two empty ones.
    pub fn new(now: S, shown: S) -> LaggingStore<S> {
        LaggingStore { now, shown, coming: Mutex::default(), held: AtomicBool::new(false) }
    }

    /// From now on the indexes stay as they are, or follow again.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::SeqCst);
    }
}

#[async_trait]
impl<S: Store> Store for LaggingStore<S> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        self.now.get(key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, Error> {
        if query.source == Source::Table {
            return self.now.query(query).await;
        }
        let mut coming = self.coming.lock().await;
        let page = self.shown.query(query).await?;
        if !self.held.load(Ordering::SeqCst)
            && let Some(next) = coming.pop_front()
        {
            self.shown.commit(&next).await?;
        }
        Ok(page)
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), Error> {
        let mut coming = self.coming.lock().await;
        self.now.commit(writes).await?;
        let made: Vec<_> = writes.iter().filter_map(without_condition).collect();
        if !made.is_empty() {
            coming.push_back(made);
        }
        Ok(())
    }
}

/// The same write whatever was there; nothing of one that only checks.
fn without_condition(write: &Write) -> Option<Write> {
    let precondition = Precondition::Any;
    match write {
        Write::Check { .. } => None,
        Write::Delete { key, .. } => Some(Write::Delete { key: key.clone(), precondition }),
        Write::Put { item, .. } => Some(Write::Put { item: item.clone(), precondition }),
    }
}
