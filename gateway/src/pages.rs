//! The few pages that are not the portal's: made here, without scripts.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY,
};

use turnpike_domain::ports::Entropy;

use crate::headers::harden_page;

const STYLE: &str = "
html { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText; }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; }
main { max-width: 30rem; padding: 2rem; box-sizing: border-box; }
h1 { font-size: 1.5rem; line-height: 1.25; }
code { font-size: .95em; overflow-wrap: anywhere; }
.small { font-size: .875rem; }
button, .button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .5rem; cursor: pointer;
  background: #1864ab; color: #fff; text-decoration: none; display: inline-block; }
button:focus-visible, .button:focus-visible { outline: 3px solid #74c0fc; outline-offset: 2px; }
";

/// Text that a person or a request wrote, fit for a page.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A nonce for one response (CSP level 3, section 2.3.1: at least 128 bits).
pub(crate) fn nonce(entropy: &dyn Entropy) -> String {
    let mut bytes = [0u8; 18];
    entropy.fill(&mut bytes);
    STANDARD.encode(bytes)
}

/// A page with this title, and this HTML below it.
pub(crate) fn page(
    status: StatusCode,
    title: &str,
    html: &str,
    secure_origin: bool,
    entropy: &dyn Entropy,
) -> Response {
    let (title, nonce) = (escape(title), nonce(entropy));
    let mut text = String::with_capacity(2048);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Turnpike</title>
<style nonce="{nonce}">{STYLE}</style>
</head>
<body><main><h1>{title}</h1>
{html}
</main></body>
</html>
"#
    );
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not `no-referrer`: a form of such a page says `Origin: null`. This one names the origin only, never
    // the code in the address.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    harden_page(headers, secure_origin);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::FakeEntropy;

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("<b a=\"x\">&'"), "&lt;b a=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(escape("Olga Ørders"), "Olga Ørders");
    }

    #[test]
    fn each_page_has_its_own_nonce() {
        let entropy = FakeEntropy::default();
        let policy = || {
            let page = page(StatusCode::OK, "t", "", false, &entropy);
            page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
        };
        let (first, second) = (policy(), policy());
        assert!(first.starts_with("default-src 'none'; style-src 'nonce-"));
        assert_ne!(first, second);
    }
}
