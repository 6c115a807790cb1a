//! What is measured: one file for each subject.

mod introspection;
mod local_verify;
mod process;
mod registry_writes;
mod tokens;

use std::time::Duration;

use tokio::runtime::Runtime;

use crate::Failure;
use crate::report::Row;

/// How long to measure.
pub(crate) struct Settings {
    /// Rounds; each measures everything once, in turn.
    pub(crate) rounds: usize,
    /// Processor time of one sample of an operation in this process.
    pub(crate) span: Duration,
    /// Time of one sample of a server under load.
    pub(crate) load: Duration,
    /// Tokens that are sent in turn where none may be known: more than a verifier remembers (10,000).
    pub(crate) cold_tokens: usize,
    /// Tokens that are remembered, to see what that takes.
    pub(crate) known_tokens: usize,
}

impl Settings {
    /// Some minutes in all.
    pub(crate) const FULL: Self = Self {
        rounds: 15,
        span: Duration::from_millis(40),
        load: Duration::from_millis(1000),
        cold_tokens: 16_000,
        known_tokens: 4_000,
    };
    /// Some seconds, for nothing but to see that it works.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        span: Duration::from_millis(1),
        load: Duration::from_millis(50),
        cold_tokens: 100,
        known_tokens: 100,
    };
}

/// Things that are measured in turn with each other.
pub(crate) struct Subject {
    pub(crate) title: &'static str,
    /// The subjects of its rows.
    pub(crate) names: &'static [&'static str],
    pub(crate) measure: fn(&Settings) -> Result<Vec<Row>, Failure>,
}

/// All of them, in the order of the table. The first one needs memory that nothing has used before.
pub(crate) const ALL: &[Subject] = &[
    process::CACHE,
    local_verify::SUBJECT,
    tokens::IN_PROCESS,
    tokens::OVER_HTTP,
    introspection::GRPC,
    introspection::HTTP,
    registry_writes::SUBJECT,
    process::SUBJECT,
];

/// A runtime for whoever calls servers, with as many threads as there are processors.
fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_name_is_there_once() {
        let names: Vec<&str> = ALL.iter().flat_map(|subject| subject.names).copied().collect();
        let different: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(different.len(), names.len());
    }
}
