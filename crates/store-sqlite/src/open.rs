//! Opening the file: whose it is, who else has it, who may read it.

use std::error::Error as StdError;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::exposure;
use crate::schema::{self, Found, MIGRATIONS};

/// How long a statement waits for a lock that a tool of the operator holds.
const BUSY: Duration = Duration::from_secs(5);

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Others than its owner may read the file, or replace it. It holds the keys that sign tokens: whoever had it may
    /// have them.
    #[error("`{}` is open to others (mode {mode:04o}): {cure}", path.display())]
    Exposed {
        /// The file or folder.
        path: PathBuf,
        /// Its mode, permission bits only.
        mode: u32,
        /// What to do.
        cure: &'static str,
    },
    /// The file is something else, and was left as it is.
    #[error("`{}` is not a Turnpike database", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process, or this one, has it open.
    #[error("`{}` is in use by another process: end it, or name another folder (`--data-dir`)", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The operating system refused, or SQLite did.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What it answered.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A later release has changed the schema. Nothing was touched.
    #[error("`{}` has schema version {found}, and this release knows versions up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: usize,
        /// The last version that this release knows.
        known: usize,
    },
}

impl OpenError {
    pub(crate) fn io(
        action: &'static str,
        path: &Path,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> OpenError {
        OpenError::Io { action, path: path.to_owned(), source: source.into() }
    }
}

/// What a store is made of.
pub struct Opened {
    /// The file, without symbolic links.
    pub path: PathBuf,
    /// Locked while it is open; the operating system lets go of it when the process ends.
    pub lock: File,
    pub writer: Connection,
    /// Reads, and does not wait for a lock.
    pub near: Connection,
    pub readers: Vec<Connection>,
}

/// Opens or creates the file, with one connection to write, one to read where one is, and some to read elsewhere.
pub fn open(path: &Path, readers: usize) -> Result<Opened, OpenError> {
    let path = resolve(path)?;
    // The lock comes first: opening and closing the database file would let go of the locks that
    // SQLite holds on it elsewhere in this process.
    let lock = lock(&path)?;
    private().append(true).open(&path).map_err(|source| OpenError::io("open", &path, source))?;

    let refused = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path: path.clone() },
        _ => OpenError::io("open", &path, source),
    };
    let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(refused)?;
    let known = MIGRATIONS.len();
    match schema::find(&writer).map_err(refused)? {
        Found::Foreign => return Err(OpenError::Foreign { path }),
        Found::Ours(found) if found > known => return Err(OpenError::Newer { path, found, known }),
        Found::Ours(found) => {
            exposure::check(&path)?;
            write_ahead(&writer, &path)?;
            if found < known {
                schema::migrate(&mut writer, found, MIGRATIONS).map_err(refused)?;
            }
        }
    }
    let reader = || connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(refused);
    let near = reader()?;
    near.busy_timeout(Duration::ZERO).map_err(refused)?;
    let readers = (0..readers).map(|_| reader()).collect::<Result<_, _>>()?;
    Ok(Opened { path, lock, writer, near, readers })
}

/// The file's one path, whatever links lead to it, so that there is one lock; its folder is created.
fn resolve(path: &Path) -> Result<PathBuf, OpenError> {
    let io = |source| OpenError::io("find or create the folder of", path, source);
    let name = path.file_name().ok_or_else(|| io(io::ErrorKind::InvalidInput.into()))?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(io)?;

    let path = folder.canonicalize().map_err(io)?.join(name);
    Ok(fs::canonicalize(&path).unwrap_or(path))
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let beside = PathBuf::from(beside);
    let file = private()
        .append(true)
        .open(&beside)
        .map_err(|source| OpenError::io("open", &beside, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::io("lock", &beside, source)),
    }
}

/// Creates files for their owner's eyes only. SQLite gives the files beside the database its mode.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // On macOS a sync reaches the disk only so; elsewhere it changes nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(connection)
}

/// Some file systems, mostly of networks, cannot share the log's memory, and SQLite then stays as it was.
fn write_ahead(writer: &Connection, path: &Path) -> Result<(), OpenError> {
    let action = "use a write-ahead log beside";
    let mode: String = writer
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(|source| OpenError::io(action, path, source))?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(OpenError::io(action, path, "the file system does not allow it"))
    }
}
