//! How teams are kept.

use serde::{Deserialize, Serialize};
use turnpike_domain::id::TeamId;
use turnpike_domain::team::{AppRole, AppRoles, DirectoryGroup, DirectoryGroups};
use turnpike_domain::text::{TeamContact, TeamName};
use turnpike_domain::{Error, Problem, Team, Timestamp};

use super::{Versioned, damaged, decode, encode, kept};
use crate::keys;
use crate::store::{IndexKey, Item};

#[derive(Serialize, Deserialize)]
struct Record {
    team: String,
    display_name: String,
    contact: String,
    directory_groups: Vec<String>,
    app_roles: Vec<String>,
    create_time: i64,
    update_time: i64,
}

/// The item that keeps this team as its next revision. As with resource servers, the first revision is the moment
/// of creation: what was decided on a team of before does not hold for one that was named like it.
pub(crate) fn to_item(team: &Versioned<Team>) -> Result<Item, Error> {
    let Team {
        team: id,
        display_name,
        contact,
        directory_groups,
        app_roles,
        create_time,
        update_time,
    } = &team.value;
    let record = Record {
        team: id.to_string(),
        display_name: display_name.to_string(),
        contact: contact.to_string(),
        directory_groups: directory_groups.list().iter().map(ToString::to_string).collect(),
        app_roles: app_roles.list().iter().map(ToString::to_string).collect(),
        create_time: create_time.millis(),
        update_time: update_time.millis(),
    };
    Ok(Item {
        key: keys::team(id),
        index1: None,
        index2: Some(IndexKey::new(keys::TEAMS, keys::team_place(display_name.as_str(), id))),
        version: match team.version {
            0 => u64::try_from(create_time.millis()).unwrap_or(0).max(1),
            version => version + 1,
        },
        body: encode(&record)?,
    })
}

/// The team that an item keeps.
pub(crate) fn from_item(item: &Item) -> Result<Versioned<Team>, Error> {
    let record: Record = decode(&item.body)?;
    let groups = all("directory_groups", &record.directory_groups, DirectoryGroup::parse)?;
    let roles = all("app_roles", &record.app_roles, AppRole::parse)?;
    let list = |problems| damaged(format!("kept list: {problems:?}"));
    let value = Team {
        team: kept("team", TeamId::parse(&record.team))?,
        display_name: kept("display_name", TeamName::parse(&record.display_name))?,
        contact: kept("contact", TeamContact::parse(&record.contact))?,
        directory_groups: DirectoryGroups::new(groups).map_err(list)?,
        app_roles: AppRoles::new(roles).map_err(list)?,
        create_time: Timestamp::from_millis(record.create_time),
        update_time: Timestamp::from_millis(record.update_time),
    };
    Ok(Versioned { value, version: item.version })
}

fn all<T>(
    field: &'static str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Result<Vec<T>, Error> {
    texts.iter().map(|text| kept(field, parse(text))).collect()
}
