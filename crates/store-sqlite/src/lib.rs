//! The store seam over SQLite: one file, one process, durable on return.
//!
//! One thread writes: it takes the commits that wait, makes them in one transaction, and answers when
//! that is on disk, so that a burst pays for one sync and not for each. A single item is read where it is
//! asked for: to wake another thread and to be woken by it costs several times what the look itself takes.
//! A few threads read the rest, each on its own connection. All threads end when the store is dropped.

mod exposure;
mod open;
mod read;
mod schema;
mod workers;
mod write;

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode};
use turnpike_registry::store::{Error, Item, Key, Page, Query, Store, Write, check};

pub use open::OpenError;
use workers::Workers;
use write::Commit;

/// Threads that read. A read takes microseconds, so a few serve many callers.
const READERS: usize = 2;
/// Calls that may wait for a thread before the next caller waits to be let in.
const WAITING: usize = 256;
/// Commits that may share a transaction.
const GROUP: usize = 64;

type Read = Box<dyn FnOnce(&Connection) + Send>;

/// A [`Store`] in a SQLite file.
pub struct SqliteStore {
    path: PathBuf,
    // Fields are dropped in order: the writer closes last, and with it the write-ahead log is folded
    // into the file; the lock is let go when nothing is open any more.
    near: Mutex<Connection>,
    readers: Workers<Read>,
    writer: Workers<Commit>,
    _lock: File,
}

impl SqliteStore {
    /// Opens the database file, or creates it (and its folder) readable by its owner only. One that others may read
    /// or replace is refused; a folder that others may look into is warned of.
    ///
    /// Beside the file lie its write-ahead log (`-wal`, `-shm`) and a lock file (`.lock`), which is held
    /// while the store is open and stays behind. An older schema is brought up to date.
    ///
    /// Blocks for some milliseconds. The file must be on a local disk.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<SqliteStore, OpenError> {
        let open::Opened { path, lock, writer, near, readers } = open::open(path, READERS)?;
        let threads = |source| OpenError::io("start the threads for", &path, source);
        let readers =
            Workers::start("store-read", WAITING, 1, readers.into_iter().map(read::worker))
                .map_err(threads)?;
        let writer = Workers::start("store-write", WAITING, GROUP, [write::worker(writer)])
            .map_err(threads)?;
        Ok(SqliteStore { path, near: Mutex::new(near), readers, writer, _lock: lock })
    }

    /// Looks at once, on the thread that asks; `None` if it would have to wait.
    fn get_near(&self, key: &Key) -> Option<Result<Option<Item>, Error>> {
        let connection = self.near.try_lock().ok()?;
        match read::get(&connection, key).map_err(|error| failure(Arc::new(error))) {
            Err(Error::Contended) => None,
            done => Some(done),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.readers
            .call(|answer| Box::new(move |connection| drop(answer.send(read(connection)))))
            .await?
            .map_err(|error| failure(Arc::new(error)))
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        check::key(key)?;
        if let Some(done) = self.get_near(key) {
            return done;
        }
        let key = key.clone();
        self.read(move |connection| read::get(connection, &key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, Error> {
        check::query(query)?;
        let query = query.clone();
        self.read(move |connection| read::query(connection, &query)).await
    }

    async fn commit(&self, writes: &[Write]) -> Result<(), Error> {
        check::commit(writes)?;
        let writes = writes.to_vec();
        self.writer.call(|answer| Commit { writes, answer }).await?
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What a failure of SQLite means to a caller of the seam. Shared, because a group of commits fails as
/// one.
fn failure(error: Arc<rusqlite::Error>) -> Error {
    use rusqlite::Error as E;

    match (&*error, error.sqlite_error_code()) {
        // Only a tool of the operator can be in the way: no second process gets past the lock.
        (_, Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)) => Error::Contended,
        (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        | (
            E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::InvalidColumnType(..)
            | E::Utf8Error(..),
            _,
        ) => Error::Corrupt(Box::new(error)),
        _ => Error::Unavailable(Box::new(error)),
    }
}
