//! The portal's files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

/// What stands in `index.html` where the nonce of a response belongs; `vite.config.ts` writes it.
const NONCE_PLACEHOLDER: &str = "__TURNPIKE_CSP_NONCE__";
const INDEX: &str = "index.html";

/// The files of a build of the portal. Clones share them. There is no file system behind: what is not in
/// the list cannot be asked for.
#[derive(Clone, Default)]
pub struct Assets(Arc<Files>);

#[derive(Default)]
struct Files {
    files: BTreeMap<String, File>,
    /// The pieces of `index.html` between which the nonce stands.
    index: Option<Vec<String>>,
}

struct File {
    media_type: &'static str,
    /// Named after its content, so that it never changes.
    hashed: bool,
    plain: Variant,
    brotli: Option<Variant>,
    gzip: Option<Variant>,
}

struct Variant {
    bytes: Bytes,
    etag: HeaderValue,
}

/// The folder of a build, inside the binary in every profile: `turnpike up` runs from any folder.
#[derive(rust_embed::Embed)]
#[folder = "ui/dist"]
#[allow_missing = true]
struct Dist;

impl Assets {
    /// The build that this crate was compiled with. Empty if there was none.
    pub fn embedded() -> Self {
        Self::from_files(Dist::iter().filter_map(|path| {
            let bytes = match Dist::get(&path)?.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            Some((path.into_owned(), bytes))
        }))
    }

    /// These files, by their paths without a leading `/`. `x.br` and `x.gz` are the compressed forms of
    /// `x`; files and folders whose names begin with a dot are left out.
    pub fn from_files(files: impl IntoIterator<Item = (String, Bytes)>) -> Self {
        let mut all: BTreeMap<String, Bytes> = files
            .into_iter()
            .filter(|(path, _)| !path.split('/').any(|segment| segment.starts_with('.')))
            .collect();
        let index = all.remove(INDEX).map(|bytes| {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            text.split(NONCE_PLACEHOLDER).map(str::to_owned).collect()
        });
        let files = all
            .iter()
            .filter(|(path, _)| !path.ends_with(".br") && !path.ends_with(".gz"))
            .map(|(path, bytes)| {
                let compressed = |suffix: &str| {
                    all.get(&format!("{path}{suffix}")).map(|b| Variant::new(b.clone()))
                };
                let file = File {
                    media_type: media_type(path),
                    hashed: path.starts_with("assets/"),
                    plain: Variant::new(bytes.clone()),
                    brotli: compressed(".br"),
                    gzip: compressed(".gz"),
                };
                (path.clone(), file)
            })
            .collect();
        Self(Arc::new(Files { files, index }))
    }

    /// The answer to `GET` or `HEAD` of the file at `path`, if there is one.
    pub(crate) fn file(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Option<Response<Body>> {
        let file = self.0.files.get(path.strip_prefix('/')?)?;
        let (encoding, variant) = file.choose(headers);
        let mut response = Response::new(Body::empty());
        let out = response.headers_mut();
        out.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
        out.insert(ETAG, variant.etag.clone());
        out.insert(VARY, HeaderValue::from_static("accept-encoding"));
        out.insert(CACHE_CONTROL, HeaderValue::from_static(file.caching()));
        // Workers take their policy from their own file.
        out.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        if let Some(encoding) = encoding {
            out.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        if is_known(headers, &variant.etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(response);
        }
        out.insert(CONTENT_LENGTH, HeaderValue::from(variant.bytes.len()));
        if method != Method::HEAD {
            *response.body_mut() = Body::from(variant.bytes.clone());
        }
        Some(response)
    }

    /// The page of the portal with `nonce` in its place, if there is a portal.
    pub(crate) fn index(&self, method: &Method, nonce: &str) -> Option<Response<Body>> {
        let page = self.0.index.as_ref()?.join(nonce);
        let policy = format!("{POLICY_HEAD} 'nonce-{nonce}'{POLICY_TAIL}");
        let mut response = Response::new(Body::empty());
        let out = response.headers_mut();
        out.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        out.insert(CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).ok()?);
        out.insert(CONTENT_LENGTH, HeaderValue::from(page.len()));
        if method != Method::HEAD {
            *response.body_mut() = Body::from(page);
        }
        Some(response)
    }
}

impl fmt::Debug for Assets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assets").field("files", &self.0.files.len()).finish_non_exhaustive()
    }
}

macro_rules! policy_head {
    () => {
        "default-src 'none'; script-src 'self'; style-src 'self'"
    };
}
macro_rules! policy_tail {
    () => {
        "; img-src 'self' data:; connect-src 'self'; worker-src 'self'; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    };
}
/// Holds for every page of the portal without a violation; styles that libraries write need the nonce.
const POLICY_HEAD: &str = policy_head!();
const POLICY_TAIL: &str = policy_tail!();
const POLICY: &str = concat!(policy_head!(), policy_tail!());

impl File {
    /// The smallest form that the caller takes.
    fn choose(&self, headers: &HeaderMap) -> (Option<&'static str>, &Variant) {
        if let Some(brotli) = &self.brotli
            && takes(headers, "br")
        {
            (Some("br"), brotli)
        } else if let Some(gzip) = &self.gzip
            && takes(headers, "gzip")
        {
            (Some("gzip"), gzip)
        } else {
            (None, &self.plain)
        }
    }

    const fn caching(&self) -> &'static str {
        if self.hashed { "public, max-age=31536000, immutable" } else { "no-cache" }
    }
}

impl Variant {
    /// Forms of one file differ in their bytes, and so in their tags.
    fn new(bytes: Bytes) -> Self {
        let hash = digest::digest(&digest::SHA256, &bytes);
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
        let etag = HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
        Self { bytes, etag }
    }
}

/// Whether `Accept-Encoding` names `coding` with another weight than 0 (RFC 9110 section 12.5.3).
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = parts.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
        named && weight.is_none_or(|q| q.parse::<f32>().is_ok_and(|q| q > 0.0))
    })
}

/// Whether the caller has this form already (RFC 9110 section 13.1.2).
fn is_known(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Ok(etag) = etag.to_str() else { return false };
    let lists = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets() -> Assets {
        let file =
            |path: &str, text: &'static str| (path.to_owned(), Bytes::from_static(text.as_bytes()));
        Assets::from_files([
            file("index.html", "<a nonce=__TURNPIKE_CSP_NONCE__><b nonce=__TURNPIKE_CSP_NONCE__>"),
            file("assets/app-1a2b.js", "plain"),
            file("assets/app-1a2b.js.br", "brotli"),
            file("assets/app-1a2b.js.gz", "gzip"),
            file("favicon.svg", "<svg/>"),
            file(".vite/manifest.json", "{}"),
        ])
    }

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())])
    }

    #[test]
    fn the_smallest_form_that_is_taken_is_given() {
        for (accepted, given) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip;q=1.0, br;q=0", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("identity", None),
            ("br;q=x", None),
            ("brotli", None),
            ("", None),
        ] {
            let request = headers(ACCEPT_ENCODING, accepted);
            let response = assets().file(&Method::GET, "/assets/app-1a2b.js", &request).unwrap();
            let encoding = response.headers().get(CONTENT_ENCODING);
            assert_eq!(encoding.map(|e| e.to_str().unwrap()), given, "{accepted}");
            assert_eq!(response.headers()[VARY], "accept-encoding");
        }
    }

    #[test]
    fn only_what_is_in_the_list_is_there() {
        let none = HeaderMap::new();
        for path in [
            "/",
            "",
            "favicon.svg",
            "//favicon.svg",
            "/index.html",
            "/.vite/manifest.json",
            "/assets/app-1a2b.js.br",
            "/assets/../favicon.svg",
            "/../Cargo.toml",
            "/%66avicon.svg",
            "/assets",
        ] {
            assert!(assets().file(&Method::GET, path, &none).is_none(), "{path}");
        }
        assert!(assets().file(&Method::GET, "/favicon.svg", &none).is_some());
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        let none = HeaderMap::new();
        let first = assets().file(&Method::GET, "/favicon.svg", &none).unwrap();
        assert_eq!(first.headers()[CACHE_CONTROL], "no-cache");
        let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let request = headers(IF_NONE_MATCH, &known);
            let again = assets().file(&Method::GET, "/favicon.svg", &request).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        let other = headers(IF_NONE_MATCH, "\"x\"");
        let again = assets().file(&Method::GET, "/favicon.svg", &other).unwrap();
        assert_eq!(again.status(), StatusCode::OK);
    }

    #[test]
    fn the_page_has_the_nonce_of_its_policy() {
        let response = assets().index(&Method::HEAD, "n0nce").unwrap();
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("style-src 'self' 'nonce-n0nce'; img-src"), "{policy}");
        let expected = "<a nonce=n0nce><b nonce=n0nce>".len().to_string();
        assert_eq!(response.headers()[CONTENT_LENGTH], expected.as_str());
        assert!(Assets::default().index(&Method::GET, "n").is_none());
    }
}
