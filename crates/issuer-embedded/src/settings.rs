//! What an embedded issuer is told.

use std::time::Duration;

use turnpike_domain::Problem;
use turnpike_domain::url::HttpUrl;

/// What tokens are signed with (RFC 7518 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256: signs 15 times cheaper than RSA, verifies 3 times dearer.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256 and a key of 2048 bits: what Cognito signs with, and all that
    /// some of its verifiers speak.
    Rs256,
}

impl Algorithm {
    /// As `alg` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }

    /// From the form in `alg`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Es256, Self::Rs256].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// Settings of an [`EmbeddedIssuer`](crate::EmbeddedIssuer).
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) issuer: HttpUrl,
    pub(crate) algorithm: Algorithm,
    pub(crate) period_seconds: i64,
    pub(crate) ahead_seconds: i64,
}

const DAY: i64 = 24 * 60 * 60;

impl Settings {
    /// Signs with RS256 and a key of 30 days that is published a day before it signs.
    pub const fn new(issuer: HttpUrl) -> Self {
        let (period_seconds, ahead_seconds) = (30 * DAY, DAY);
        Self { issuer, algorithm: Algorithm::Rs256, period_seconds, ahead_seconds }
    }

    /// Signs with another algorithm. A running installation changes over as it changes keys: the
    /// first key of the new algorithm is published as long before it signs as any.
    #[must_use]
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// How long a key signs, and how long before that it is published. The second must be at least
    /// as long as any verifier keeps a key set without asking again.
    ///
    /// # Errors
    ///
    /// [`Problem::OutOfRange`] for a period of more than ten years, for less than an hour ahead, or
    /// more ahead than a period.
    pub fn rotation(mut self, period: Duration, ahead: Duration) -> Result<Self, Problem> {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let (period, ahead) = (seconds(period), seconds(ahead));
        if period > 3653 * DAY {
            return Err(Problem::OutOfRange("at most ten years"));
        }
        if ahead < 3600 || period < ahead {
            return Err(Problem::OutOfRange(
                "published at least an hour before it signs, and that at most as long as it signs",
            ));
        }
        (self.period_seconds, self.ahead_seconds) = (period, ahead);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_that_breaks_verifiers_is_refused() {
        let settings = Settings::new(HttpUrl::parse("https://h").unwrap());
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let rotation = |period, ahead| settings.clone().rotation(hours(period), hours(ahead));
        assert!(rotation(720, 24).is_ok());
        assert!(rotation(1, 1).is_ok());
        assert!(rotation(24, 25).is_err());
        assert!(rotation(24, 0).is_err());
        assert!(rotation(24 * 3654, 24).is_err());
    }
}
