//! Rules that several sections have.

use turnpike_domain::url::HttpUrl;

use super::error::Error;

/// Holds that a text is a URL of HTTP.
///
/// # Errors
///
/// The key, and the rule.
pub fn check_url(key: &str, url: &str) -> Result<(), Error> {
    HttpUrl::parse(url).map(|_| ()).map_err(|problem| Error::value(key, problem))
}

/// The same, unless the text is empty.
///
/// # Errors
///
/// The key, and the rule.
pub fn optional_url(key: &str, url: &str) -> Result<(), Error> {
    if url.is_empty() { Ok(()) } else { check_url(key, url) }
}

/// Holds that a text is there.
pub(super) fn required(key: &str, text: &str) -> Result<(), Error> {
    if text.is_empty() { Err(Error::value(key, "must be set")) } else { Ok(()) }
}
