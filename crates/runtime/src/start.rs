//! Why a process did not start.

use std::net::SocketAddr;

use turnpike_domain::Error as Failure;
use turnpike_domain::Problem;
use turnpike_domain::error::BoxError;
use turnpike_domain::url::HttpUrl;

use crate::backend::OpenError;
use crate::{config, tls};

/// Why a process did not start. The words are for whoever runs it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The address is taken, or not this machine's.
    #[error(
        "cannot listen on {address}: {source}: end what does, or name another address (`--listen`)"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A backend could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Something inside failed.
    #[error("{0}")]
    Part(#[from] Failure),
    /// A part that this program alone has refused.
    #[error("{0}")]
    Program(BoxError),
    /// A setting was refused by the part it is for.
    #[error("{key}: {problem}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// The rule it breaks.
        problem: String,
    },
    /// The operating system refused what every process needs.
    #[error(transparent)]
    System(#[from] std::io::Error),
    /// There is no TLS.
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

impl Error {
    /// A setting, and the rule that it breaks.
    pub fn setting(key: &'static str, problem: impl ToString) -> Self {
        Self::Setting { key, problem: problem.to_string() }
    }
}

/// The URL that a setting is.
///
/// # Errors
///
/// [`Error::Setting`].
pub fn http_url(key: &'static str, text: &str) -> Result<HttpUrl, Error> {
    HttpUrl::parse(text).map_err(|problem: Problem| Error::setting(key, problem))
}
