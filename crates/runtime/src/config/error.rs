//! Why a configuration is refused.

use std::path::PathBuf;

/// Why a configuration is refused. The words name the key, the variable or the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of a wrong kind.
    #[error("{path}: {source}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A value, or two together, make no sense.
    #[error("{key}: {problem}")]
    Value {
        /// The key, or the variable.
        key: String,
        /// What is wrong.
        problem: String,
    },
}

impl Error {
    /// A key, and the rule that its value breaks.
    pub fn value(key: impl Into<String>, problem: impl ToString) -> Self {
        Self::Value { key: key.into(), problem: problem.to_string() }
    }
}
