//! Everything that no service answers: the portal, calls to services that do not exist, and 404.

use std::sync::Arc;

use axum::body::Body;
use axum::response::IntoResponse;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use turnpike_domain::ports::Entropy;

use crate::assets::Assets;
use crate::content_type::looks_like_a_call;
use crate::edge::ByOtherName;
use crate::grpc::Calls;
use crate::headers::harden_page;
use crate::origin::Origin;
use crate::pages::{nonce, page};
use crate::sign_in::{accepts, to_public};

/// Paths that belong to services and probes. What is not found below them is not found: the portal's
/// page, with status 200, would tell a client with a typo that all is well.
const NOT_THE_PORTAL: [&str; 8] =
    ["/.well-known", "/assets", "/healthz", "/login", "/logout", "/metrics", "/oauth2", "/readyz"];

/// The portal of one gateway. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Portal {
    pub(crate) assets: Assets,
    pub(crate) calls: Calls,
    pub(crate) public: Origin,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Portal {
    /// Answers what nothing else answered.
    pub(crate) async fn answer(self, request: Request<Body>) -> Response<Body> {
        if looks_like_a_call(request.headers()) {
            return self.calls.answer(request).await;
        }
        let mut response = self.page_or_file(&request);
        harden_page(response.headers_mut(), self.public.is_secure());
        response
    }

    fn page_or_file(&self, request: &Request<Body>) -> Response<Body> {
        let (method, path) = (request.method(), request.uri().path());
        if method != Method::GET && method != Method::HEAD {
            let headers = request.headers();
            let there = self.assets.file(&Method::HEAD, path, headers).is_some();
            return match there || is_page(path, headers) {
                true => method_not_allowed(),
                false => not_found(),
            };
        }
        let other_name = request.extensions().get::<ByOtherName>().is_some();
        if other_name && self.public.is_loopback() && accepts(request.headers(), "text/html") {
            return to_public(&self.public, request.uri());
        }
        if let Some(response) = self.assets.file(method, path, request.headers()) {
            return response;
        }
        if !is_page(path, request.headers()) {
            return not_found();
        }
        let entropy = self.entropy.as_ref();
        self.assets.index(method, &nonce(entropy)).unwrap_or_else(|| {
            let html = "<p>This binary was built without the portal's files. Run <code>make ui</code>, \
                        then build it again.</p>";
            page(StatusCode::OK, "The portal is not built", html, self.public.is_secure(), entropy)
        })
    }
}

/// Whether a browser asks for a page of the portal, whose routes only the portal knows. A name with a
/// dot is a file that is not there, unless the browser says that it goes to a page: identifiers of
/// resource servers have dots.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
    if path == "/" {
        return true;
    }
    let lower = path.to_ascii_lowercase();
    let taken = |prefix: &str| {
        lower.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let dotted = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let navigates = headers.get(FETCH_MODE).is_some_and(|mode| mode == "navigate");
    !NOT_THE_PORTAL.iter().any(|prefix| taken(prefix))
        && accepts(headers, "text/html")
        && (navigates || !dotted)
}

fn not_found() -> Response<Body> {
    (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/plain; charset=utf-8")], "not found")
        .into_response()
}

fn method_not_allowed() -> Response<Body> {
    let mut response = (StatusCode::METHOD_NOT_ALLOWED, "method not allowed").into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_page_for(path: &str, accept: &'static str, mode: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static(accept));
        if let Some(mode) = mode {
            headers.insert("sec-fetch-mode", HeaderValue::from_static(mode));
        }
        is_page(path, &headers)
    }

    #[test]
    fn only_a_browser_on_its_way_to_a_page_gets_the_page() {
        let html = "text/html,application/xhtml+xml,*/*;q=0.8";
        for path in ["/", "/clients", "/clients/abc", "/oauth2x", "/loginx"] {
            assert!(is_page_for(path, html, None), "{path}");
        }
        assert!(is_page_for("/", "*/*", None));
        let identifier = "/resource-servers/https%3A%2F%2Fapi.example";
        assert!(is_page_for(identifier, html, Some("navigate")));
        assert!(!is_page_for(identifier, html, None));
        assert!(!is_page_for("/clients", "*/*", None));
        assert!(!is_page_for("/clients", "application/json", None));
        for path in [
            "/oauth2/tokn",
            "/oauth2",
            "/OAuth2/token",
            "/.well-known/jwks",
            "/.well-known/openid-configuration/x",
            "/healthz/x",
            "/metrics",
            "/assets/app-gone.js",
            "/assets/x",
            "/login/x",
        ] {
            assert!(!is_page_for(path, html, Some("navigate")), "{path}");
        }
        for path in ["/robots.txt", "/app.js", "/.env", "/wp-login.php"] {
            assert!(!is_page_for(path, html, None), "{path}");
        }
    }
}
