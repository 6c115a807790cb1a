//! Refusals in Cognito's words.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, json};

/// What an operation answers instead of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status: 400, but for its own failures.
    pub status: u16,
    /// Name of the exception, as `__type` has it.
    pub code: Cow<'static, str>,
    /// Its words.
    pub message: String,
}

impl ApiError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code: Cow::Borrowed(code), message: message.into() }
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::new("LimitExceededException", message)
    }

    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::new("SerializationException", message)
    }

    pub(crate) fn too_many_requests() -> Self {
        Self::new("TooManyRequestsException", "Rate exceeded")
    }

    pub(crate) fn conflict() -> Self {
        Self::new(
            "ConcurrentModificationException",
            "Two or more modifications are happening concurrently.",
        )
    }

    pub(crate) fn internal() -> Self {
        Self {
            status: 500,
            code: Cow::Borrowed("InternalErrorException"),
            message: "Something went wrong".to_owned(),
        }
    }

    /// As the AWS JSON 1.1 protocol has it.
    pub(crate) fn body(&self) -> Value {
        json!({ "__type": self.code, "message": self.message })
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}
