//! What an assertion says.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use turnpike_domain::Timestamp;
use turnpike_domain::actor::{Role, Staff, Teams};
use turnpike_domain::id::TeamId;
use turnpike_domain::ports::Entropy;

use super::verifier::Refusal;
use super::{AUDIENCE, LEEWAY_SECONDS, LIFETIME_SECONDS};

/// The claims. Registered names where RFC 7519 section 4.1 has one.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    aud: String,
    sub: String,
    name: String,
    teams_known: bool,
    teams: Vec<String>,
    roles: Vec<RoleName>,
    /// When the session ends, in milliseconds since the epoch.
    session_exp: i64,
    /// Path of the RPC.
    mth: String,
    iat: i64,
    exp: i64,
    jti: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RoleName {
    Auditor,
    PlatformAdmin,
}

impl Claims {
    pub(super) fn of(staff: &Staff, method: &str, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let Staff { id, display_name, teams, roles, session_expire_time } = staff;
        let mut jti = [0u8; 16];
        entropy.fill(&mut jti);
        let roles = roles.iter().map(|role| match role {
            Role::Auditor => RoleName::Auditor,
            Role::PlatformAdmin => RoleName::PlatformAdmin,
        });
        Self {
            aud: AUDIENCE.to_owned(),
            sub: id.clone(),
            name: display_name.clone(),
            teams_known: teams.are_all(),
            teams: teams.known().iter().map(|t| t.as_str().to_owned()).collect(),
            roles: roles.collect(),
            session_exp: session_expire_time.millis(),
            mth: method.to_owned(),
            iat: now.seconds(),
            exp: now.plus_seconds(LIFETIME_SECONDS).min(*session_expire_time).seconds(),
            jti: URL_SAFE_NO_PAD.encode(jti),
        }
    }

    pub(super) fn check(self, method: &str, now: Timestamp) -> Result<Staff, Refusal> {
        let Self { aud, sub, name, teams_known, teams, roles, session_exp, mth, iat, exp, jti: _ } =
            self;
        if aud != AUDIENCE {
            return Err(Refusal::Audience);
        }
        if mth != method {
            return Err(Refusal::Method);
        }
        let latest_start = now.seconds().saturating_add(LEEWAY_SECONDS);
        if iat > latest_start || iat.saturating_add(LIFETIME_SECONDS) < exp {
            return Err(Refusal::Times);
        }
        let session_expire_time = Timestamp::from_millis(session_exp);
        if now.seconds() >= exp.saturating_add(LEEWAY_SECONDS)
            || now >= session_expire_time.plus_seconds(LEEWAY_SECONDS)
        {
            return Err(Refusal::Expired);
        }
        if sub.is_empty() {
            return Err(Refusal::Malformed);
        }
        let teams: BTreeSet<TeamId> = teams
            .iter()
            .map(|team| TeamId::parse(team).map_err(|_| Refusal::Malformed))
            .collect::<Result<_, _>>()?;
        Ok(Staff {
            id: sub,
            display_name: name,
            teams: if teams_known { Teams::Known(teams) } else { Teams::Unknown(teams) },
            roles: roles
                .into_iter()
                .map(|role| match role {
                    RoleName::Auditor => Role::Auditor,
                    RoleName::PlatformAdmin => Role::PlatformAdmin,
                })
                .collect(),
            session_expire_time,
        })
    }
}
