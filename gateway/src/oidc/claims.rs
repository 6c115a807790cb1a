//! Who an ID token speaks of, and what the directory says of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use turnpike_domain::actor::Role;
use turnpike_domain::session::{DirectoryEntry, Groups};
use turnpike_domain::team::{AppRole, DirectoryGroup};
use turnpike_domain::{Principal, PrincipalKind, Timestamp};

use super::id_token::Fault;
use super::settings::{OidcSettings, Profile, RoleRule};
use super::types::IdTokenClaims;

/// More groups than this are not kept: Entra ID itself names at most 200.
const GROUPS_MAX: usize = 500;
/// The same of app roles.
const ROLES_MAX: usize = 200;
/// Where a person's name is shown.
const NAME_MAX: usize = 128;
/// What a directory may call a login, or a person at its own pages.
const OPAQUE_MAX: usize = 512;

/// A person, as the directory knows them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) principal: Principal,
    pub(crate) entry: DirectoryEntry,
}

/// The person of verified claims.
///
/// # Errors
///
/// [`Fault::Identity`] if they do not name one in a form that we can keep.
pub(super) fn person(
    claims: &IdTokenClaims,
    settings: &OidcSettings,
    now: Timestamp,
) -> Result<Person, Fault> {
    let extra = &claims.additional_claims().0;
    let text = |name: &str| extra.get(name).and_then(Value::as_str);
    let (id, subject) = match &settings.profile {
        Profile::Entra { tenant } => {
            let oid = text("oid").filter(|oid| is_key(oid)).ok_or(Fault::Identity)?;
            let oid = oid.to_ascii_lowercase();
            (format!("{tenant}/{oid}"), oid)
        }
        Profile::Generic => {
            let sub = claims.subject().as_str();
            let sub = Some(sub).filter(|sub| is_key(sub)).ok_or(Fault::Identity)?;
            (format!("{}#{sub}", settings.issuer.as_str()), sub.to_owned())
        }
    };
    let name = claims.name().and_then(|name| name.get(None)).map(|name| name.as_str());
    let name = name.or_else(|| claims.preferred_username().map(|name| name.as_str()));
    let display_name = name.and_then(shown).unwrap_or_else(|| subject.clone());
    let entry = DirectoryEntry {
        issuer: settings.issuer.as_str().to_owned(),
        subject,
        groups: groups(extra, &settings.groups_claim),
        app_roles: app_roles(extra, &settings.roles_claim),
        login_id: text("sid").filter(|sid| is_opaque(sid)).map(str::to_owned),
        login_hint: text("login_hint").filter(|hint| is_opaque(hint)).map(str::to_owned),
        read_time: now,
        claimed_until: Timestamp::from_millis(0),
    };
    let principal = Principal { kind: PrincipalKind::Staff, id, display_name };
    Ok(Person { principal, entry })
}

/// The roles beyond teams that a person has. What the directory did not say gives none.
pub(crate) fn roles(entry: &DirectoryEntry, rules: &[RoleRule]) -> BTreeSet<Role> {
    let has = |rule: &&RoleRule| {
        let by_role = entry.app_roles.iter().any(|role| rule.app_roles.contains(role));
        let by_group = match &entry.groups {
            Groups::Known(groups) => groups.iter().any(|group| rule.groups.contains(group)),
            Groups::Unknown => false,
        };
        by_role || by_group
    };
    rules.iter().filter(has).map(|rule| rule.role).collect()
}

/// The groups of a person. Where there are more than the directory puts into a token it leaves all of them out and says
/// so: by `_claim_names` (OpenID Connect Core section 5.6.2), or by `hasgroups`.
fn groups(extra: &Map<String, Value>, claim: &str) -> Groups {
    let elsewhere = extra.get("_claim_names").and_then(|names| names.get(claim)).is_some();
    let hint = extra.get("hasgroups");
    let hinted =
        hint.is_some_and(|has| has.as_bool() == Some(true) || has.as_str() == Some("true"));
    let texts = texts(extra.get(claim));
    if elsewhere || hinted || texts.len() > GROUPS_MAX {
        return Groups::Unknown;
    }
    // What no team can be mapped to need not be kept.
    Groups::Known(texts.into_iter().filter_map(|text| DirectoryGroup::parse(text).ok()).collect())
}

fn app_roles(extra: &Map<String, Value>, claim: &str) -> Vec<AppRole> {
    let texts = texts(extra.get(claim));
    if texts.len() > ROLES_MAX {
        tracing::warn!(oidc.app_roles = texts.len(), "oidc.too_many_app_roles");
    }
    texts.into_iter().take(ROLES_MAX).filter_map(|text| AppRole::parse(text).ok()).collect()
}

/// The texts of a claim that is a list of them, or one.
fn texts(claim: Option<&Value>) -> Vec<&str> {
    match claim {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text],
        _ => Vec::new(),
    }
}

/// A key of a person: at most 255 visible ASCII characters (OpenID Connect Core section 2, `sub`).
fn is_key(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Something of the directory's that is given back to it.
fn is_opaque(text: &str) -> bool {
    (1..=OPAQUE_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// A name as it may be shown; `None` if nothing is left of it.
fn shown(name: &str) -> Option<String> {
    let visible: String = name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect();
    let visible = visible.trim();
    if visible.is_empty() { None } else { Some(visible.to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn extra(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn known(groups: &[&str]) -> Groups {
        Groups::Known(groups.iter().map(|group| DirectoryGroup::parse(group).unwrap()).collect())
    }

    #[test]
    fn what_is_left_out_is_unknown_and_what_is_absent_is_none() {
        let of = |value| groups(&extra(value), "groups");
        assert_eq!(of(json!({})), known(&[]));
        assert_eq!(of(json!({ "groups": [] })), known(&[]));
        assert_eq!(of(json!({ "groups": ["a", "b", 7, ""] })), known(&["a", "b"]));
        assert_eq!(of(json!({ "groups": "a" })), known(&["a"]));
        let sources = json!({ "src1": { "endpoint": "https://graph.windows.net/x" } });
        let overage = json!({ "_claim_names": { "groups": "src1" }, "_claim_sources": sources });
        assert_eq!(of(overage), Groups::Unknown);
        assert_eq!(of(json!({ "hasgroups": true })), Groups::Unknown);
        assert_eq!(of(json!({ "hasgroups": "true" })), Groups::Unknown);
        assert_eq!(of(json!({ "hasgroups": false })), known(&[]));
        // Elsewhere is another claim; a claim of the groups beside it does not make it whole.
        assert_eq!(of(json!({ "_claim_names": { "x": "src1" } })), known(&[]));
        let both = json!({ "groups": ["a"], "_claim_names": { "groups": "src1" } });
        assert_eq!(of(both), Groups::Unknown);
        let many: Vec<String> = (0..501).map(|n| format!("g{n}")).collect();
        assert_eq!(of(json!({ "groups": many })), Groups::Unknown);
        assert_eq!(groups(&extra(json!({ "memberOf": ["a"] })), "memberOf"), known(&["a"]));
    }

    #[test]
    fn roles_come_by_app_role_and_by_group_that_is_known() {
        let entry = |groups: Groups, roles: &[&str]| DirectoryEntry {
            issuer: String::new(),
            subject: String::new(),
            groups,
            app_roles: roles.iter().map(|role| AppRole::parse(role).unwrap()).collect(),
            login_id: None,
            login_hint: None,
            read_time: Timestamp::from_millis(0),
            claimed_until: Timestamp::from_millis(0),
        };
        let rule = |role, app_role: &str, group: &str| RoleRule {
            role,
            app_roles: BTreeSet::from([AppRole::parse(app_role).unwrap()]),
            groups: BTreeSet::from([DirectoryGroup::parse(group).unwrap()]),
        };
        let rules = [
            rule(Role::PlatformAdmin, "Turnpike.Admin", "admins"),
            rule(Role::Auditor, "Turnpike.Auditor", "auditors"),
        ];
        let of = |entry: DirectoryEntry| roles(&entry, &rules).into_iter().collect::<Vec<_>>();
        assert_eq!(of(entry(known(&["x"]), &["y"])), []);
        assert_eq!(of(entry(known(&[]), &["Turnpike.Admin"])), [Role::PlatformAdmin]);
        assert_eq!(of(entry(known(&["auditors"]), &[])), [Role::Auditor]);
        assert_eq!(of(entry(Groups::Unknown, &["Turnpike.Auditor"])), [Role::Auditor]);
        assert_eq!(of(entry(Groups::Unknown, &[])), []);
        assert_eq!(of(entry(known(&["Admins"]), &["turnpike.admin"])), []);
    }

    #[test]
    fn names_are_for_showing() {
        assert_eq!(shown(" Olga\u{7} O\n").as_deref(), Some("Olga O"));
        assert_eq!(shown("\n"), None);
        assert_eq!(shown(&"x".repeat(500)).unwrap().len(), NAME_MAX);
    }
}
