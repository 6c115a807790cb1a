//! Scopes of one resource server given to one client.

use crate::actor::Principal;
use crate::client::SCOPES_MAX;
use crate::error::{Error, Problem};
use crate::event::{EventAction, Fields, Value};
use crate::id::{ClientId, GrantId, TeamId};
use crate::scope::{Identifier, Scope};
use crate::text::{Description, Reason};
use crate::time::Timestamp;

/// A grant: who asked, why, who decided, when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its key.
    pub grant_id: GrantId,
    /// The client that holds the scopes.
    pub client_id: ClientId,
    /// The team that owns the client.
    pub client_team: TeamId,
    /// The resource server whose scopes they are.
    pub resource_server: Identifier,
    /// The team that owns the resource server, and decides.
    pub resource_server_team: TeamId,
    /// The scopes.
    pub scopes: GrantScopes,
    /// Why the client needs them.
    pub reason: Reason,
    /// When it ends by itself.
    pub expire_time: Option<Timestamp>,
    /// Where it stands.
    pub state: GrantState,
    /// Who asked.
    pub requester: Principal,
    /// When.
    pub request_time: Timestamp,
    /// Who decided, when, and what they said.
    pub decision: Option<Decision>,
    /// When and why it ended.
    pub end: Option<End>,
}

/// Who decided a grant, when, and what they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who.
    pub decider: Principal,
    /// When.
    pub time: Timestamp,
    /// What they said; may be empty.
    pub note: Description,
}

/// When and why a grant ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub time: Timestamp,
    /// Why, in words.
    pub reason: String,
}

/// Where a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// The client holds the scopes.
    Active,
    /// The owner said no.
    Denied,
    /// Ended at its time.
    Expired,
    /// Asked for, not decided.
    Pending,
    /// Ended by someone, or withdrawn.
    Revoked,
}

impl GrantState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Active, Self::Denied, Self::Expired, Self::Pending, Self::Revoked];

    /// As it is kept and said.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Pending => "pending",
            Self::Revoked => "revoked",
        }
    }

    /// From the form in which it is kept.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether it is pending or active.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Active | Self::Pending)
    }
}

/// The scopes of a grant: 1 to 50, each once, all of one resource server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantScopes(Vec<Scope>);

impl GrantScopes {
    /// In byte order, whatever the order they were given in.
    ///
    /// # Errors
    ///
    /// Each scope that breaks a rule, by its place, with the rule; the place is `None` if it is their number.
    pub fn new(
        identifier: &Identifier,
        mut scopes: Vec<Scope>,
    ) -> Result<Self, Vec<(Option<usize>, Problem)>> {
        if scopes.is_empty() {
            return Err(vec![(None, Problem::Required)]);
        }
        if scopes.len() > SCOPES_MAX {
            return Err(vec![(None, Problem::TooLong { max: SCOPES_MAX, unit: "entries" })]);
        }
        let mut problems = Vec::new();
        for (at, scope) in scopes.iter().enumerate() {
            if !scope.is_of(identifier) {
                let problem = Problem::Conflict("must be a scope of the resource server");
                problems.push((Some(at), problem));
            } else if scopes[..at].contains(scope) {
                problems.push((Some(at), Problem::Duplicate));
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        scopes.sort();
        Ok(Self(scopes))
    }

    /// In byte order.
    pub fn list(&self) -> &[Scope] {
        &self.0
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: a grant without scopes ends instead.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that `keep` keeps; `None` if it keeps none.
    pub fn retain(&self, keep: impl Fn(&Scope) -> bool) -> Option<Self> {
        let kept: Vec<Scope> = self.0.iter().filter(|scope| keep(scope)).cloned().collect();
        (!kept.is_empty()).then_some(Self(kept))
    }
}

impl Grant {
    /// Gives the scopes.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `NOT_PENDING`; `EXPIRE_TIME_PASSED` if it would end before it begins.
    pub fn approve(&mut self, decision: Decision) -> Result<(), Error> {
        self.must_be_pending()?;
        if self.expire_time.is_some_and(|end| end <= decision.time) {
            return Err(Error::blocked(
                "EXPIRE_TIME_PASSED",
                self.subject(),
                "the end that was asked for has passed: ask again",
            ));
        }
        self.state = GrantState::Active;
        self.decision = Some(decision);
        Ok(())
    }

    /// Refuses the request.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `NOT_PENDING`.
    pub fn deny(&mut self, decision: Decision) -> Result<(), Error> {
        self.must_be_pending()?;
        self.state = GrantState::Denied;
        self.decision = Some(decision);
        Ok(())
    }

    /// Ends it, or withdraws it.
    ///
    /// # Errors
    ///
    /// [`Error::Precondition`] `ALREADY_ENDED`.
    pub fn revoke(&mut self, time: Timestamp, reason: String) -> Result<(), Error> {
        if !self.state.is_live() {
            return Err(Error::blocked(
                "ALREADY_ENDED",
                self.subject(),
                format!("the grant is {}", self.state.as_str()),
            ));
        }
        self.state = GrantState::Revoked;
        self.end = Some(End { time, reason });
        Ok(())
    }

    /// Takes some of its scopes away: it shrinks, or ends if none is left. Answers with what happened.
    ///
    /// # Errors
    ///
    /// As for [`Grant::revoke`].
    pub fn lose(
        &mut self,
        lost: &[Scope],
        time: Timestamp,
        reason: &str,
    ) -> Result<EventAction, Error> {
        match self.scopes.retain(|scope| !lost.contains(scope)) {
            Some(kept) => {
                self.scopes = kept;
                Ok(EventAction::GrantShrunk)
            }
            None => {
                self.revoke(time, reason.to_owned())?;
                Ok(EventAction::GrantRevoked)
            }
        }
    }

    /// Ends it at its time; `false` if that has not come, or it does not live.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        let due = self.state.is_live() && self.expire_time.is_some_and(|end| end <= now);
        if due {
            self.state = GrantState::Expired;
            self.end =
                self.expire_time.map(|time| End { time, reason: "reached its end".to_owned() });
        }
        due
    }

    /// Where it stands at `now`: an end that was reached counts before anyone wrote it down.
    pub fn state_at(&self, now: Timestamp) -> GrantState {
        if self.clone().expire(now) { GrantState::Expired } else { self.state }
    }

    /// Its key as `kind/key`.
    pub fn subject(&self) -> String {
        format!("grants/{}", self.grant_id)
    }

    /// What the log compares.
    pub fn fields(&self) -> Fields {
        let scopes = self.scopes.0.iter().map(ToString::to_string).collect();
        let mut fields = vec![
            ("client_id", self.client_id.as_str().into()),
            ("resource_server", self.resource_server.as_str().into()),
            ("scopes", Value::List(scopes)),
            ("reason", self.reason.as_str().into()),
            ("state", self.state.as_str().into()),
        ];
        fields.extend(self.expire_time.map(|t| ("expire_time", Value::Number(t.millis()))));
        if let Some(decision) = &self.decision {
            fields.push(("decider", decision.decider.id.as_str().into()));
            fields.push(("decision_note", decision.note.as_str().into()));
        }
        fields.extend(self.end.as_ref().map(|end| ("end_reason", end.reason.as_str().into())));
        fields
    }

    fn must_be_pending(&self) -> Result<(), Error> {
        if self.state == GrantState::Pending {
            return Ok(());
        }
        Err(Error::blocked(
            "NOT_PENDING",
            self.subject(),
            format!("the grant is {}", self.state.as_str()),
        ))
    }
}
