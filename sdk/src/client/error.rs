//! Why a client has no token.

use std::sync::Arc;
use std::time::Duration;

use crate::connect::AddressError;
use crate::fetch;

/// Why there is no token.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The answer is no token response (RFC 6749 section 5.1): not JSON, no token in it, another
    /// type than Bearer, or no life span, without which it cannot be kept.
    #[error("the answer of the token endpoint is not understood")]
    BadAnswer,
    /// The tokio runtime that the request ran on has ended, or there is none.
    #[error("the request was interrupted")]
    Interrupted,
    /// What was asked for holds something that is no scope (RFC 6749 section 3.3).
    #[error("not a scope: only visible ASCII without space, quote and backslash")]
    NotAScope,
    /// The server refused. To ask again unchanged does not help.
    #[error("the token endpoint refused: {error}{}", .description.as_deref().map(after_colon).unwrap_or_default())]
    Refused {
        /// Its `error` of RFC 6749 section 5.2, or "unknown".
        error: &'static str,
        /// Its `error_description`, the server's words for a developer: at most 300 characters of
        /// those that the section allows, else none.
        description: Option<Arc<str>>,
    },
    /// The token lacks a scope that was asked for.
    #[error("the token does not hold the scopes that were asked for")]
    ScopeMissing,
    /// Another status than RFC 6749 has for a token endpoint. Redirects are not followed: they
    /// would carry the secret elsewhere.
    #[error("the token endpoint answered with status {0}")]
    Status(u16),
    /// The server asks to wait: status 429 or 503.
    #[error("the token endpoint is busy")]
    Throttled {
        /// For how long, when it says so.
        retry_after: Option<Duration>,
    },
    /// No whole answer in time.
    #[error("no answer from the token endpoint in time")]
    Timeout,
    /// The answer is longer than any token response.
    #[error("the answer of the token endpoint is too large")]
    TooLarge,
    /// No connection, or it broke.
    #[error("the token endpoint cannot be reached")]
    Transport(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Whether to ask again later, unchanged, can help.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::BadAnswer | Self::NotAScope | Self::Refused { .. } | Self::ScopeMissing => false,
            Self::Status(status) => *status >= 500,
            Self::Interrupted
            | Self::Throttled { .. }
            | Self::Timeout
            | Self::TooLarge
            | Self::Transport(_) => true,
        }
    }

    /// How long the server asked to wait.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } => *retry_after,
            _ => None,
        }
    }
}

fn after_colon(description: &str) -> String {
    format!(": {description}")
}

impl From<fetch::Error> for Error {
    fn from(error: fetch::Error) -> Self {
        match error {
            fetch::Error::Timeout => Self::Timeout,
            fetch::Error::TooLarge => Self::TooLarge,
            fetch::Error::Transport(source) => Self::Transport(source),
        }
    }
}

/// The settings do not make a source of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address.
    #[error("the address of the token endpoint: {0}")]
    Address(#[from] AddressError),
    /// The client's id or secret is empty.
    #[error("the client's id or secret is empty")]
    NoCredentials,
    /// A timeout of zero.
    #[error("the timeout is zero")]
    NoTime,
    /// One of the scopes is no scope (RFC 6749 section 3.3).
    #[error("not a scope: only visible ASCII without space, quote and backslash")]
    NotAScope,
}
