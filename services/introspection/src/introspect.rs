//! Whether a token is good now, for one caller.

use turnpike_domain::authz::{Action, Resource, decide};
use turnpike_domain::{Actor, Error, Timestamp};
use turnpike_sdk::{Answer, Require, Verified};

use crate::Inner;

/// A token that is good now, and the part of it that the caller may know of.
#[derive(Debug)]
pub(crate) struct Active<'a> {
    pub(crate) token: Verified,
    caller: &'a Actor,
}

impl Inner {
    /// What the caller may know of a token; `None` if it is bad in any way, or none of the caller's
    /// business. Of an active token a resource server sees its own scopes, and at least one; a
    /// client sees all of its own token.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if nothing can be decided, as long as no key is known.
    pub(crate) fn introspect<'a>(
        &self,
        caller: &'a Actor,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Active<'a>>, Error> {
        decide(caller, Action::Introspect, &Resource::Whole)
            .map_err(|_| Error::Denied("only secrets ask about tokens"))?;
        let token = match self.verifiers.decides().verify(token, &Require::any_token()) {
            Ok(token) => token,
            Err(refusal) if refusal.answer() == Answer::Unavailable => {
                return Err(Error::Unavailable(refusal.into()));
            }
            Err(_) => return Ok(None),
        };
        // A verifier allows for clocks that differ. Whoever asks here is told no longer than the
        // token says.
        let over = token.expires_at() <= now.seconds();
        let active = Active { token, caller };
        Ok((!over && active.is_the_callers_business()).then_some(active))
    }
}

impl Active<'_> {
    /// The scopes that the caller may know of.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.token.scopes().filter(|scope| match self.caller {
            Actor::ResourceServer(identifier) => identifier.is_prefix_of(scope),
            _ => true,
        })
    }

    fn is_the_callers_business(&self) -> bool {
        match self.caller {
            Actor::Client(id) => self.token.client_id() == id.as_str(),
            Actor::ResourceServer(_) => self.scopes().next().is_some(),
            Actor::Program(_) | Actor::Staff(_) | Actor::System => false,
        }
    }
}
