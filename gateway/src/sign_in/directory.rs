//! Signing in by the directory: off to it, and back.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::json;
use tracing::{info, warn};

use openidconnect::url::Url;
use turnpike_domain::Error;
use turnpike_domain::session::{EndReason, Session, SignIn as How};

use super::{SignIn, field, no_store};
use crate::context::RequestContext;
use crate::oidc::{Answer, Begun, Oidc, Refused, Vouched};
use crate::pages::escape;

/// How long a sign-out waits to hear where to sign out at the directory.
const LOGOUT_TIME: Duration = Duration::from_secs(3);

/// Where the directory sends people back to.
pub(super) async fn callback(State(sign_in): State<Arc<SignIn>>, request: Request) -> Response {
    let Some(oidc) = sign_in.oidc.clone() else {
        return (StatusCode::NOT_FOUND, "not found").into_response();
    };
    let context = RequestContext::of(request.extensions());
    let (headers, query) = (request.headers(), request.uri().query().unwrap_or_default());
    let (answer, finished) = match answer_of(query) {
        Ok(answer) => {
            let finished = oidc.finish(&answer, headers).await;
            (answer, finished)
        }
        Err(refused) => (Answer::default(), Err(refused)),
    };
    let welcomed = match finished {
        Ok(vouched) => sign_in.welcome(vouched, headers).await,
        Err(refused) => Err(refused),
    };
    let mut response = match welcomed {
        Ok(response) => response,
        Err(refused) => sign_in.refused(&refused, context.as_ref()),
    };
    no_store(&mut response);
    if let Some(cookie) = oidc.forgetting(&answer) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Where people are after they signed out at the directory.
pub(super) async fn signed_out(State(sign_in): State<Arc<SignIn>>) -> Response {
    let html = "<p>You are signed out of Turnpike. <a href=\"/\">Sign in again</a></p>";
    sign_in.page(StatusCode::OK, "Signed out", html)
}

/// The directory says, in a frame of its own page, that a login has ended. The answer is the same whatever that does.
pub(super) async fn front_channel(State(sign_in): State<Arc<SignIn>>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default().as_bytes();
    let (iss, sid) = (field(query, "iss"), field(query, "sid"));
    if let Some(oidc) = &sign_in.oidc
        && let Err(error) = sign_in.end_login(oidc, iss.as_deref(), sid.as_deref()).await
    {
        let error = turnpike_rpc::status::causes(&error);
        warn!(error, "session.not_kept");
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut response = StatusCode::OK.into_response();
    no_store(&mut response);
    response
}

/// How people can sign in here: for the portal, which shows it to those who are not signed in.
pub(super) async fn ways(State(sign_in): State<Arc<SignIn>>) -> Response {
    let directory = sign_in.oidc.as_ref().map(|oidc| oidc.display_name());
    let links = sign_in.links.personas().next().is_some();
    let mut response = Json(json!({ "directory": directory, "links": links })).into_response();
    no_store(&mut response);
    response
}

impl SignIn {
    /// Sends a browser to the directory.
    pub(super) async fn off(
        &self,
        oidc: &Oidc,
        uri: &Uri,
        headers: &HeaderMap,
        context: Option<&RequestContext>,
    ) -> Response {
        let wanted = field(uri.query().unwrap_or_default().as_bytes(), "return_to");
        if let Ok(live) = self.sessions.session_in(headers).await {
            tracing::debug!(person = live.staff.id, "session.there_already");
            return see_page(&oidc.return_to(wanted.as_deref()));
        }
        let Begun { to, cookies } = match oidc.begin(wanted.as_deref(), headers).await {
            Ok(begun) => begun,
            Err(refused) => return self.refused(&refused, context),
        };
        let mut response = see_page(to.as_str());
        for cookie in cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// Begins the session of somebody whom the directory vouches for.
    async fn welcome(&self, vouched: Vouched, headers: &HeaderMap) -> Result<Response, Refused> {
        let Vouched { person, entry, tokens, return_to } = vouched;
        let id = person.id.clone();
        let how = How::Directory(Box::new(entry));
        let begun = self.begin(person, how, Some(&tokens), headers).await;
        let cookie = begun.map_err(Refused::StoreDown)?;
        info!(person = id, "session.signed_in");
        let mut response = see_page(&return_to);
        response.headers_mut().append(SET_COOKIE, cookie);
        Ok(response)
    }

    /// Ends the sessions that began with a login at the directory.
    async fn end_login(
        &self,
        oidc: &Oidc,
        iss: Option<&str>,
        sid: Option<&str>,
    ) -> Result<(), Error> {
        for id in oidc.sessions_of_login(iss, sid).await? {
            self.sessions.end(&id, EndReason::SignedOut).await?;
            info!(session = id.as_str(), "session.signed_out_at_directory");
        }
        Ok(())
    }

    /// Ends a session; answers with where its browser signs out at the directory too, if it has to.
    pub(super) async fn end(&self, session: &Session) -> Result<Option<Url>, Error> {
        // Read before the session ends, and with it what is kept beside it.
        let tokens = self.sessions.tokens(&session.session_id).await?;
        self.sessions.end(&session.session_id, EndReason::SignedOut).await?;
        info!(person = session.person.id, "session.signed_out");
        let (Some(oidc), How::Directory(entry)) = (&self.oidc, &session.sign_in) else {
            return Ok(None);
        };
        // A directory that does not answer keeps nobody here.
        let url = tokio::time::timeout(LOGOUT_TIME, oidc.logout_url(entry, tokens.as_ref()));
        Ok(url.await.unwrap_or(None))
    }

    /// A page for the person, and a line for whoever runs the installation. Neither has anything of the answer but what
    /// is known to be harmless.
    fn refused(&self, refused: &Refused, context: Option<&RequestContext>) -> Response {
        let request_id = context.map_or("", RequestContext::request_id);
        let cause = refused.source().map(causes);
        warn!(
            oidc.refusal = refused.code(),
            oidc.fault = refused.fault(),
            oidc.operator_acts = refused.is_ours(),
            request.id = request_id,
            error = refused.to_string(),
            cause,
            "session.sign_in_refused"
        );
        let html = format!(
            "<p>{}</p><p><a class=\"button\" href=\"/login\">Begin anew</a></p><p class=\"small\">Code: <code>{}</code> · \
             request: <code>{}</code></p>",
            escape(refused.words()),
            refused.label(),
            escape(request_id)
        );
        self.page(refused.status(), refused.title(), &html)
    }
}

/// What a browser brings back (RFC 6749 section 4.1.2). Each parameter stands once (section 3.1).
fn answer_of(query: &str) -> Result<Answer, Refused> {
    let mut answer = Answer::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = match name.as_ref() {
            "code" => &mut answer.code,
            "error" => &mut answer.error,
            "error_description" => &mut answer.error_description,
            "iss" => &mut answer.iss,
            "state" => &mut answer.state,
            // A directory may add what it likes.
            _ => continue,
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(Refused::Malformed("a parameter twice"));
        }
    }
    Ok(answer)
}

/// An error's causes, outermost first.
fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

fn see_page(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::try_from(to) {
        response.headers_mut().insert(LOCATION, location);
    }
    no_store(&mut response);
    response
}
