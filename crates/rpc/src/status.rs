//! Errors on the wire: the one place that makes a `tonic::Status`.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};
use turnpike_domain::Error;
use turnpike_domain::error::Violation;

/// `ErrorInfo.domain` of every error of ours.
pub const DOMAIN: &str = "turnpike.v1";

/// How many entries a detail has at most: trailers are headers, and proxies cap those at some 8 KB.
const ENTRIES_MAX: usize = 20;
/// The longest text in a detail.
const TEXT_MAX: usize = 200;
/// What a caller waits before it tries again, where nothing better is known.
const RETRY: Duration = Duration::from_millis(500);

/// The status that tells a caller of this error: standard code, public words, `google.rpc` details
/// (AIP-193). The cause stays here.
pub fn of(error: &Error, request_id: &str) -> Status {
    let mut metadata = HashMap::new();
    let mut details = ErrorDetails::new();
    match error {
        Error::AlreadyExists(subject) | Error::NotFound(subject) | Error::Stale(subject) => {
            metadata.insert("kind".to_owned(), subject.kind.to_owned());
            metadata.insert("key".to_owned(), clip(&subject.key));
        }
        Error::Invalid(violations) => {
            let field = |v: &Violation| FieldViolation {
                field: clip(&v.field),
                description: clip(&v.problem.to_string()),
                reason: v.problem.reason().to_owned(),
                ..FieldViolation::default()
            };
            let list: Vec<_> = violations.list().iter().take(ENTRIES_MAX).map(field).collect();
            details.set_bad_request(list);
        }
        Error::Precondition(blockers) => {
            let list: Vec<_> = blockers
                .iter()
                .take(ENTRIES_MAX)
                .map(|b| PreconditionViolation::new(b.kind, clip(&b.subject), clip(&b.description)))
                .collect();
            metadata.insert("total".to_owned(), blockers.len().to_string());
            details.set_precondition_failure(list);
        }
        Error::RateLimited { retry_after_ms } => {
            details.set_retry_info(Some(Duration::from_millis(*retry_after_ms)));
        }
        Error::Unavailable(_) => {
            details.set_retry_info(Some(RETRY));
        }
        Error::Denied(_) | Error::Internal(_) | Error::Unauthenticated(_) => {}
    }
    details.set_error_info(error.code().as_str(), DOMAIN, metadata);
    details.set_request_info(request_id, "");
    Status::with_error_details(code(error), clip_to(&error.to_string(), 500), details)
}

/// The gRPC code of an error (AIP-193).
pub const fn code(error: &Error) -> Code {
    match error {
        Error::AlreadyExists(_) => Code::AlreadyExists,
        Error::Denied(_) => Code::PermissionDenied,
        Error::Internal(_) => Code::Internal,
        Error::Invalid(_) => Code::InvalidArgument,
        Error::NotFound(_) => Code::NotFound,
        Error::Precondition(_) => Code::FailedPrecondition,
        Error::RateLimited { .. } => Code::ResourceExhausted,
        Error::Stale(_) => Code::Aborted,
        Error::Unauthenticated(_) => Code::Unauthenticated,
        Error::Unavailable(_) => Code::Unavailable,
    }
}

/// The whole chain of causes, for the log and for nobody else.
pub fn causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// A code as logs and metrics name it (OpenTelemetry `rpc.status_code`).
pub const fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

fn clip(text: &str) -> String {
    clip_to(text, TEXT_MAX)
}

fn clip_to(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

#[cfg(test)]
mod tests {
    use turnpike_domain::error::{ErrorCode, Subject};
    use turnpike_domain::{Problem, Violations};

    use super::*;

    #[test]
    fn a_cause_never_leaves() {
        let error = Error::internal("password is hunter2");
        let status = of(&error, "r1");
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("hunter2"));
        assert!(causes(&error).contains("hunter2"));
    }

    #[test]
    fn details_carry_what_the_message_says() {
        let mut violations = Violations::new();
        violations.add("client.display_name", Problem::Required);
        violations.add("client.scopes[2]", Problem::NotFound);
        let details = of(&Error::Invalid(violations), "r1").get_error_details();
        let fields = &details.bad_request().unwrap().field_violations;
        assert_eq!(fields[1].field, "client.scopes[2]");
        assert_eq!(fields[1].reason, "NOT_FOUND");
        assert_eq!(details.error_info().unwrap().reason, "INVALID_FIELDS");

        let stale = of(&Error::Stale(Subject::new("clients", "c1")), "r1").get_error_details();
        assert_eq!(stale.error_info().unwrap().metadata["key"], "c1");

        let busy = of(&Error::RateLimited { retry_after_ms: 70 }, "r1").get_error_details();
        let delay = busy.retry_info().unwrap().retry_delay.unwrap();
        assert_eq!(delay, Duration::from_millis(70));
    }

    #[test]
    fn trailers_stay_small_whatever_is_wrong() {
        let mut violations = Violations::new();
        for _ in 0..500 {
            violations.add("x".repeat(5000), Problem::Duplicate);
        }
        let status = of(&Error::Invalid(violations), "r1");
        assert!(status.details().len() + status.message().len() < 8000);
    }

    #[test]
    fn every_code_has_a_page() {
        let pages = include_str!("../../../docs/errors.md");
        for code in ErrorCode::ALL {
            assert!(pages.contains(&format!("## {}\n", code.as_str())), "{}", code.as_str());
        }
    }
}
