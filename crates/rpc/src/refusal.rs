//! What stands before the handlers, at the gateway and in each process, says no with: in the words of gRPC.

use std::collections::HashMap;
use std::time::Duration;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tracing::warn;

use crate::status::{self, DOMAIN};

/// When to try again what may succeed in a moment.
const RETRY: Duration = Duration::from_secs(1);

/// Why a call is refused, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too much is held of requests that are not whole yet.
    Crowded,
    /// A session's cookie on a call that our own pages did not make.
    CrossSite,
    /// The time for the call is over.
    Deadline,
    /// The process is stopping.
    Draining,
    /// No state of the world would make the request right; in words.
    Malformed(&'static str),
    /// A message above the limit, in bytes.
    MessageTooLarge(u32),
    /// Nothing says who calls.
    NobodyCalls,
    /// The session is of somebody else than the page was opened for.
    OtherPerson,
    /// A defect.
    Panic,
    /// A session's cookie that is no longer good, or never was.
    SessionEnded,
    /// A session and an `authorization` at once.
    TwoIdentities,
    /// No service of that name.
    UnknownService,
    /// The service did not answer, or broke off.
    UpstreamDown,
}

impl Refusal {
    /// The status, with its details. `request_id` is what to quote when asking for help.
    pub fn status(self, request_id: &str) -> Status {
        let (code, reason, message) = match self {
            Self::Crowded => {
                (Code::Unavailable, "UNAVAILABLE", "too many requests are on their way: try again")
            }
            Self::CrossSite => (
                Code::PermissionDenied,
                "CROSS_SITE_REQUEST",
                "not allowed: a session may be used by the pages of this origin only",
            ),
            Self::Deadline => {
                (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the time for the call is over")
            }
            Self::Draining => {
                (Code::Unavailable, "UNAVAILABLE", "the server is restarting: try again")
            }
            Self::Malformed(words) => (Code::InvalidArgument, "MALFORMED_REQUEST", words),
            Self::MessageTooLarge(_) => {
                (Code::ResourceExhausted, "MESSAGE_TOO_LARGE", "the message is too large")
            }
            Self::NobodyCalls => (
                Code::Unauthenticated,
                "NOT_SIGNED_IN",
                "not signed in: open a session, or send a token with a scope of the resource server `turnpike` \
                 as `Bearer`",
            ),
            Self::OtherPerson => (
                Code::FailedPrecondition,
                "OTHER_PERSON",
                "somebody else has signed in: open the page again",
            ),
            Self::Panic => (Code::Internal, "INTERNAL_ERROR", "internal error"),
            Self::SessionEnded => {
                (Code::Unauthenticated, "NOT_SIGNED_IN", "not signed in: the session has ended")
            }
            Self::TwoIdentities => (
                Code::InvalidArgument,
                "TWO_IDENTITIES",
                "send either the session's cookie or `authorization`, not both",
            ),
            Self::UnknownService => {
                (Code::Unimplemented, "UNKNOWN_SERVICE", "there is no such service")
            }
            Self::UpstreamDown => {
                (Code::Unavailable, "UNAVAILABLE", "temporarily unavailable: try again")
            }
        };
        let metadata = match self {
            Self::MessageTooLarge(limit) => vec![("limit_bytes".to_owned(), limit.to_string())],
            _ => Vec::new(),
        };
        let metadata: HashMap<String, String> = metadata.into_iter().collect();
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
        if self.is_retryable() {
            details.set_retry_info(Some(RETRY));
        }
        details.set_request_info(request_id, "");
        Status::with_error_details(code, message, details)
    }

    /// Whether the same call, unchanged, may succeed in a moment.
    const fn is_retryable(self) -> bool {
        matches!(self, Self::Crowded | Self::Draining | Self::UpstreamDown)
    }
}

/// What a caller is told of a message that the service cannot decode.
pub const NOT_A_MESSAGE: &str = "the message is not of the type that the method takes";

/// Whether a status is what tonic says of a request it cannot decode: INTERNAL, as if the service had a
/// defect. It is the caller who has.
pub fn is_decoding_failure(headers: &HeaderMap) -> bool {
    headers.get("grpc-status").is_some_and(|status| status == "13")
        && Status::from_header_map(headers)
            .is_some_and(|status| status.message().starts_with("failed to decode Protobuf message"))
}

/// Gives a status that a service ended a call with the details that every refusal has, if it has none: a
/// library's own words, such as tonic's for a method that no service has. What it says of a defect stays here.
pub fn complete(headers: &mut HeaderMap, request_id: &str) {
    if headers.contains_key("grpc-status-details-bin") {
        return;
    }
    let Some(status) = Status::from_header_map(headers).filter(|s| s.code() != Code::Ok) else {
        return;
    };
    let (reason, words) = match (status.code(), status.message()) {
        (Code::Unimplemented, "") => ("UNKNOWN_METHOD", "the service has no such method"),
        (Code::Unimplemented, words) => ("UNSUPPORTED", words),
        (Code::DataLoss | Code::Internal | Code::Unknown, words) => {
            warn!(request.id = request_id, status = words, "a service failed without details");
            ("INTERNAL_ERROR", "internal error")
        }
        (Code::InvalidArgument | Code::OutOfRange, words) => ("MALFORMED_REQUEST", words),
        (Code::PermissionDenied, words) => ("NOT_ALLOWED", words),
        (Code::Unauthenticated, words) => ("NOT_SIGNED_IN", words),
        (Code::ResourceExhausted, words) => ("TOO_MANY_CALLS", words),
        (code, words) => (status::name(code), words),
    };
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    if status.code() == Code::Unavailable {
        details.set_retry_info(Some(RETRY));
    }
    details.set_request_info(request_id, "");
    // Its own metadata is in the headers already.
    let complete = Status::with_error_details(status.code(), words, details);
    if complete.add_header(headers).is_err() {
        warn!(request.id = request_id, "a status does not fit into headers");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_it_is_and_whether_to_try_again() {
        for refusal in [
            Refusal::Crowded,
            Refusal::CrossSite,
            Refusal::Deadline,
            Refusal::Draining,
            Refusal::Malformed("no"),
            Refusal::MessageTooLarge(7),
            Refusal::NobodyCalls,
            Refusal::OtherPerson,
            Refusal::Panic,
            Refusal::SessionEnded,
            Refusal::TwoIdentities,
            Refusal::UnknownService,
            Refusal::UpstreamDown,
        ] {
            let status = refusal.status("id-1");
            let details = status.get_error_details();
            let info = details.error_info().unwrap();
            assert_eq!(info.domain, "turnpike.v1");
            assert!(info.reason.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'));
            assert_eq!(details.request_info().unwrap().request_id, "id-1");
            assert_eq!(details.retry_info().is_some(), status.code() == Code::Unavailable);
        }
        let large = Refusal::MessageTooLarge(7).status("").get_error_details();
        assert_eq!(large.error_info().unwrap().metadata["limit_bytes"], "7");
    }

    #[test]
    fn a_status_without_details_gets_them_and_any_other_is_left_alone() {
        let completed = |status: &Status| {
            let mut headers = HeaderMap::new();
            status.add_header(&mut headers).unwrap();
            headers.insert("x-own", "kept".parse().unwrap());
            complete(&mut headers, "id-1");
            assert_eq!(headers["x-own"], "kept");
            Status::from_header_map(&headers).unwrap()
        };
        for code in 1..=16 {
            let status = completed(&Status::new(Code::from(code), "words: größer"));
            assert_eq!(status.code(), Code::from(code));
            let defect = matches!(status.code(), Code::DataLoss | Code::Internal | Code::Unknown);
            assert_eq!(status.message() == "words: größer", !defect, "{status:?}");
            let details = status.get_error_details();
            let reason = &details.error_info().unwrap().reason;
            assert!(
                !reason.is_empty() && reason.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
            );
            assert_eq!(details.request_info().unwrap().request_id, "id-1");
            assert_eq!(details.retry_info().is_some(), status.code() == Code::Unavailable);
        }
        let unknown = completed(&Status::unimplemented(""));
        assert_eq!(unknown.get_error_details().error_info().unwrap().reason, "UNKNOWN_METHOD");
        let ours = Refusal::Deadline.status("id-2");
        assert_eq!(completed(&ours).details(), ours.details());
        let mut fine = HeaderMap::new();
        fine.insert("grpc-status", "0".parse().unwrap());
        complete(&mut fine, "id-1");
        assert_eq!(fine.len(), 1);
    }
}
