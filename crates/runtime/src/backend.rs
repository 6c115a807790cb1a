//! Which store a process uses.

use std::path::Path;
use std::sync::Arc;

use turnpike_domain::Error;
use turnpike_domain::error::BoxError;
use turnpike_domain::ports::{Clock, Entropy};
use turnpike_registry::Registry;
use turnpike_store_sqlite::SqliteStore;

/// Why the registry could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store refused; the words say which file and why.
    #[error("{0}")]
    Store(BoxError),
    /// The store opened and could not be read.
    #[error(transparent)]
    Registry(#[from] Error),
}

/// The registry in a folder of this machine.
///
/// # Errors
///
/// [`OpenError`].
pub async fn embedded(
    folder: &Path,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> Result<Registry, OpenError> {
    let path = folder.join("turnpike.sqlite");
    let store = SqliteStore::open(&path).map_err(|error| OpenError::Store(Box::new(error)))?;
    Ok(Registry::open(Arc::new(store), clock, entropy).await?)
}
