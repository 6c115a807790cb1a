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

/// The portal's colours (`ui/src/theme.ts`) and the look of its sign-in page: one product.
const STYLE: &str = "
html { color-scheme: light dark; font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif;
  background: light-dark(#f6f8f7, #121617); color: light-dark(#17211c, #d3dad7); }
body { margin: 0; min-height: 100dvh; display: grid; place-items: center; }
main { width: min(100% - 2rem, 34rem); margin: 1rem; padding: 2rem; box-sizing: border-box; border-radius: 1rem;
  background: light-dark(#fff, #1b2021); border: 1px solid light-dark(#e3e8e5, #2c3436); }
header { display: flex; gap: .75rem; align-items: center; }
header svg { flex: none; }
h1 { margin: 0; font-size: 1.5rem; font-weight: 650; line-height: 1.25; letter-spacing: -.015em; }
a { color: light-dark(#0b6640, #74c8a2); }
code { font-size: .95em; overflow-wrap: anywhere; }
.small { font-size: .875rem; color: light-dark(#5a626b, #a3acb0); }
form { margin-top: 1.25rem; }
button, .button { font: inherit; font-weight: 600; padding: .6rem 1.2rem; border: 0; border-radius: .5rem;
  cursor: pointer; background: #0b6640; color: #fff; text-decoration: none; display: inline-block; }
button:hover, .button:hover { background: #06472c; }
button:focus-visible, .button:focus-visible, a:focus-visible {
  outline: 2px solid light-dark(#0b6640, #74c8a2); outline-offset: 2px; }
";

/// The portal's mark (`ui/src/components/logo.tsx`).
const LOGO: &str = r##"<svg width="36" height="36" viewBox="0 0 32 32" aria-hidden="true">
<rect width="32" height="32" rx="7" fill="#0b6640"/><rect x="6" y="9" width="5" height="16" rx="1.5" fill="#fff"/>
<path d="M11 12.5 27 8.6v4.6l-16 3.9z" fill="#ffd43b"/><path d="m15.2 11.5 3-.75-1.2 4.9-3 .7z" fill="#0b6640"/>
<path d="m21.6 9.9 3-.73-1.2 4.9-3 .72z" fill="#0b6640"/></svg>"##;

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
    let mut text = String::with_capacity(4096);
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
<body><main><header>{LOGO}<h1>{title}</h1></header>
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
