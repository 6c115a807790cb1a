//! A client's, or a resource server's, credentials as HTTP Basic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// The value of `Authorization`. RFC 6749 section 2.3.1: both are form-encoded before they are
/// joined, so that a colon in `id` does not end it. An identifier may be a URL.
pub(crate) fn header(id: &str, secret: &str) -> Option<HeaderValue> {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
    let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}
