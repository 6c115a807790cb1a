//! `/login` and `/logout`.

mod directory;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::json;
use tracing::{info, warn};

use turnpike_domain::ports::Entropy;
use turnpike_domain::session::{EndReason, SignIn as How};
use turnpike_domain::{Error, Principal, PrincipalKind};

use crate::config::Persona;
use crate::context::RequestContext;
use crate::csrf::SameOrigin;
use crate::edge::ByOtherName;
use crate::login::{Dead, LoginLinks};
use crate::oidc::{self, Oidc};
use crate::origin::Origin;
use crate::pages::{escape, page};
use crate::person;
use crate::session::{Live, NoSession, Sessions, Tokens};

/// What signing in needs.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    pub(crate) links: LoginLinks,
    /// The directory, if people sign in by one.
    pub(crate) oidc: Option<Arc<Oidc>>,
    pub(crate) sessions: Sessions,
    pub(crate) same_origin: SameOrigin,
    pub(crate) public: Origin,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl SignIn {
    pub(crate) fn routes(self) -> Router {
        Router::new()
            .route("/login", get(show).post(redeem))
            .route("/login/ways", get(directory::ways))
            .route(oidc::CALLBACK, get(directory::callback))
            .route(oidc::FRONT_CHANNEL, get(directory::front_channel))
            .route(oidc::SIGNED_OUT, get(directory::signed_out))
            .route("/logout", post(log_out))
            .layer(DefaultBodyLimit::max(4096))
            .with_state(Arc::new(self))
    }

    fn page(&self, status: StatusCode, title: &str, html: &str) -> Response {
        page(status, title, html, self.public.is_secure(), self.entropy.as_ref())
    }

    /// Where to get a link, depending on whether there can be one.
    fn how(&self) -> &'static str {
        if self.links.personas().next().is_some() {
            "<p>A login link is forgotten when Turnpike restarts. For a new one, run <code>turnpike links</code> in the folder in which Turnpike was \
             started (in its source tree: <code>make links</code>). It prints one for each persona; a link works \
             once and for a few minutes.</p>"
        } else {
            "<p>No way to sign in is configured here: there are no local personas and no directory. \
             Whoever runs this installation can add one.</p>"
        }
    }

    fn dead(&self, dead: Dead, wants_json: bool) -> Response {
        let (title, code) = match dead {
            Dead::Expired => ("This login link has expired", "LINK_EXPIRED"),
            Dead::Unknown => ("This login link is not known", "LINK_UNKNOWN"),
            Dead::Used => ("This login link was used already", "LINK_USED"),
        };
        if wants_json {
            return (StatusCode::FORBIDDEN, Json(json!({ "error": code }))).into_response();
        }
        self.page(StatusCode::FORBIDDEN, title, self.how())
    }

    /// Begins a session. Whoever was signed in here is not any more, wherever a copy of that cookie may be.
    async fn begin(
        &self,
        person: Principal,
        how: How,
        tokens: Option<&Tokens>,
        headers: &HeaderMap,
    ) -> Result<HeaderValue, Error> {
        let before = self.sessions.session_in(headers).await;
        let cookie = self.sessions.begin(person, how, tokens).await?;
        match before {
            Ok(Live { session, .. }) => {
                self.sessions.end(&session.session_id, EndReason::Replaced).await?;
            }
            Err(NoSession::Ended) => {}
            Err(NoSession::Unknown(error)) => return Err(error),
        }
        Ok(cookie)
    }

    /// The store does not answer.
    fn unavailable(&self, error: &Error) -> Response {
        let error = turnpike_rpc::status::causes(error);
        warn!(error, "session.not_kept");
        self.page(
            StatusCode::SERVICE_UNAVAILABLE,
            "Not possible at the moment",
            "<p>Turnpike cannot reach its store. Try again in a minute.</p>",
        )
    }

    fn foreign(&self) -> Response {
        self.page(
            StatusCode::FORBIDDEN,
            "That came from another site",
            "<p>Turnpike takes this only from its own pages. Nothing was changed.</p>",
        )
    }
}

/// Shows whom a link signs in, and asks. Opening it does not use it up: previews of links open them too.
async fn show(
    State(sign_in): State<Arc<SignIn>>,
    other_name: Option<Extension<ByOtherName>>,
    context: Option<Extension<RequestContext>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if other_name.is_some() && sign_in.public.is_loopback() {
        return to_public(&sign_in.public, &uri);
    }
    let code = field(uri.query().unwrap_or_default().as_bytes(), "code");
    if let (Some(oidc), None) = (&sign_in.oidc, &code) {
        let context = context.map(|Extension(context)| context);
        return sign_in.off(oidc, &uri, &headers, context.as_ref()).await;
    }
    let Some(code) = code else {
        return match sign_in.sessions.session_in(&headers).await {
            Ok(session) => {
                let name = escape(&session.staff.display_name);
                let html = format!("<p>You are signed in as {name}. <a href=\"/\">Go on</a></p>");
                sign_in.page(StatusCode::OK, "Turnpike", &html)
            }
            Err(NoSession::Ended) => {
                sign_in.page(StatusCode::OK, "Sign in to Turnpike", sign_in.how())
            }
            Err(NoSession::Unknown(error)) => sign_in.unavailable(&error),
        };
    };
    match sign_in.links.peek(&code) {
        Ok(Persona { id, display_name, .. }) => {
            let (name, code) = (escape(display_name), escape(&code));
            let before = sign_in.sessions.session_in(&headers).await.ok();
            let before = before.filter(|session| session.staff.id != *id);
            let before = before.map_or_else(String::new, |session| {
                let other = escape(&session.staff.display_name);
                format!(
                    "<p>This browser is signed in as {other}, who will be signed out in all its tabs. To be \
                     both, open the link in a private window.</p>"
                )
            });
            let html = format!(
                "{before}<form method=\"post\" action=\"/login\">\
                 <input type=\"hidden\" name=\"code\" value=\"{code}\">\
                 <button type=\"submit\" autofocus>Continue as {name}</button></form>"
            );
            sign_in.page(StatusCode::OK, "Sign in to Turnpike", &html)
        }
        Err(dead) => sign_in.dead(dead, false),
    }
}

/// Redeems a code: the form of [`show`], or a program that accepts JSON.
async fn redeem(
    State(sign_in): State<Arc<SignIn>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if sign_in.same_origin.check_form(&headers).is_err() {
        return sign_in.foreign();
    }
    let wants_json = accepts(&headers, "application/json");
    let form = headers.get(CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded")
    });
    let (true, Ok(body)) = (form, body) else {
        let words = "send `code` as application/x-www-form-urlencoded, at most 4096 bytes";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, words).into_response();
    };
    let persona = field(&body, "code").ok_or(Dead::Unknown);
    let persona = match persona.and_then(|code| sign_in.links.redeem(&code)) {
        Ok(persona) => persona,
        Err(dead) => return sign_in.dead(dead, wants_json),
    };
    let person = Principal {
        kind: PrincipalKind::Staff,
        id: persona.id.clone(),
        display_name: persona.display_name.clone(),
    };
    let cookie = match sign_in.begin(person, How::Link, None, &headers).await {
        Ok(cookie) => cookie,
        Err(error) => return sign_in.unavailable(&error),
    };
    info!(person = persona.id, "session.signed_in");
    let mut response = if wants_json {
        Json(json!({ "persona": persona.id, "display_name": persona.display_name })).into_response()
    } else {
        see("/")
    };
    no_store(&mut response);
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

/// Ends the session, here and wherever a copy of its cookie may be.
async fn log_out(State(sign_in): State<Arc<SignIn>>, headers: HeaderMap) -> Response {
    if sign_in.same_origin.check_form(&headers).is_err() {
        return sign_in.foreign();
    }
    let mut elsewhere = None;
    match sign_in.sessions.session_in(&headers).await {
        Ok(Live { session, .. }) if !person::is_for(&headers, &session.person.id) => {
            return (StatusCode::CONFLICT, "somebody else has signed in").into_response();
        }
        Ok(Live { session, .. }) => {
            elsewhere = match sign_in.end(&session).await {
                Ok(elsewhere) => elsewhere,
                Err(error) => return sign_in.unavailable(&error),
            };
        }
        Err(NoSession::Ended) => {}
        Err(NoSession::Unknown(error)) => return sign_in.unavailable(&error),
    }
    let mut response = match elsewhere {
        // A page must go there itself: the policy of our pages lets no form end at another site.
        Some(url) if !accepts(&headers, "text/html") => {
            Json(json!({ "continue": url.as_str() })).into_response()
        }
        Some(url) => (StatusCode::SEE_OTHER, [(LOCATION, url.as_str())]).into_response(),
        None if accepts(&headers, "text/html") => see("/"),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    no_store(&mut response);
    response.headers_mut().insert(SET_COOKIE, sign_in.sessions.clearing());
    response
}

/// Sends a browser to the name that cookies are bound to.
pub(crate) fn to_public(public: &Origin, uri: &Uri) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut response = StatusCode::TEMPORARY_REDIRECT.into_response();
    if let Ok(location) = HeaderValue::try_from(format!("{public}{path}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    no_store(&mut response);
    response
}

fn see(path: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
}

fn no_store(response: &mut Response) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Whether a caller names `media_type` among what it takes. Wildcards do not count: nobody means a
/// login page by them.
pub(crate) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let lists = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = lists.flat_map(|list| list.split(','));
    types.any(|entry| {
        let name = entry.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(media_type)
    })
}

/// The one value of a field; none if it is there twice.
fn field(form: &[u8], name: &str) -> Option<String> {
    let mut values = form_urlencoded::parse(form).filter(|(key, _)| key == name);
    let value = values.next().map(|(_, value)| value.into_owned());
    if values.next().is_some() { None } else { value }
}
