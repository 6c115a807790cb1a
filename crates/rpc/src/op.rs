//! One operation: who, when, which request. Made at the edge and passed by hand.

use std::sync::Arc;

use turnpike_domain::authz::{Action, Permit, Resource, decide};
use turnpike_domain::error::Subject;
use turnpike_domain::id::RequestId;
use turnpike_domain::{Actor, Error, Problem, Timestamp};
use turnpike_registry::Origin;

use crate::limits::Admitted;
use crate::methods::Row;
use crate::once::Named;

/// One call of one RPC by a caller that was authenticated. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Op {
    call: Arc<Call>,
    /// What makes the call count as in flight, until the last clone of it is gone.
    admitted: Option<Arc<Admitted>>,
}

#[derive(Debug)]
struct Call {
    actor: Actor,
    origin: Origin,
    now: Timestamp,
}

impl Op {
    /// A call of `row` by `actor`. Handlers get theirs from the gate; tests make their own.
    pub fn new(actor: Actor, row: &Row, request_id: String, now: Timestamp) -> Self {
        let origin = Origin { request_id, method: row.method().to_owned() };
        Self { call: Arc::new(Call { actor, origin, now }), admitted: None }
    }

    /// The same, counted as in flight for as long as this or a clone of it lives: an answer that streams keeps one.
    pub(crate) fn holding(mut self, admitted: Option<Arc<Admitted>>) -> Self {
        self.admitted = admitted;
        self
    }

    /// Who calls.
    pub fn actor(&self) -> &Actor {
        &self.call.actor
    }

    /// Where a change comes from.
    pub fn origin(&self) -> &Origin {
        &self.call.origin
    }

    /// When the call began.
    pub fn now(&self) -> Timestamp {
        self.call.now
    }

    /// The right to do something to what is there.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] of `subject` where the caller may not even read it, so that absent and hidden are
    /// the same; else [`Error::Denied`].
    pub fn authorize(
        &self,
        action: Action,
        resource: &Resource<'_>,
        subject: Subject,
    ) -> Result<Permit, Error> {
        decide(self.actor(), action, resource).map_err(|denial| denial.into_error(subject))
    }

    /// The right to make something that is not there yet, or to do something to nothing in particular.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`].
    pub fn authorize_new(&self, action: Action, resource: &Resource<'_>) -> Result<Permit, Error> {
        use turnpike_domain::authz::Denial;

        decide(self.actor(), action, resource).map_err(|denial| match denial {
            Denial::Denied(why) => Error::Denied(why),
            Denial::Hidden => Error::Denied("only members of the owning team do this"),
        })
    }

    /// The request as one to be answered once; `None` if it has no request id.
    ///
    /// # Errors
    ///
    /// The rule that the request id breaks.
    pub fn once(&self, request_id: &str) -> Result<Option<Named>, Problem> {
        if request_id.is_empty() {
            return Ok(None);
        }
        let request_id = RequestId::parse(request_id)?;
        Ok(Some(Named { request_id, method: self.origin().method.clone() }))
    }
}
