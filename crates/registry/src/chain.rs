//! Whether a run of events is whole: what the audit service and `turnpike audit verify` both ask.

use crate::event::{Event, NO_HASH};

/// Follows a chain of events, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    last: Option<(u64, String)>,
    count: u64,
}

/// The first event that is wrong, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {sequence}: {problem}")]
pub struct Broken {
    /// Its place, as far as that can be told.
    pub sequence: u64,
    /// What is wrong.
    pub problem: String,
}

impl Chain {
    /// A chain that begins with whatever event comes first.
    pub fn new() -> Self {
        Self::default()
    }

    /// A chain that goes on after the event of that place and hash.
    pub fn after(sequence: u64, hash: String) -> Self {
        Self { last: Some((sequence, hash)), count: 0 }
    }

    /// Takes the next line.
    ///
    /// # Errors
    ///
    /// The line is no event, is out of order, or does not carry the hash of the one before it.
    pub fn follow(&mut self, line: &str) -> Result<(), Broken> {
        let expected = self.last.as_ref().map(|(sequence, _)| sequence + 1);
        let broken = |problem: String| Broken { sequence: expected.unwrap_or(0), problem };
        let event = Event::parse(line).map_err(|e| broken(root_cause(&e)))?;
        if let Some(expected) = expected
            && event.sequence != expected
        {
            return Err(broken(format!("event {} stands in its place", event.sequence)));
        }
        let previous = match &self.last {
            Some((_, hash)) => Some(hash.as_str()),
            None if event.sequence == 1 => Some(NO_HASH),
            None => None,
        };
        if previous.is_some_and(|hash| hash != event.previous_hash) {
            return Err(Broken {
                sequence: event.sequence,
                problem:
                    "it does not carry the hash of the event before it: one of the two was changed"
                        .to_owned(),
            });
        }
        self.last = Some((event.sequence, event.hash));
        self.count += 1;
        Ok(())
    }

    /// Place and hash of the last event.
    pub fn last(&self) -> Option<(u64, &str)> {
        self.last.as_ref().map(|(sequence, hash)| (*sequence, hash.as_str()))
    }

    /// How many events were followed.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root_cause)
}
