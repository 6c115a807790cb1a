//! A store that fails on demand.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use turnpike_registry::store::{Error, Item, Key, Page, Query, Store, Write};

/// How often a call that hangs looks whether it still does.
const HANGS: Duration = Duration::from_millis(5);

/// What becomes of a call.
#[derive(Debug)]
pub enum Fault {
    /// This is the answer; the store behind does not hear of the call.
    Fail(Error),
    /// The call is made, and the answer is lost: the caller is told `Unavailable`, whatever it was.
    LoseAnswer,
    /// Nothing: the call goes through, and the next fault waits for the next call.
    Pass,
}

/// Another store with two queues of faults, one for reads and one for commits. A call takes the first
/// fault of its queue; when that is empty all goes well.
#[derive(Debug)]
pub struct FlakyStore<S> {
    inner: S,
    reads: Mutex<VecDeque<Fault>>,
    commits: Mutex<VecDeque<Fault>>,
    down: AtomicBool,
    hanging: AtomicBool,
}

impl<S> FlakyStore<S> {
    /// A store that does as `inner` does, until it is told otherwise.
    pub fn new(inner: S) -> FlakyStore<S> {
        FlakyStore {
            inner,
            reads: Mutex::default(),
            commits: Mutex::default(),
            down: AtomicBool::new(false),
            hanging: AtomicBool::new(false),
        }
    }

    /// Takes it down, and up again: while it is down no call goes through, and no fault is taken.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Lets calls hang, and go on again: while they hang there is no answer.
    pub fn set_hanging(&self, hanging: bool) {
        self.hanging.store(hanging, Ordering::SeqCst);
    }

    async fn suffer<T: Send>(
        &self,
        faults: &Mutex<VecDeque<Fault>>,
        call: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        while self.hanging.load(Ordering::SeqCst) {
            tokio::time::sleep(HANGS).await;
        }
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::Unavailable("the store is down".into()));
        }
        let fault = faults.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match fault {
            None | Some(Fault::Pass) => call.await,
            Some(Fault::Fail(error)) => Err(error),
            Some(Fault::LoseAnswer) => {
                drop(call.await);
                Err(Error::Unavailable("the answer was lost".into()))
            }
        }
    }

    /// The store behind, without faults.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// From now on all goes well.
    pub fn heal(&self) {
        for faults in [&self.reads, &self.commits] {
            faults.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// Adds faults for the reads to come: gets and queries.
    pub fn on_reads(&self, faults: impl IntoIterator<Item = Fault>) {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }

    /// Adds faults for the commits to come.
    pub fn on_commits(&self, faults: impl IntoIterator<Item = Fault>) {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner).extend(faults);
    }
}

#[async_trait]
impl<S: Store> Store for FlakyStore<S> {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        self.suffer(&self.reads, self.inner.get(key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, Error> {
        self.suffer(&self.reads, self.inner.query(query)).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), Error> {
        self.suffer(&self.commits, self.inner.commit(writes)).await
    }
}
