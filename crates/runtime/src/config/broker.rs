//! `[broker]`: what stands between the token endpoint and an authorization server that lives elsewhere.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::limits::positive;

/// What the broker of a process keeps, pays and bridges. The embedded issuer has none: its tokens cost nothing.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// How many tokens are kept, sealed; 0 for none.
    pub kept_tokens: u32,
    /// How much memory they may take.
    pub kept_megabytes: u32,
    /// How many new tokens a minute one client may have, over time: the authorization server bills each.
    pub client_tokens_per_minute: NonZeroU32,
    /// And how many at once.
    pub client_tokens_at_once: NonZeroU32,
    /// How long a request waits for its turn to ask, where more want to than may.
    pub turn_wait_ms: u32,
    /// How long the authorization server may take for an answer.
    pub answer_timeout_ms: NonZeroU32,
    /// While no new token can be had, a kept one is given until so much of its life is left.
    pub bridge_until_seconds: NonZeroU32,
    /// How long the store may take for an answer; after that kept tokens are given by what the policy knows.
    pub store_timeout_ms: NonZeroU32,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            kept_tokens: 50_000,
            kept_megabytes: 128,
            client_tokens_per_minute: positive(6),
            client_tokens_at_once: positive(60),
            turn_wait_ms: 2000,
            answer_timeout_ms: positive(5000),
            bridge_until_seconds: positive(60),
            store_timeout_ms: positive(500),
        }
    }
}

impl Broker {
    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// The first key that makes no sense.
    pub fn check(&self) -> Result<(), Error> {
        let Self {
            kept_tokens: _,
            kept_megabytes: _,
            client_tokens_per_minute: _,
            client_tokens_at_once: _,
            turn_wait_ms,
            answer_timeout_ms,
            bridge_until_seconds,
            store_timeout_ms: _,
        } = self;
        // The shortest life of a token is five minutes, and a quarter of it 75 seconds.
        if bridge_until_seconds.get() >= 75 {
            return Err(Error::value(
                "broker.bridge_until_seconds",
                "must be less than 75, a quarter of the shortest life of a token: nothing would be bridged",
            ));
        }
        // Callers give up after half a minute at the gateway.
        if u64::from(*turn_wait_ms) + u64::from(answer_timeout_ms.get()) > 20_000 {
            return Err(Error::value(
                "broker.answer_timeout_ms",
                "must be at most 20000 together with broker.turn_wait_ms: callers wait no longer",
            ));
        }
        Ok(())
    }
}
