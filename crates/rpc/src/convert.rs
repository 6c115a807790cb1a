//! Proto to domain and back. A message becomes a domain value or a refusal that names every field that is
//! wrong; nothing here reads the registry or decides who may do what.

pub mod audit;
pub mod clients;
pub mod grants;
pub mod introspection;
mod mask;
pub mod reconcile;
pub mod resource_servers;
pub mod sessions;
pub mod teams;

use std::collections::HashMap;

use turnpike_domain::client::Client;
use turnpike_domain::id::{SecretId, TeamId};
use turnpike_domain::impact::{Effect, EffectKind, Impact};
use turnpike_domain::secret::{SecretEntry, SecretValue, Secrets};
use turnpike_domain::text::parse_search;
use turnpike_domain::{Principal, PrincipalKind, Problem, Timestamp, Violations};
use turnpike_proto::v1 as pb;

/// Items on a page if the caller does not say.
const PAGE_DEFAULT: usize = 50;
/// Items on a page at most.
const PAGE_MAX: i32 = 200;
/// Effects in an impact at most.
const EFFECTS_MAX: usize = 100;

/// When the secrets of one owner were last used.
pub type SecretUses = HashMap<SecretId, Timestamp>;

/// A secret that was made: what is known of it, and its value the one time it is.
#[derive(Debug)]
pub struct MadeSecret {
    /// What is known of it; `None` if it was not made yet.
    pub entry: Option<SecretEntry>,
    /// The value; `None` in the answer to a repeat.
    pub value: Option<SecretValue>,
}

/// The etag of a revision (RFC 9110 section 8.8.3); empty for what is not kept.
pub fn etag(version: u64) -> String {
    if version == 0 { String::new() } else { format!("\"{version}\"") }
}

/// The revision that an etag names.
///
/// # Errors
///
/// [`Problem::Required`], or [`Problem::Malformed`] for what [`etag`] never gives.
pub fn parse_etag(text: &str) -> Result<u64, Problem> {
    if text.is_empty() {
        return Err(Problem::Required);
    }
    let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    digits
        .and_then(|digits| digits.parse().ok())
        .filter(|version| *version > 0 && etag(*version) == text)
        .ok_or(Problem::Malformed("an etag as it was answered, with its quotes"))
}

/// How many items a page shall hold.
///
/// # Errors
///
/// [`Problem::OutOfRange`] for a negative number.
pub fn page_size(size: i32) -> Result<usize, Problem> {
    match usize::try_from(size.min(PAGE_MAX)) {
        Ok(0) => Ok(PAGE_DEFAULT),
        Ok(size) => Ok(size),
        Err(_) => Err(Problem::OutOfRange("0 or more")),
    }
}

/// A team to filter by; `None` for the empty text.
///
/// # Errors
///
/// The rule it breaks.
pub fn team_filter(text: &str) -> Result<Option<TeamId>, Problem> {
    optional(text, TeamId::parse)
}

/// A moment; `None` if absent.
///
/// # Errors
///
/// [`Problem::OutOfRange`] outside the years 1970 to 9999, [`Problem::Malformed`] for what is no timestamp or is
/// finer than a millisecond.
pub fn parse_time(time: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>, Problem> {
    let Some(time) = time else { return Ok(None) };
    let range = 0..=Timestamp::MAX.seconds();
    if !range.contains(&time.seconds) {
        return Err(Problem::OutOfRange("in the years 1970 to 9999"));
    }
    if !(0..1_000_000_000).contains(&time.nanos) || time.nanos % 1_000_000 != 0 {
        return Err(Problem::Malformed("a time in whole milliseconds"));
    }
    let millis = i64::from(time.nanos / 1_000_000);
    Ok(Some(Timestamp::from_seconds(time.seconds).plus_millis(millis)))
}

/// A moment on the wire.
pub fn to_time(time: Timestamp) -> prost_types::Timestamp {
    let nanos = (time.millis() % 1000) * 1_000_000;
    prost_types::Timestamp { seconds: time.seconds(), nanos: i32::try_from(nanos).unwrap_or(0) }
}

/// Someone who did something, on the wire.
pub fn to_principal(principal: &Principal) -> pb::Principal {
    let kind = match principal.kind {
        PrincipalKind::Client => pb::PrincipalKind::Client,
        PrincipalKind::ResourceServer => pb::PrincipalKind::ResourceServer,
        PrincipalKind::Staff => pb::PrincipalKind::Staff,
        PrincipalKind::System => pb::PrincipalKind::System,
    };
    pb::Principal {
        kind: kind.into(),
        id: principal.id.clone(),
        display_name: principal.display_name.clone(),
    }
}

/// What a change does to others, on the wire: the first hundred, and how many there are.
pub fn to_impact(impact: &Impact) -> pb::Impact {
    pb::Impact {
        effects: impact.effects.iter().take(EFFECTS_MAX).map(to_effect).collect(),
        total_effects: i32::try_from(impact.effects.len()).unwrap_or(i32::MAX),
    }
}

/// A secret that was made, on the wire.
pub fn to_new_secret(made: &MadeSecret) -> pb::NewSecret {
    let MadeSecret { entry, value } = made;
    pb::NewSecret {
        secret: entry.as_ref().map(|entry| to_secret(entry, None)),
        value: value.as_ref().map_or("", SecretValue::expose).to_owned(),
    }
}

fn to_secrets(secrets: &Secrets, uses: &SecretUses) -> Vec<pb::Secret> {
    let secret = |entry: &SecretEntry| to_secret(entry, uses.get(&entry.secret_id).copied());
    secrets.list().iter().map(secret).collect()
}

fn to_secret(entry: &SecretEntry, last_use: Option<Timestamp>) -> pb::Secret {
    // To the minute, as the contract says: no finer trace of a client's calls than it needs.
    let minute = |time: Timestamp| Timestamp::from_seconds(time.seconds() / 60 * 60);
    pb::Secret {
        secret_id: entry.secret_id.to_string(),
        create_time: Some(to_time(entry.create_time)),
        last_use_time: last_use.map(minute).map(to_time),
    }
}

fn to_effect(effect: &Effect) -> pb::Effect {
    let kind = match effect.kind {
        EffectKind::ClientStops => pb::EffectKind::ClientStops,
        EffectKind::GrantEnds => pb::EffectKind::GrantEnds,
        EffectKind::GrantRequestEnds => pb::EffectKind::GrantRequestEnds,
        EffectKind::GrantShrinks => pb::EffectKind::GrantShrinks,
        EffectKind::SecretEnds => pb::EffectKind::SecretEnds,
        EffectKind::TokensRefused => pb::EffectKind::TokensRefused,
    };
    let (client_id, client_display_name, client_team) = match &effect.client {
        Some(c) => (c.client_id.to_string(), c.display_name.clone(), c.team.to_string()),
        None => Default::default(),
    };
    pb::Effect {
        kind: kind.into(),
        grant_id: effect.grant_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        client_id,
        client_display_name,
        client_team,
        scopes: effect.scopes.iter().map(ToString::to_string).collect(),
        secret_id: effect.secret_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        description: effect.describe(),
    }
}

/// The page size and the search text that every list has.
struct Paging {
    page_size: Option<usize>,
    text: Option<String>,
}

impl Paging {
    fn take(violations: &mut Violations, size: i32, text: &str) -> Self {
        Self {
            page_size: violations.take("page_size", page_size(size)),
            text: violations.take("text", parse_search(text)),
        }
    }
}

/// `None` for the empty text, else what it parses to.
fn optional<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// What people call a client, if it still exists.
fn display_name(client: Option<&Client>) -> String {
    client.map(|client| client.display_name.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_what_was_answered() {
        assert_eq!(parse_etag(&etag(7)), Ok(7));
        assert_eq!(parse_etag(""), Err(Problem::Required));
        for bad in [
            "7",
            "\"\"",
            "\"0\"",
            "\"07\"",
            "\"+7\"",
            "W/\"7\"",
            "\"7",
            "*",
            "\"99999999999999999999\"",
        ] {
            assert!(matches!(parse_etag(bad), Err(Problem::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn page_sizes() {
        assert_eq!(page_size(0), Ok(50));
        assert_eq!(page_size(1), Ok(1));
        assert_eq!(page_size(200), Ok(200));
        assert_eq!(page_size(i32::MAX), Ok(200));
        assert!(page_size(-1).is_err());
        assert!(page_size(i32::MIN).is_err());
    }

    #[test]
    fn times_are_whole_milliseconds_of_1970_to_9999() {
        let time = |seconds, nanos| parse_time(Some(&prost_types::Timestamp { seconds, nanos }));
        assert_eq!(parse_time(None), Ok(None));
        assert_eq!(time(0, 0), Ok(Some(Timestamp::from_millis(0))));
        assert_eq!(time(1, 999_000_000), Ok(Some(Timestamp::from_millis(1999))));
        assert_eq!(time(253_402_300_799, 999_000_000), Ok(Some(Timestamp::MAX)));
        for (seconds, nanos) in [
            (-1, 0),
            (i64::MIN, 0),
            (i64::MAX, 0),
            (253_402_300_800, 0),
            (1, 1),
            (1, 999_999_999),
            (1, -1_000_000),
            (1, 1_000_000_000),
            (1, i32::MIN),
        ] {
            assert!(time(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
        let there = Timestamp::from_millis(1_234_567_890_123);
        assert_eq!(parse_time(Some(&to_time(there))), Ok(Some(there)));
    }

    #[test]
    fn an_impact_shows_a_hundred_and_counts_all() {
        let effect = || Effect::on_secret(SecretId::parse("sec_0123456789abcdef").unwrap(), None);
        let impact = Impact { effects: (0..130).map(|_| effect()).collect() };
        let shown = to_impact(&impact);
        assert_eq!((shown.effects.len(), shown.total_effects), (100, 130));
        assert_eq!(shown.effects[0].kind(), pb::EffectKind::SecretEnds);
    }
}
