//! Registry and pool, between wire and domain.

use turnpike_domain::id::{ClientId, TeamId};
use turnpike_domain::{Error, Identifier, Problem, Timestamp, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{DriftKind, FieldDrift, Finding, Pending, Subject, WalkState};

use super::{optional, page_size, to_time};

const SUBJECT: &str = "`clients/` and a client_id, or `resource-servers/` and an identifier";

/// What is to be adopted.
#[derive(Clone, Debug)]
pub struct Adoption {
    /// Which object.
    pub subject: Subject,
    /// For whom, if the registry does not have it.
    pub team: Option<TeamId>,
    /// Change nothing.
    pub validate_only: bool,
}

/// What is to be adopted.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that breaks a rule.
pub fn parse_adopt(message: &pb::AdoptRequest) -> Result<Adoption, Error> {
    let mut wrong = Violations::new();
    let subject = wrong.take("subject", parse_subject(&message.subject));
    let team = wrong.take("team", optional(&message.team, TeamId::parse));
    let adoption = subject.zip(team).map(|(subject, team)| Adoption {
        subject,
        team,
        validate_only: message.validate_only,
    });
    wrong.finish(adoption)
}

/// What the pool is to be told again.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that breaks a rule.
pub fn parse_revert(message: &pb::RevertRequest) -> Result<Subject, Error> {
    parse_subject(&message.subject).map_err(|problem| Error::invalid("subject", problem))
}

/// The kind and the size of a page of drift.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that breaks a rule.
pub fn parse_drift_list(
    message: &pb::ListDriftRequest,
) -> Result<(Option<DriftKind>, usize), Error> {
    let mut wrong = Violations::new();
    let kind = wrong.take("kind", parse_kind(message.kind));
    let size = wrong.take("page_size", page_size(message.page_size));
    wrong.finish(kind.zip(size))
}

/// The size of a page of what is pending.
///
/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_pending_list(message: &pb::ListPendingRequest) -> Result<usize, Error> {
    page_size(message.page_size).map_err(|problem| Error::invalid("page_size", problem))
}

fn parse_kind(kind: i32) -> Result<Option<DriftKind>, Problem> {
    match pb::DriftKind::try_from(kind) {
        Ok(pb::DriftKind::Unspecified) => Ok(None),
        Ok(pb::DriftKind::Different) => Ok(Some(DriftKind::Different)),
        Ok(pb::DriftKind::Missing) => Ok(Some(DriftKind::Missing)),
        Ok(pb::DriftKind::Unmanaged) => Ok(Some(DriftKind::Unmanaged)),
        Err(_) => Err(Problem::OutOfRange("one of the kinds of drift")),
    }
}

fn parse_subject(text: &str) -> Result<Subject, Problem> {
    match text.split_once('/') {
        _ if text.is_empty() => Err(Problem::Required),
        Some(("clients", id)) => ClientId::parse(id).map(Subject::Client),
        Some(("resource-servers", id)) => Identifier::parse(id).map(Subject::ResourceServer),
        _ => Err(Problem::Malformed(SUBJECT)),
    }
}

/// A finding, on the wire.
pub fn to_drift(finding: &Finding) -> pb::Drift {
    let kind = match finding.kind {
        DriftKind::Different => pb::DriftKind::Different,
        DriftKind::Missing => pb::DriftKind::Missing,
        DriftKind::Unmanaged => pb::DriftKind::Unmanaged,
    };
    pb::Drift {
        subject: finding.subject.to_string(),
        kind: kind.into(),
        name: finding.name.clone(),
        fields: to_fields(&finding.fields),
        first_seen_time: Some(to_time(finding.first_seen)),
        last_seen_time: Some(to_time(finding.last_seen)),
    }
}

/// What differs, on the wire.
pub fn to_fields(fields: &[FieldDrift]) -> Vec<pb::DriftField> {
    let field = |drift: &FieldDrift| pb::DriftField {
        field: drift.field.clone(),
        ours: drift.ours.clone(),
        theirs: drift.theirs.clone(),
    };
    fields.iter().map(field).collect()
}

/// What is pending, on the wire.
pub fn to_pending(pending: &Pending) -> pb::Pending {
    pb::Pending {
        subject: pending.subject.to_string(),
        since_time: Some(to_time(pending.since)),
        failures: i32::try_from(pending.failures).unwrap_or(i32::MAX),
        error: pending.error.clone(),
    }
}

/// A page of drift, on the wire.
pub fn to_drift_page(
    findings: &[Finding],
    next_page_token: String,
    has_pool: bool,
    walk: &WalkState,
    now: Timestamp,
) -> pb::ListDriftResponse {
    let time = |millis: i64| (millis > 0).then(|| to_time(Timestamp::from_millis(millis)));
    pb::ListDriftResponse {
        drifts: findings.iter().map(to_drift).collect(),
        next_page_token,
        has_pool,
        walk_start_time: time(walk.finished_start),
        walk_end_time: time(walk.finished_end),
        walk_looked_at: i64::try_from(walk.looked_at).unwrap_or(i64::MAX),
        walking: walk.runs(now),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_name_what_they_are() {
        assert!(matches!(parse_subject("clients/c1"), Ok(Subject::Client(_))));
        let server = parse_subject("resource-servers/https://api/v1");
        assert!(matches!(server, Ok(Subject::ResourceServer(_))));
        for wrong in ["", "clients/", "client/c1", "resource-servers/", "c1", "clients/ä"] {
            assert!(parse_subject(wrong).is_err(), "{wrong}");
        }
    }
}
