//! Why an operation was refused, or could not finish.

use std::error::Error as StdError;
use std::fmt;

/// A cause that is logged, never sent.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why an operation was refused, or could not finish. Deliberately exhaustive: a new variant must break
/// every `match` in the workspace.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The id or name is taken.
    #[error("{0} already exists")]
    AlreadyExists(Subject),
    /// The caller may see the subject, and may not do this to it.
    #[error("not allowed: {0}")]
    Denied(&'static str),
    /// A defect. Logged in full, never sent.
    #[error("internal error")]
    Internal(#[source] BoxError),
    /// No state of the world would make this request right.
    #[error("{0}")]
    Invalid(Violations),
    /// Absent, or hidden from this caller: on the wire the two are one.
    #[error("{0} not found")]
    NotFound(Subject),
    /// The state of the world forbids it now. One entry for each thing in the way.
    #[error("{}", .0.first().map_or("failed precondition", |b| b.description.as_str()))]
    Precondition(Vec<Blocker>),
    /// The caller called too often.
    #[error("too many calls: try again later")]
    RateLimited {
        /// When the same call may be tried again, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// The caller's revision is behind. Read again, then decide.
    #[error("{0} has changed: read it again")]
    Stale(Subject),
    /// The caller did not show who it is.
    #[error("not signed in: {0}")]
    Unauthenticated(&'static str),
    /// A dependency did not answer. The same call may succeed later.
    #[error("temporarily unavailable")]
    Unavailable(#[source] BoxError),
}

/// The stable codes of errors: one heading each in `docs/errors.md`, `ErrorInfo.reason` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// See [`Error::AlreadyExists`].
    AlreadyExists,
    /// See [`Error::Denied`].
    Denied,
    /// See [`Error::Internal`].
    Internal,
    /// See [`Error::Invalid`].
    Invalid,
    /// See [`Error::NotFound`].
    NotFound,
    /// See [`Error::Precondition`].
    Precondition,
    /// See [`Error::RateLimited`].
    RateLimited,
    /// See [`Error::Stale`].
    Stale,
    /// See [`Error::Unauthenticated`].
    Unauthenticated,
    /// See [`Error::Unavailable`].
    Unavailable,
}

impl ErrorCode {
    /// All of them: what a test walks.
    pub const ALL: [Self; 10] = [
        Self::AlreadyExists,
        Self::Denied,
        Self::Internal,
        Self::Invalid,
        Self::NotFound,
        Self::Precondition,
        Self::RateLimited,
        Self::Stale,
        Self::Unauthenticated,
        Self::Unavailable,
    ];

    /// The code as it is written everywhere (AIP-193: upper snake case).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Denied => "NOT_ALLOWED",
            Self::Internal => "INTERNAL_ERROR",
            Self::Invalid => "INVALID_FIELDS",
            Self::NotFound => "NOT_FOUND",
            Self::Precondition => "IN_THE_WAY",
            Self::RateLimited => "TOO_MANY_CALLS",
            Self::Stale => "STALE_ETAG",
            Self::Unauthenticated => "NOT_SIGNED_IN",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

impl Error {
    /// The stable code.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::AlreadyExists(_) => ErrorCode::AlreadyExists,
            Self::Denied(_) => ErrorCode::Denied,
            Self::Internal(_) => ErrorCode::Internal,
            Self::Invalid(_) => ErrorCode::Invalid,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Precondition(_) => ErrorCode::Precondition,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Stale(_) => ErrorCode::Stale,
            Self::Unauthenticated(_) => ErrorCode::Unauthenticated,
            Self::Unavailable(_) => ErrorCode::Unavailable,
        }
    }

    /// Whether the same call, unchanged, may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable(_))
    }

    /// One field is wrong.
    pub fn invalid(field: impl Into<String>, problem: Problem) -> Self {
        Self::Invalid(Violations(vec![Violation { field: field.into(), problem }]))
    }

    /// One thing is in the way.
    pub fn blocked(
        kind: &'static str,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self::Precondition(vec![Blocker {
            kind,
            subject: subject.into(),
            description: description.into(),
        }])
    }

    /// A defect, described for the log.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::Internal(cause.into())
    }
}

/// What an error is about: a kind of object and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Kind of object, as in `event` subjects: `clients`, `resource-servers`, `grants` ...
    pub kind: &'static str,
    /// Its key, as the caller gave it.
    pub key: String,
}

impl Subject {
    /// A subject of this kind and key.
    pub fn new(kind: &'static str, key: impl Into<String>) -> Self {
        Self { kind, key: key.into() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}/{}`", self.kind, self.key)
    }
}

/// One thing in the way of a change (`google.rpc.PreconditionFailure.Violation`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Stable code, such as `GRANT_IN_USE`.
    pub kind: &'static str,
    /// What is in the way, as `kind/key`.
    pub subject: String,
    /// In words.
    pub description: String,
}

/// What is wrong with one field (`google.rpc.BadRequest.FieldViolation`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field in the request, in snake case: `client.scopes[2]`.
    pub field: String,
    /// The rule it breaks.
    pub problem: Problem,
}

/// Everything that is wrong with a request; collects, so that a caller sees all of it at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value, or `None` and the problem noted under `field`.
    pub fn take<T>(&mut self, field: impl Into<String>, parsed: Result<T, Problem>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(problem) => {
                self.add(field, problem);
                None
            }
        }
    }

    /// Notes a problem.
    pub fn add(&mut self, field: impl Into<String>, problem: Problem) {
        self.0.push(Violation { field: field.into(), problem });
    }

    /// What was noted, in order.
    pub fn list(&self) -> &[Violation] {
        &self.0
    }

    /// `built` if nothing was noted and there is something; else all that was noted.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with every problem noted. `built` being `None` while nothing was noted is a
    /// defect of the caller and comes out as [`Error::Internal`].
    pub fn finish<T>(self, built: Option<T>) -> Result<T, Error> {
        match built {
            Some(value) if self.0.is_empty() => Ok(value),
            None if self.0.is_empty() => Err(Error::internal("a field was lost while parsing")),
            _ => Err(Error::Invalid(self)),
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, violation) in self.0.iter().take(5).enumerate() {
            let separator = if n == 0 { "" } else { "; " };
            write!(f, "{separator}{} {}", violation.field, violation.problem)?;
        }
        match self.0.len() {
            0..=5 => Ok(()),
            more => write!(f, "; and {} more", more - 5),
        }
    }
}

/// The rule that a value breaks. Its words follow the name of the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A character that is not allowed; the text says which are.
    #[error("may hold only {0}")]
    Characters(&'static str),
    /// The same value twice where each may stand once.
    #[error("is there twice")]
    Duplicate,
    /// The field is decided at creation.
    #[error("cannot be changed")]
    Immutable,
    /// Not of the form the text names.
    #[error("must be {0}")]
    Malformed(&'static str),
    /// What the value names does not exist, or the caller may not know of it.
    #[error("does not exist")]
    NotFound,
    /// Outside the range the text names.
    #[error("must be {0}")]
    OutOfRange(&'static str),
    /// Nothing was given.
    #[error("is required")]
    Required,
    /// More characters, or more entries, than allowed.
    #[error("must have at most {max} {unit}")]
    TooLong {
        /// How many may be there.
        max: usize,
        /// Of what: `characters`, `entries`.
        unit: &'static str,
    },
    /// It contradicts another field; the text says how.
    #[error("{0}")]
    Conflict(&'static str),
}

impl Problem {
    /// Stable code (`google.rpc.BadRequest.FieldViolation.reason`).
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Characters(_) => "CHARACTERS",
            Self::Conflict(_) => "CONFLICT",
            Self::Duplicate => "DUPLICATE",
            Self::Immutable => "IMMUTABLE",
            Self::Malformed(_) => "MALFORMED",
            Self::NotFound => "NOT_FOUND",
            Self::OutOfRange(_) => "OUT_OF_RANGE",
            Self::Required => "REQUIRED",
            Self::TooLong { .. } => "TOO_LONG",
        }
    }
}
