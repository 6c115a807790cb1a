//! Decides about a request.

use turnpike_sdk::require::Error as RequireError;
use turnpike_sdk::{Refusal, Require, Verified, Verifier, bearer};

use crate::event::Question;

/// The orders API: which route needs which scope.
const ROUTES: &[(&str, &str)] = &[("POST /orders", "place-order"), ("GET /orders", "list-orders")];

/// Decides by the verifier, and by what a route needs.
pub(crate) struct Authorizer {
    routes: Vec<(&'static str, Require)>,
    verifier: Verifier,
}

/// What becomes of a request.
pub(crate) enum Decision {
    Allowed(Verified),
    /// It is known who calls, and they may not.
    NotAllowed(Verified, Refusal),
    /// It is not known who calls, or nobody can say.
    Refused(Refusal),
}

impl Authorizer {
    pub(crate) fn new(verifier: Verifier, identifier: &str) -> Result<Self, RequireError> {
        let routes = ROUTES
            .iter()
            .map(|(route, name)| Ok((*route, Require::all_of([format!("{identifier}/{name}")])?)));
        Ok(Self { routes: routes.collect::<Result<_, _>>()?, verifier })
    }

    pub(crate) async fn decide(&self, question: &Question) -> Decision {
        let values = question.authorization.iter().map(|value| value.as_bytes());
        let caller = match bearer::credentials(values) {
            Ok(token) => self.verifier.verify_async(token, &Require::any_token()).await,
            Err(refusal) => Err(refusal),
        };
        let caller = match caller {
            Ok(caller) => caller,
            Err(refusal) => return Decision::Refused(refusal),
        };
        // A route that is not on the list is nobody's.
        let route = self.routes.iter().find(|(route, _)| *route == question.route);
        let may = route.map_or(Err(Refusal::InsufficientScope), |(_, need)| caller.satisfies(need));
        match may {
            Ok(()) => Decision::Allowed(caller),
            Err(refusal) => Decision::NotAllowed(caller, refusal),
        }
    }
}
