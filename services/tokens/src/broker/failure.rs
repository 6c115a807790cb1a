//! Why there is no new token, in a form that many callers of one call can share.

use turnpike_domain::Error;
use turnpike_domain::authorization_server::{GRANT_REFUSED, SCOPE_REFUSED};
use turnpike_rpc::oauth::Refusal;

/// Why there is no new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The client has had as many new tokens as it may.
    ClientBudget { retry_after_ms: u64 },
    /// A defect, here or there. Logged where it was found.
    Defect,
    /// The authorization server does not answer.
    Down,
    /// It gives this client no tokens.
    GrantRefused,
    /// The secret of an adopted client was guessed at too often.
    Guesses { retry_after_ms: u64 },
    /// It has not been told yet of what the client may do.
    Pending,
    /// It does not give every scope.
    ScopeRefused,
    /// It does not know the client, or not by this secret.
    SecretRefused,
    /// It answers, but not yet.
    Slow,
    /// The store does not answer: nobody gets anything new.
    StoreDown,
    /// It says that it is asked too much.
    Throttled { retry_after_ms: u64 },
    /// All turns to ask it are taken.
    Turns { retry_after_ms: u64 },
    /// It took the secret of an adopted client, which could not be kept.
    Unlearned,
}

impl Failure {
    /// Every [`reason`](Self::reason).
    pub(crate) const REASONS: [&str; 12] = [
        Self::ClientBudget { retry_after_ms: 0 }.reason(),
        Self::Defect.reason(),
        Self::Down.reason(),
        Self::GrantRefused.reason(),
        Self::Guesses { retry_after_ms: 0 }.reason(),
        Self::Pending.reason(),
        Self::ScopeRefused.reason(),
        Self::SecretRefused.reason(),
        Self::StoreDown.reason(),
        Self::Throttled { retry_after_ms: 0 }.reason(),
        Self::Turns { retry_after_ms: 0 }.reason(),
        Self::Unlearned.reason(),
    ];

    /// What an error of the authorization server means.
    pub(crate) fn of(error: &Error) -> Self {
        let is =
            |kind| matches!(error, Error::Precondition(why) if why.iter().any(|b| b.kind == kind));
        match error {
            Error::RateLimited { retry_after_ms } => {
                Self::Throttled { retry_after_ms: *retry_after_ms }
            }
            Error::Unavailable(_) => Self::Down,
            Error::Unauthenticated(_) => Self::SecretRefused,
            _ if is(SCOPE_REFUSED) => Self::ScopeRefused,
            _ if is(GRANT_REFUSED) => Self::GrantRefused,
            _ => Self::Defect,
        }
    }

    /// Whether a token that still lives for a while is given instead.
    pub(crate) const fn is_bridged(self) -> bool {
        match self {
            Self::ClientBudget { .. }
            | Self::Down
            | Self::Pending
            | Self::Slow
            | Self::Throttled { .. }
            | Self::Turns { .. } => true,
            Self::Defect
            | Self::GrantRefused
            | Self::Guesses { .. }
            | Self::ScopeRefused
            | Self::SecretRefused
            | Self::StoreDown
            | Self::Unlearned => false,
        }
    }

    /// Whether the authorization server refused what the registry holds to be right: it may not have been
    /// told yet.
    pub(crate) const fn contradicts(self) -> bool {
        matches!(self, Self::GrantRefused | Self::ScopeRefused | Self::SecretRefused)
    }

    /// A word for measurements.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::ClientBudget { .. } => "client_budget",
            Self::Defect => "defect",
            Self::Down | Self::Slow => "down",
            Self::GrantRefused => "grant_refused",
            Self::Guesses { .. } => "guesses",
            Self::Pending => "pending",
            Self::ScopeRefused => "scope_refused",
            Self::SecretRefused => "secret_refused",
            Self::StoreDown => "store_down",
            Self::Throttled { .. } => "throttled",
            Self::Turns { .. } => "turns",
            Self::Unlearned => "unlearned",
        }
    }

    /// The answer to a caller.
    pub(crate) fn into_refusal(self, by_header: bool) -> Refusal {
        let busy = |retry_after_ms, why| Refusal::Busy { retry_after_ms, why };
        match self {
            Self::ClientBudget { retry_after_ms } => {
                let why = "too many new tokens: keep each one until it ends";
                Refusal::TooMany { retry_after_ms, why }
            }
            Self::Defect => {
                Error::internal("no token was issued: see what was logged before").into()
            }
            Self::Down | Self::Slow => busy(1000, "the authorization server does not answer"),
            Self::GrantRefused => Refusal::UnauthorizedClient,
            Self::Guesses { retry_after_ms } => {
                let why = "too many failed attempts: try again later";
                Refusal::TooMany { retry_after_ms, why }
            }
            Self::Pending => busy(1000, "the authorization server is being told: try again"),
            Self::ScopeRefused => {
                Refusal::Scope("the authorization server does not give every scope".into())
            }
            Self::SecretRefused => {
                let why = "the authorization server does not take the client or its secret";
                Refusal::Client { challenge: by_header, why }
            }
            Self::Throttled { retry_after_ms } | Self::Turns { retry_after_ms } => {
                busy(retry_after_ms, "too many tokens are asked for: try again later")
            }
            Self::StoreDown | Self::Unlearned => busy(1000, "try again later"),
        }
    }
}
