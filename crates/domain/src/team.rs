//! A team: the people who own resource servers and clients together, and how the directory names them.

use std::fmt;

use crate::error::Problem;
use crate::event::{Fields, Value};
use crate::id::TeamId;
use crate::text::{TeamContact, TeamName, at_most, label, required, text_type};
use crate::time::Timestamp;

/// After how many days without a member who signed in a team counts as left by everyone.
pub const ORPHAN_AFTER_DAYS: i64 = 90;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its key.
    pub team: TeamId,
    /// What people call it.
    pub display_name: TeamName,
    /// Where to reach it.
    pub contact: TeamContact,
    /// The groups of the directory whose members are its members.
    pub directory_groups: DirectoryGroups,
    /// The app roles that make members of whoever has one.
    pub app_roles: AppRoles,
    /// When it was made.
    pub create_time: Timestamp,
    /// When it last changed.
    pub update_time: Timestamp,
}

/// Whether anyone is left in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TeamState {
    /// A member signed in within [`ORPHAN_AFTER_DAYS`], or the team is younger than that.
    Active,
    /// Nobody did: what it owns has no one who looks after it.
    Orphan,
}

text_type! {
    /// Key of a group in the directory: 1 to 256 characters. Of Entra ID the object id, never a name; one that has
    /// the form of a GUID is the same in upper and lower case.
    DirectoryGroup
}

text_type! {
    /// Value of an app role: 1 to 256 visible ASCII characters without a space.
    AppRole
}

/// The groups of one team: at most 50, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryGroups(Vec<DirectoryGroup>);

/// The app roles of one team: at most 50, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppRoles(Vec<AppRole>);

impl Team {
    /// Its key as `kind/key`.
    pub fn subject(&self) -> String {
        format!("teams/{}", self.team)
    }

    /// What the log compares.
    pub fn fields(&self) -> Fields {
        let groups = self.directory_groups.0.iter().map(ToString::to_string).collect();
        let roles = self.app_roles.0.iter().map(ToString::to_string).collect();
        vec![
            ("display_name", self.display_name.as_str().into()),
            ("contact", self.contact.as_str().into()),
            ("directory_groups", Value::List(groups)),
            ("app_roles", Value::List(roles)),
        ]
    }

    /// Whether anyone is left in it at a moment, given when a member last signed in.
    pub fn state_at(&self, last_member: Option<Timestamp>, now: Timestamp) -> TeamState {
        let alive = last_member.unwrap_or(self.create_time).max(self.create_time);
        if now < alive.plus_seconds(ORPHAN_AFTER_DAYS * 24 * 60 * 60) {
            TeamState::Active
        } else {
            TeamState::Orphan
        }
    }
}

impl DirectoryGroup {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        let text = label(text, 256)?;
        Ok(Self(if is_guid(&text) { text.to_ascii_lowercase() } else { text }))
    }
}

impl AppRole {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, 256)?;
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Problem::Characters("visible ASCII characters without a space"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Declares the constructor and the view of a list in which each entry stands once.
macro_rules! unique_list {
    ($list:ident, $entry:ident) => {
        impl $list {
            /// How many there may be.
            pub const MAX: usize = 50;

            /// # Errors
            ///
            /// Each entry that is there twice, by its place; the place is `None` if it is their number.
            pub fn new(entries: Vec<$entry>) -> Result<Self, Vec<(Option<usize>, Problem)>> {
                if entries.len() > Self::MAX {
                    return Err(vec![(None, Problem::TooLong { max: Self::MAX, unit: "entries" })]);
                }
                let twice = |at: &usize| entries[..*at].contains(&entries[*at]);
                let twice: Vec<_> = (0..entries.len()).filter(twice).collect();
                if twice.is_empty() {
                    return Ok(Self(entries));
                }
                Err(twice.into_iter().map(|at| (Some(at), Problem::Duplicate)).collect())
            }

            /// In the order they were given.
            pub fn list(&self) -> &[$entry] {
                &self.0
            }
        }
    };
}

unique_list!(DirectoryGroups, DirectoryGroup);
unique_list!(AppRoles, AppRole);

/// `8-4-4-4-12` hexadecimal digits (RFC 9562 section 4).
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn team(created: i64) -> Team {
        let created = Timestamp::from_seconds(created);
        Team {
            team: TeamId::parse("orders").unwrap(),
            display_name: TeamName::parse("Orders").unwrap(),
            contact: TeamContact::parse("").unwrap(),
            directory_groups: DirectoryGroups::default(),
            app_roles: AppRoles::default(),
            create_time: created,
            update_time: created,
        }
    }

    #[test]
    fn a_group_is_the_same_in_upper_and_lower_case_if_it_is_a_guid() {
        let lower = DirectoryGroup::parse("0f3e5a0c-1b2d-4c6f-8a9b-abcdefabcdef").unwrap();
        let upper = DirectoryGroup::parse("0F3E5A0C-1B2D-4C6F-8A9B-ABCDEFABCDEF").unwrap();
        assert_eq!(lower, upper);
        let name = DirectoryGroup::parse("/Orders Team").unwrap();
        assert_ne!(name, DirectoryGroup::parse("/orders team").unwrap());
        for bad in ["", " a", "a\nb", "a\u{202E}b", &"x".repeat(257)] {
            assert!(DirectoryGroup::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_role_has_no_space() {
        assert!(AppRole::parse("Team.Orders").is_ok());
        for bad in ["", "a b", "a\u{e9}", &"x".repeat(257)] {
            assert!(AppRole::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_entry_stands_once_and_fifty_is_the_end() {
        let role = |text: String| AppRole::parse(&text).unwrap();
        let roles = ["a", "b", "a"].map(|text| role(text.to_owned()));
        assert_eq!(AppRoles::new(roles.to_vec()), Err(vec![(Some(2), Problem::Duplicate)]));
        let many = |n: usize| (0..n).map(|n| role(format!("r{n}"))).collect::<Vec<_>>();
        assert_eq!(AppRoles::new(many(50)).unwrap().list().len(), 50);
        assert!(AppRoles::new(many(51)).is_err());
    }

    #[test]
    fn a_team_is_an_orphan_when_no_member_signed_in_for_ninety_days() {
        let days = |n: i64| Timestamp::from_seconds(1_000 + n * 86_400);
        let team = team(1_000);
        assert_eq!(team.state_at(None, days(89)), TeamState::Active, "young");
        assert_eq!(team.state_at(None, days(90)), TeamState::Orphan);
        assert_eq!(team.state_at(Some(days(50)), days(139)), TeamState::Active);
        assert_eq!(team.state_at(Some(days(50)), days(140)), TeamState::Orphan);
        let before = Some(Timestamp::from_seconds(0));
        assert_eq!(team.state_at(before, days(89)), TeamState::Active, "a team of before");
    }
}
