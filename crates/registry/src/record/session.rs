//! How sessions of people are kept.

use serde::{Deserialize, Serialize};
use turnpike_domain::session::{
    DirectoryEntry, EndReason, Groups, Session, SessionEnd, SessionId, SignIn,
};
use turnpike_domain::team::{AppRole, DirectoryGroup};
use turnpike_domain::{Error, Problem, Timestamp};

use super::{PrincipalRecord, Versioned, damaged, decode, encode, kept};
use crate::keys;
use crate::store::{IndexKey, Item};

#[derive(Serialize, Deserialize)]
struct Record {
    session_id: String,
    person: PrincipalRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<DirectoryRecord>,
    create_time: i64,
    expire_time: i64,
    seen_time: i64,
    idle_seconds: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<(i64, String)>,
}

#[derive(Serialize, Deserialize)]
struct DirectoryRecord {
    issuer: String,
    subject: String,
    /// `None` if the directory did not say.
    groups: Option<Vec<String>>,
    app_roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_hint: Option<String>,
    read_time: i64,
    claimed_until: i64,
}

/// The item that keeps this session as its next revision.
pub(crate) fn to_item(session: &Versioned<Session>) -> Result<Item, Error> {
    let Session {
        session_id,
        person,
        sign_in,
        create_time,
        expire_time,
        seen_time,
        idle_seconds,
        end,
    } = &session.value;
    let record = Record {
        session_id: session_id.to_string(),
        person: PrincipalRecord::of(person),
        directory: match sign_in {
            SignIn::Directory(entry) => Some(DirectoryRecord::of(entry)),
            SignIn::Link => None,
        },
        create_time: create_time.millis(),
        expire_time: expire_time.millis(),
        seen_time: seen_time.millis(),
        idle_seconds: *idle_seconds,
        end: end.map(|end| (end.time.millis(), end.reason.as_str().to_owned())),
    };
    let key = keys::session(session_id);
    let place = keys::session_place(&person.id, *create_time, session_id);
    Ok(Item {
        index1: Some(keys::expiring(*expire_time, &key)),
        index2: Some(IndexKey::new(keys::SESSIONS, place)),
        key,
        version: session.version + 1,
        body: encode(&record)?,
    })
}

/// The session that an item keeps.
pub(crate) fn from_item(item: &Item) -> Result<Versioned<Session>, Error> {
    let record: Record = decode(&item.body)?;
    let end = |(time, reason): (i64, String)| {
        let reason =
            EndReason::from_name(&reason).ok_or_else(|| damaged("kept end of a session"))?;
        Ok::<_, Error>(SessionEnd { time: Timestamp::from_millis(time), reason })
    };
    let sign_in = match record.directory {
        Some(directory) => SignIn::Directory(Box::new(directory.into_entry()?)),
        None => SignIn::Link,
    };
    let value = Session {
        session_id: kept("session_id", SessionId::parse(&record.session_id))?,
        person: record.person.into_principal()?,
        sign_in,
        create_time: Timestamp::from_millis(record.create_time),
        expire_time: Timestamp::from_millis(record.expire_time),
        seen_time: Timestamp::from_millis(record.seen_time),
        idle_seconds: record.idle_seconds,
        end: record.end.map(end).transpose()?,
    };
    Ok(Versioned { value, version: item.version })
}

impl DirectoryRecord {
    fn of(entry: &DirectoryEntry) -> Self {
        let DirectoryEntry {
            issuer,
            subject,
            groups,
            app_roles,
            login_id,
            login_hint,
            read_time,
            claimed_until,
        } = entry;
        Self {
            issuer: issuer.clone(),
            subject: subject.clone(),
            groups: match groups {
                Groups::Known(groups) => Some(groups.iter().map(ToString::to_string).collect()),
                Groups::Unknown => None,
            },
            app_roles: app_roles.iter().map(ToString::to_string).collect(),
            login_id: login_id.clone(),
            login_hint: login_hint.clone(),
            read_time: read_time.millis(),
            claimed_until: claimed_until.millis(),
        }
    }

    fn into_entry(self) -> Result<DirectoryEntry, Error> {
        let groups = match &self.groups {
            Some(groups) => Groups::Known(all("group", groups, DirectoryGroup::parse)?),
            None => Groups::Unknown,
        };
        Ok(DirectoryEntry {
            groups,
            app_roles: all("app_role", &self.app_roles, AppRole::parse)?,
            issuer: self.issuer,
            subject: self.subject,
            login_id: self.login_id,
            login_hint: self.login_hint,
            read_time: Timestamp::from_millis(self.read_time),
            claimed_until: Timestamp::from_millis(self.claimed_until),
        })
    }
}

fn all<T>(
    field: &'static str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Result<Vec<T>, Error> {
    texts.iter().map(|text| kept(field, parse(text))).collect()
}
