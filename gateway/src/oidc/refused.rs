//! Why a person is not signed in: in words for them, and with a cause for whoever runs the installation.

use std::error::Error as StdError;

use http::StatusCode;

use super::id_token::Fault;

/// Why a sign-in did not come to its end. Each has a heading in `docs/staff-login.md`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// It was used already.
    #[error("the state was used before")]
    AttemptUsed,
    /// It did not begin in this browser, is not ours, or took too long.
    #[error("no attempt of this browser has this state")]
    AttemptUnknown,
    /// The directory says no.
    #[error("the directory answered `{error}`{}", number_of(.number))]
    ByDirectory {
        /// Its error (RFC 6749 section 4.1.2.1), as far as it may be shown.
        error: String,
        /// The number of an `AADSTS` error.
        number: Option<u32>,
    },
    /// Too many sign in at this moment.
    #[error("too many sign-ins at once")]
    Busy,
    /// The directory takes back the code.
    #[error("the code was refused")]
    Code,
    /// It does not answer.
    #[error("the directory does not answer")]
    DirectoryDown(#[source] Box<dyn StdError + Send + Sync>),
    /// The ID token is not good.
    #[error("the id token is refused: {0}")]
    IdToken(Fault),
    /// The answer is not one that a directory sends.
    #[error("the answer is malformed: {0}")]
    Malformed(&'static str),
    /// It and this installation do not fit together.
    #[error("the directory and this installation do not fit together")]
    Misconfigured(#[source] Box<dyn StdError + Send + Sync>),
    /// The answer says that another directory gives it (RFC 9207).
    #[error("the answer comes from another issuer")]
    MixedUp,
    /// The person was not assigned to the application.
    #[error("the person is not assigned to the application")]
    NotAssigned,
    /// Our own store does not answer.
    #[error("the store does not answer")]
    StoreDown(#[source] turnpike_domain::Error),
}

impl Refused {
    /// The stable code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::AttemptUsed => "ATTEMPT_USED",
            Self::AttemptUnknown => "ATTEMPT_UNKNOWN",
            Self::Busy => "BUSY",
            Self::ByDirectory { .. } => "REFUSED_BY_DIRECTORY",
            Self::Code => "CODE_REFUSED",
            Self::DirectoryDown(_) => "DIRECTORY_DOWN",
            Self::IdToken(_) => "ID_TOKEN_REFUSED",
            Self::Malformed(_) => "MALFORMED_ANSWER",
            Self::Misconfigured(_) => "MISCONFIGURED",
            Self::MixedUp => "MIXED_UP",
            Self::NotAssigned => "NOT_ASSIGNED",
            Self::StoreDown(_) => "STORE_DOWN",
        }
    }

    /// The check that an ID token failed; empty if that is not why.
    pub(crate) const fn fault(&self) -> &'static str {
        match self {
            Self::IdToken(fault) => fault.code(),
            _ => "",
        }
    }

    /// The code, and what goes with it, as a person may tell it.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::ByDirectory { number: Some(number), .. } => {
                format!("{} AADSTS{number}", self.code())
            }
            Self::IdToken(fault) => format!("{} {}", self.code(), fault.code()),
            _ => self.code().to_owned(),
        }
    }

    /// Whether it means that the directory does not vouch for a person any more, when it was asked again. What is wrong
    /// with us or the network does not.
    pub(crate) const fn ends_session(&self) -> bool {
        matches!(
            self,
            Self::ByDirectory { .. }
                | Self::Code
                | Self::IdToken(Fault::Subject | Fault::Tenant | Fault::Identity)
                | Self::NotAssigned
        )
    }

    /// The answer's status.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::AttemptUsed | Self::AttemptUnknown | Self::Malformed(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::ByDirectory { .. }
            | Self::Code
            | Self::IdToken(_)
            | Self::MixedUp
            | Self::NotAssigned => StatusCode::FORBIDDEN,
            Self::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy | Self::DirectoryDown(_) | Self::StoreDown(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// What happened, for the head of a page.
    pub(crate) const fn title(&self) -> &'static str {
        match self {
            Self::AttemptUsed => "This sign-in was used already",
            Self::AttemptUnknown => "This sign-in is not known here",
            Self::ByDirectory { .. } => "The directory did not sign you in",
            Self::Busy | Self::DirectoryDown(_) | Self::StoreDown(_) => {
                "Not possible at the moment"
            }
            Self::Code => "This sign-in took too long",
            Self::IdToken(Fault::Identity) => "The directory does not say who you are",
            Self::IdToken(Fault::Tenant) => "That account belongs to another organization",
            Self::IdToken(_) | Self::MixedUp => "The directory's answer is not trustworthy",
            Self::Malformed(_) => "That is no answer of a directory",
            Self::Misconfigured(_) => "Signing in is not set up right",
            Self::NotAssigned => "You may not use Turnpike yet",
        }
    }

    /// What it means and what to do, for a person who knows nothing of protocols.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::AttemptUsed => {
                "Each sign-in works once. If you came here by Back or by loading the page again, you may be signed in \
                 already; else begin anew."
            }
            Self::AttemptUnknown => {
                "It did not begin in this browser, or more than ten minutes ago, or the browser does not keep cookies \
                 of this page. Nobody was signed in. Begin anew; if you did not want to sign in at all, close this page."
            }
            Self::ByDirectory { .. } => {
                "It says that you cannot sign in to this application, or you did not finish there. Try again; if it \
                 stays so, ask the people who run your directory and tell them the code below."
            }
            Self::Busy => "Too many people sign in at this moment. Try again in a minute.",
            Self::Code => {
                "The directory no longer takes the answer that your browser brought. Nobody was signed in. Begin anew."
            }
            Self::DirectoryDown(_) => {
                "Your company's directory does not answer, and without it nobody can sign in. Try again in a minute."
            }
            Self::IdToken(Fault::Identity) => {
                "Its answer does not name your account in a form that Turnpike can use. Tell whoever runs Turnpike."
            }
            Self::IdToken(Fault::Tenant) => {
                "You signed in with an account of another organization. Begin anew and choose your account of this \
                 company."
            }
            Self::IdToken(_) | Self::MixedUp => {
                "Something in it is not as it must be, so nobody was signed in. Begin anew; if it happens again, tell \
                 whoever runs Turnpike."
            }
            Self::Malformed(_) => {
                "Somebody or something sent your browser here with an address that no directory writes. Nobody was \
                 signed in."
            }
            Self::Misconfigured(_) => {
                "The directory does not take Turnpike for what it is set up as. Whoever runs Turnpike finds the cause in \
                 its log."
            }
            Self::NotAssigned => {
                "Your account is good, and nobody has assigned it to this application. Ask the people who run your \
                 directory to do so."
            }
            Self::StoreDown(_) => "Turnpike cannot reach its store. Try again in a minute.",
        }
    }

    /// Whether somebody has to do something about it.
    pub(crate) const fn is_ours(&self) -> bool {
        matches!(self, Self::DirectoryDown(_) | Self::Misconfigured(_) | Self::StoreDown(_))
    }
}

fn number_of(number: &Option<u32>) -> String {
    number.map(|number| format!(" (AADSTS{number})")).unwrap_or_default()
}

/// An error of a directory's answer: its code as far as it is one (RFC 6749 section 5.2 allows these characters, and
/// nobody needs more than 64 of them), and the number in the words of Entra ID.
pub(super) fn by_directory(error: &str, description: Option<&str>) -> Refused {
    let number = description.and_then(aadsts);
    // AADSTS50105: the signed-in user is not assigned to a role for the application.
    if number == Some(50_105) {
        return Refused::NotAssigned;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    let known = error.len() <= 64 && !error.is_empty() && error.bytes().all(plain);
    let error = if known { error.to_owned() } else { "unreadable".to_owned() };
    Refused::ByDirectory { error, number }
}

/// The number after the first `AADSTS`.
fn aadsts(description: &str) -> Option<u32> {
    let rest = description.split_once("AADSTS")?.1;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).take(8).count();
    rest.get(..digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_directory_says_is_shown_as_far_as_it_is_plain() {
        let said =
            |error: &str, description: Option<&str>| by_directory(error, description).to_string();
        assert_eq!(said("access_denied", None), "the directory answered `access_denied`");
        let description = "AADSTS65004: User declined to consent. Trace ID: x";
        let declined = "the directory answered `access_denied` (AADSTS65004)";
        assert_eq!(said("access_denied", Some(description)), declined);
        for error in ["", "<script>", "a b", "a\nb", &"x".repeat(65)] {
            assert_eq!(said(error, None), "the directory answered `unreadable`");
        }
        assert!(matches!(by_directory("x", Some("AADSTS50105: not")), Refused::NotAssigned));
        assert_eq!(said("x", Some("AADSTS")), "the directory answered `x`");
        assert_eq!(
            said("x", Some("AADSTS99999999999")),
            "the directory answered `x` (AADSTS99999999)"
        );
    }

    /// The guide for whoever runs an installation explains each refusal.
    #[test]
    fn every_refusal_has_a_heading() {
        let guide = include_str!("../../../docs/staff-login.md");
        let cause = || "x".into();
        for refused in [
            Refused::AttemptUsed,
            Refused::AttemptUnknown,
            Refused::Busy,
            by_directory("x", None),
            Refused::Code,
            Refused::DirectoryDown(cause()),
            Refused::IdToken(Fault::Nonce),
            Refused::Malformed("x"),
            Refused::Misconfigured(cause()),
            Refused::MixedUp,
            Refused::NotAssigned,
            Refused::StoreDown(turnpike_domain::Error::internal("x")),
        ] {
            let heading = format!("\n### {}\n", refused.code());
            assert!(guide.contains(&heading), "{}", refused.code());
            assert!(!refused.words().is_empty() && !refused.title().is_empty());
        }
        for fault in Fault::ALL {
            assert!(guide.contains(&format!("| `{}` |", fault.code())), "{}", fault.code());
        }
    }
}
