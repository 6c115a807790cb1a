//! What the broker is told.

use std::num::NonZeroU32;
use std::time::Duration;

use turnpike_runtime::config;

/// What the broker is told; the defaults suit Cognito.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerSettings {
    /// How many tokens are kept, of all clients together. None are for 0.
    pub tokens_max: usize,
    /// How many bytes they may take.
    pub bytes_max: usize,
    /// Between two new tokens, of all clients together, over time. Cognito gives 150 a second to an account
    /// and Region: all replicas share in it, and so do other pools.
    pub interval: Duration,
    /// How many may be asked for at once.
    pub burst: u32,
    /// How long a request waits for its turn to ask.
    pub patience: Duration,
    /// How many new tokens a minute one client may have of one replica, over time: each costs money.
    pub client_per_minute: NonZeroU32,
    /// And how many at once.
    pub client_burst: NonZeroU32,
    /// How long the authorization server may take for an answer.
    pub answer_time: Duration,
    /// While no new token can be had, one that is kept is given until so much of its life is left.
    pub bridge_until: Duration,
    /// How long the store may take for an answer before what the policy of this process knows is taken.
    pub store_time: Duration,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        const fn number(n: u32) -> NonZeroU32 {
            match NonZeroU32::new(n) {
                Some(n) => n,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            tokens_max: 50_000,
            bytes_max: 128 * 1024 * 1024,
            interval: Duration::from_secs(1) / 60,
            burst: 15,
            patience: Duration::from_secs(2),
            client_per_minute: number(6),
            client_burst: number(60),
            answer_time: Duration::from_secs(5),
            bridge_until: Duration::from_secs(60),
            store_time: Duration::from_millis(500),
        }
    }
}

impl BrokerSettings {
    /// As the configuration has it; so many new tokens `per_second`.
    pub(crate) fn of(broker: &config::Broker, per_second: u32) -> Self {
        let config::Broker {
            kept_tokens,
            kept_megabytes,
            client_tokens_per_minute,
            client_tokens_at_once,
            turn_wait_ms,
            answer_timeout_ms,
            bridge_until_seconds,
            store_timeout_ms,
        } = *broker;
        let millis = |millis: u32| Duration::from_millis(u64::from(millis));
        let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            tokens_max: number(kept_tokens),
            bytes_max: number(kept_megabytes).saturating_mul(1024 * 1024),
            interval: Duration::from_secs(1) / per_second.max(1),
            // A quarter of a second's worth.
            burst: (per_second / 4).max(1),
            patience: millis(turn_wait_ms),
            client_per_minute: client_tokens_per_minute,
            client_burst: client_tokens_at_once,
            answer_time: millis(answer_timeout_ms.get()),
            bridge_until: Duration::from_secs(u64::from(bridge_until_seconds.get())),
            store_time: millis(store_timeout_ms.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_configuration() {
        let tokens = config::Budgets::default().tokens;
        let configured = BrokerSettings::of(&config::Broker::default(), tokens);
        assert_eq!(configured, BrokerSettings::default());
        assert_eq!(BrokerSettings::of(&config::Broker::default(), 1).burst, 1);
    }
}
