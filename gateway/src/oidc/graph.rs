//! Groups that are too many for a token, asked for at Microsoft Graph: not which groups a person is in, but in which of
//! those that mean something here (`checkMemberGroups`: transitive, at most 20 at a time).
//!
//! The token's own hint where to ask (`_claim_sources`) is not followed: it may name an API that is gone.

use std::collections::BTreeSet;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Request};
use openidconnect::{OAuth2TokenResponse, Scope};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use turnpike_domain::session::Groups;
use turnpike_domain::team::DirectoryGroup;

use super::claims::Person;
use super::provider::Known;
use super::{Graph, Oidc, Refused, exchange, http as directory_http};

/// Graph's own limit.
const GROUPS_PER_REQUEST: usize = 20;
/// Beyond this many groups that mean something here, asking would take too long.
const REQUESTS_MAX: usize = 25;
/// How long it may take in all.
const TIME: Duration = Duration::from_secs(15);
/// A token is not used in the last minute of its life.
const MARGIN: Duration = Duration::from_secs(60);
/// When Graph has more to do than it can, and does not say when to come back.
const PAUSE: Duration = Duration::from_secs(30);

/// What is remembered between questions.
#[derive(Default)]
pub(super) struct Asking {
    token: Mutex<Option<(Zeroizing<String>, Instant)>>,
    /// Not before this it wants to be asked again (`Retry-After`).
    wait: Mutex<Option<Instant>>,
}

#[derive(Deserialize)]
struct Answer {
    value: Vec<String>,
}

/// Why it does not tell.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("the answer cannot be read")]
    Answer,
    #[error("it wants to be left alone for a while")]
    Busy,
    #[error("the directory gives no token for it")]
    NoToken(#[source] Refused),
    #[error("it does not answer")]
    Request(#[from] directory_http::Error),
    #[error("it answers with HTTP status {0}")]
    Status(http::StatusCode),
    #[error("the store does not answer")]
    Store(#[source] turnpike_domain::Error),
    #[error("it takes too long")]
    Time,
    #[error("more groups are mapped than can be asked for")]
    TooMany,
}

impl Oidc {
    /// Replaces groups that the directory did not tell by those of ours that the person is in, if Graph is set up and
    /// tells. If it does not, they stay unknown.
    pub(super) async fn resolve_groups(&self, person: &mut Person, known: &Known) {
        let Some(graph) = &self.settings.graph else { return };
        if person.entry.groups != Groups::Unknown {
            return;
        }
        let asked = tokio::time::timeout(TIME, self.ask_graph(graph, &person.entry.subject, known));
        match asked.await.unwrap_or(Err(Untold::Time)) {
            Ok(groups) => person.entry.groups = Groups::Known(groups),
            Err(untold) => {
                let error = &untold as &dyn std::error::Error;
                tracing::warn!(person = person.principal.id, error, "oidc.groups_not_resolved");
            }
        }
    }

    async fn ask_graph(
        &self,
        graph: &Graph,
        oid: &str,
        known: &Known,
    ) -> Result<Vec<DirectoryGroup>, Untold> {
        let ours: Vec<DirectoryGroup> = self.mapped_groups().await?.into_iter().collect();
        if ours.len() > GROUPS_PER_REQUEST * REQUESTS_MAX {
            return Err(Untold::TooMany);
        }
        let mut member_of = Vec::new();
        for some in ours.chunks(GROUPS_PER_REQUEST) {
            let found = self.check_member_groups(graph, oid, some, known).await?;
            // Nothing that was not asked for.
            member_of.extend(some.iter().filter(|group| found.contains(group)).cloned());
        }
        Ok(member_of)
    }

    /// The groups that a team or a role is mapped to.
    async fn mapped_groups(&self) -> Result<BTreeSet<DirectoryGroup>, Untold> {
        let teams = self.registry.all_teams().await.map_err(Untold::Store)?;
        let of_teams = teams.iter().flat_map(|team| team.directory_groups.list());
        let of_roles = self.settings.roles.iter().flat_map(|rule| &rule.groups);
        Ok(of_teams.chain(of_roles).cloned().collect())
    }

    async fn check_member_groups(
        &self,
        graph: &Graph,
        oid: &str,
        groups: &[DirectoryGroup],
        known: &Known,
    ) -> Result<Vec<DirectoryGroup>, Untold> {
        if self.asking.wait.lock().await.is_some_and(|until| Instant::now() < until) {
            return Err(Untold::Busy);
        }
        let token = self.graph_token(graph, known).await.map_err(Untold::NoToken)?;
        let ids: Vec<&str> = groups.iter().map(DirectoryGroup::as_str).collect();
        let bearer = Zeroizing::new(format!("Bearer {}", token.as_str()));
        let mut bearer = HeaderValue::try_from(bearer.as_str()).map_err(|_| Untold::Answer)?;
        bearer.set_sensitive(true);
        // `oid` is visible ASCII; what is special in a path is none of a GUID.
        if !oid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Untold::Answer);
        }
        let request =
            Request::post(graph.url.join(&format!("/v1.0/users/{oid}/checkMemberGroups")))
                .header(AUTHORIZATION, bearer)
                .header(CONTENT_TYPE, "application/json")
                .header(ACCEPT, "application/json")
                .body(json!({ "groupIds": ids }).to_string().into_bytes())
                .map_err(|_| Untold::Answer)?;
        let response = match self.http.send(request).await {
            Err(directory_http::Error::Failing { status, retry_after }) => {
                let pause = retry_after.unwrap_or(PAUSE).min(Duration::from_secs(3600));
                *self.asking.wait.lock().await = Some(Instant::now() + pause);
                return Err(Untold::Status(status));
            }
            other => other?,
        };
        if !response.status().is_success() {
            // The token may have been taken back.
            *self.asking.token.lock().await = None;
            return Err(Untold::Status(response.status()));
        }
        let Answer { value } =
            serde_json::from_slice(response.body()).map_err(|_| Untold::Answer)?;
        Ok(value.iter().filter_map(|id| DirectoryGroup::parse(id).ok()).collect())
    }

    /// A token for Graph, ours and not the person's: what we may ask does not depend on who signs in.
    async fn graph_token(
        &self,
        graph: &Graph,
        known: &Known,
    ) -> Result<Zeroizing<String>, Refused> {
        let mut held = self.asking.token.lock().await;
        if let Some((token, until)) = held.as_ref()
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        let client = self.client(known)?;
        let mut request =
            client.exchange_client_credentials().add_scope(Scope::new(graph.scope.clone()));
        for (name, value) in self.assertion()? {
            request = request.add_extra_param(name, value);
        }
        let answered = request.request_async(&self.http).await.map_err(exchange::refused)?;
        let token = Zeroizing::new(answered.access_token().secret().clone());
        let life = answered.expires_in().unwrap_or(Duration::from_secs(300));
        *held = Some((token.clone(), Instant::now() + life.saturating_sub(MARGIN)));
        Ok(token)
    }
}
