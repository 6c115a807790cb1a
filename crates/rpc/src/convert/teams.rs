//! Teams, between wire and domain.

use turnpike_domain::event;
use turnpike_domain::id::TeamId;
use turnpike_domain::team::{AppRole, AppRoles, DirectoryGroup, DirectoryGroups, TeamState};
use turnpike_domain::text::{TeamContact, TeamName};
use turnpike_domain::{Error, Problem, Team, Timestamp, Violations};
use turnpike_proto::v1 as pb;
use turnpike_registry::{Once, TeamFilter, Versioned};

use super::mask::{self, Fields};
use super::{Paging, etag, parse_etag, to_time};
use crate::once::{Named, sorted};

/// A team to make.
#[derive(Clone, Debug)]
pub struct NewTeam {
    /// Its key.
    pub team: TeamId,
    /// What people call it.
    pub display_name: TeamName,
    /// Where to reach it.
    pub contact: TeamContact,
    /// The groups whose members are its members.
    pub directory_groups: DirectoryGroups,
    /// The app roles that make members.
    pub app_roles: AppRoles,
    /// The request, if it is to be answered once.
    pub once: Option<Once>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A change of a team; `None` is what stays as it is.
#[derive(Clone, Debug)]
pub struct TeamUpdate {
    /// Which one.
    pub team: TeamId,
    /// The revision it was decided on.
    pub version: u64,
    /// What people call it.
    pub display_name: Option<TeamName>,
    /// Where to reach it.
    pub contact: Option<TeamContact>,
    /// The groups whose members are its members.
    pub directory_groups: Option<DirectoryGroups>,
    /// The app roles that make members.
    pub app_roles: Option<AppRoles>,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A team to delete.
#[derive(Clone, Debug)]
pub struct TeamDeletion {
    /// Which one.
    pub team: TeamId,
    /// The revision it was decided on.
    pub version: u64,
    /// Whether the caller only asks.
    pub validate_only: bool,
}

/// A page of teams.
#[derive(Clone, Debug)]
pub struct TeamList {
    /// How many at most.
    pub page_size: usize,
    /// Which.
    pub filter: TeamFilter,
}

/// What a caller is shown of a team beside what is kept of it.
#[derive(Clone, Copy, Debug)]
pub struct TeamView {
    /// Whether the caller is a member.
    pub member: bool,
    /// Whether the caller may see which groups and app roles make the members.
    pub mapping: bool,
    /// When a member last signed in.
    pub last_member: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

impl NewTeam {
    /// What is asked for.
    fn fields(&self) -> event::Fields {
        let Self {
            team,
            display_name,
            contact,
            directory_groups,
            app_roles,
            once: _,
            validate_only: _,
        } = self;
        vec![
            ("team", team.as_str().into()),
            ("display_name", display_name.as_str().into()),
            ("contact", contact.as_str().into()),
            ("directory_groups", sorted(directory_groups.list().iter().map(ToString::to_string))),
            ("app_roles", sorted(app_roles.list().iter().map(ToString::to_string))),
        ]
    }
}

/// `once` is what [`crate::Op::once`] made of its request id.
///
/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_create(
    message: &pb::CreateTeamRequest,
    once: Result<Option<Named>, Problem>,
) -> Result<NewTeam, Error> {
    let mut v = Violations::new();
    let once = v.take("request_id", once);
    let Some(given) = &message.team else {
        v.add("team", Problem::Required);
        return v.finish(None);
    };
    let team = v.take("team.team", TeamId::parse(&given.team));
    let display_name = v.take("team.display_name", TeamName::parse(&given.display_name));
    let contact = v.take("team.contact", TeamContact::parse(&given.contact));
    let directory_groups = parse_groups(&mut v, &given.directory_groups);
    let app_roles = parse_roles(&mut v, &given.app_roles);
    let built = || {
        Some(NewTeam {
            team: team?,
            display_name: display_name?,
            contact: contact?,
            directory_groups: directory_groups?,
            app_roles: app_roles?,
            once: None,
            validate_only: message.validate_only,
        })
    };
    let mut new = v.finish(built())?;
    new.once = once.flatten().map(|once| once.asking(&new.fields()));
    Ok(new)
}

/// The team that a request names.
///
/// # Errors
///
/// [`Error::Invalid`].
pub fn parse_get(message: &pb::GetTeamRequest) -> Result<TeamId, Error> {
    let mut v = Violations::new();
    let team = v.take("team", TeamId::parse(&message.team));
    v.finish(team)
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_list(message: &pb::ListTeamsRequest) -> Result<TeamList, Error> {
    let mut v = Violations::new();
    let Paging { page_size, text } = Paging::take(&mut v, message.page_size, &message.text);
    let state = v.take("state", parse_state(message.state));
    let built = || {
        Some(TeamList { page_size: page_size?, filter: TeamFilter { text: text?, state: state? } })
    };
    v.finish(built())
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_update(message: &pb::UpdateTeamRequest) -> Result<TeamUpdate, Error> {
    let mut v = Violations::new();
    let Some(given) = &message.team else {
        v.add("team", Problem::Required);
        return v.finish(None);
    };
    let team = v.take("team.team", TeamId::parse(&given.team));
    let version = v.take("team.etag", parse_etag(&given.etag));
    let changes = named(&mut v, message.update_mask.as_ref(), given);
    let has = |field: &str| changes.contains(&field);

    let mut display_name = None;
    if has("display_name") {
        display_name = v.take("team.display_name", TeamName::parse(&given.display_name));
    }
    let mut contact = None;
    if has("contact") {
        contact = v.take("team.contact", TeamContact::parse(&given.contact));
    }
    let mut directory_groups = None;
    if has("directory_groups") {
        directory_groups = parse_groups(&mut v, &given.directory_groups);
    }
    let mut app_roles = None;
    if has("app_roles") {
        app_roles = parse_roles(&mut v, &given.app_roles);
    }
    let built = || {
        Some(TeamUpdate {
            team: team?,
            version: version?,
            display_name,
            contact,
            directory_groups,
            app_roles,
            validate_only: message.validate_only,
        })
    };
    v.finish(built())
}

/// # Errors
///
/// [`Error::Invalid`] with every field that is wrong.
pub fn parse_delete(message: &pb::DeleteTeamRequest) -> Result<TeamDeletion, Error> {
    let mut v = Violations::new();
    let team = v.take("team", TeamId::parse(&message.team));
    let version = v.take("etag", parse_etag(&message.etag));
    let validate_only = message.validate_only;
    v.finish(team.zip(version).map(|(team, version)| TeamDeletion { team, version, validate_only }))
}

/// A team on the wire, as far as the caller may see it.
pub fn to_team(team: &Versioned<Team>, view: &TeamView) -> pb::Team {
    let Team {
        team: id,
        display_name,
        contact,
        directory_groups,
        app_roles,
        create_time,
        update_time,
    } = &team.value;
    let TeamView { member, mapping, last_member, now } = *view;
    let state = match team.value.state_at(last_member, now) {
        TeamState::Active => pb::TeamState::Active,
        TeamState::Orphan => pb::TeamState::Orphan,
    };
    let groups = directory_groups.list().iter().map(ToString::to_string);
    let roles = app_roles.list().iter().map(ToString::to_string);
    pb::Team {
        team: id.to_string(),
        display_name: display_name.to_string(),
        member,
        contact: contact.to_string(),
        directory_groups: if mapping { groups.collect() } else { Vec::new() },
        app_roles: if mapping { roles.collect() } else { Vec::new() },
        create_time: Some(to_time(*create_time)),
        update_time: Some(to_time(*update_time)),
        etag: etag(team.version),
        last_member_time: last_member.map(to_time),
        state: state.into(),
    }
}

/// The fields that an update names.
fn named(
    violations: &mut Violations,
    mask: Option<&prost_types::FieldMask>,
    given: &pb::Team,
) -> Vec<&'static str> {
    let filled = [
        ("display_name", !given.display_name.is_empty()),
        ("contact", !given.contact.is_empty()),
        ("directory_groups", !given.directory_groups.is_empty()),
        ("app_roles", !given.app_roles.is_empty()),
    ];
    let filled: Vec<_> = filled.iter().filter(|(_, is)| *is).map(|(field, _)| *field).collect();
    let of = Fields {
        changeable: &["display_name", "contact", "directory_groups", "app_roles"],
        fixed: &[
            "team",
            "member",
            "create_time",
            "update_time",
            "etag",
            "last_member_time",
            "state",
        ],
        filled: &filled,
        one_of: "one of `display_name`, `contact`, `directory_groups`, `app_roles`, `*`",
    };
    mask::fields(violations, mask, &of)
}

fn parse_groups(violations: &mut Violations, given: &[String]) -> Option<DirectoryGroups> {
    let list = "team.directory_groups";
    let (places, groups) =
        entries(violations, list, given, DirectoryGroups::MAX, DirectoryGroup::parse)?;
    finish_list(violations, list, &places, DirectoryGroups::new(groups))
}

fn parse_roles(violations: &mut Violations, given: &[String]) -> Option<AppRoles> {
    let list = "team.app_roles";
    let (places, roles) = entries(violations, list, given, AppRoles::MAX, AppRole::parse)?;
    finish_list(violations, list, &places, AppRoles::new(roles))
}

/// The entries of a list that parse, each with its place in it.
fn entries<T>(
    violations: &mut Violations,
    list: &str,
    given: &[String],
    max: usize,
    parse: impl Fn(&str) -> Result<T, Problem>,
) -> Option<(Vec<usize>, Vec<T>)> {
    if given.len() > max {
        violations.add(list, Problem::TooLong { max, unit: "entries" });
        return None;
    }
    let mut right = (Vec::new(), Vec::new());
    for (at, text) in given.iter().enumerate() {
        if let Some(entry) = violations.take(format!("{list}[{at}]"), parse(text)) {
            right.0.push(at);
            right.1.push(entry);
        }
    }
    Some(right)
}

/// Names each entry that stands twice by its place in what was given.
fn finish_list<T>(
    violations: &mut Violations,
    list: &str,
    places: &[usize],
    built: Result<T, Vec<(Option<usize>, Problem)>>,
) -> Option<T> {
    match built {
        Ok(built) => Some(built),
        Err(problems) => {
            for (at, problem) in problems {
                match at.and_then(|at| places.get(at)) {
                    Some(at) => violations.add(format!("{list}[{at}]"), problem),
                    None => violations.add(list, problem),
                }
            }
            None
        }
    }
}

fn parse_state(state: i32) -> Result<Option<TeamState>, Problem> {
    match pb::TeamState::try_from(state) {
        Ok(pb::TeamState::Unspecified) => Ok(None),
        Ok(pb::TeamState::Active) => Ok(Some(TeamState::Active)),
        Ok(pb::TeamState::Orphan) => Ok(Some(TeamState::Orphan)),
        Err(_) => Err(Problem::Malformed("a state that exists")),
    }
}
