//! URLs under which parts of Turnpike are known to others.

use std::fmt;

use crate::error::Problem;
use crate::text::{at_most, required, text_type};

text_type! {
    /// A URL of `http` or `https` with a host, a port if it needs one and a path if it has one; no
    /// user, query or fragment (what RFC 8414 section 2 demands of an issuer). At most 512 visible
    /// ASCII characters. Kept and compared as it was written: `https://a` and `https://a/` differ.
    HttpUrl
}

const FORM: &str = "a URL such as `https://host/path`, without user, query and fragment";

impl HttpUrl {
    /// # Errors
    ///
    /// The rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        required(text)?;
        at_most(text, 512)?;
        // RFC 3986 appendix A, without what starts a user, a query or a fragment.
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]!$&'()*+,;=%".contains(&b);
        if !text.bytes().all(allowed) {
            return Err(Problem::Malformed(FORM));
        }
        let url = Self(text.to_owned());
        let host = url.authority();
        // The colon of a port follows a name; those of an IPv6 address stand within brackets.
        if host.is_empty() || host.starts_with(':') || host.ends_with(':') {
            return Err(Problem::Malformed(FORM));
        }
        Ok(url)
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.split().0
    }

    /// The path as it was written: empty, or from its first `/` on.
    pub fn path(&self) -> &str {
        self.split().1
    }

    /// This URL with a path behind its own; `path` begins with `/`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0.trim_end_matches('/'))
    }

    fn split(&self) -> (&str, &str) {
        let rest = self.0.strip_prefix("https://").or_else(|| self.0.strip_prefix("http://"));
        let rest = rest.unwrap_or_default();
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_scheme_host_and_perhaps_a_path() {
        for (good, authority, path) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", ""),
            ("https://issuer.example.com/", "issuer.example.com", "/"),
            ("https://h/a/b", "h", "/a/b"),
            ("http://[::1]:80/a", "[::1]:80", "/a"),
        ] {
            let url = HttpUrl::parse(good).unwrap();
            assert_eq!((url.authority(), url.path()), (authority, path));
            assert_eq!(url.as_str(), good);
        }
        for bad in [
            "",
            "h",
            "ftp://h",
            "HTTP://h",
            "http://",
            "http:///a",
            "https://h?q",
            "https://h#f",
            "https://u@h",
            "https://h/ a",
            "https://h/\"",
            "https://h/{a}",
            "https://:80",
            "https://h:",
        ] {
            assert!(HttpUrl::parse(bad).is_err(), "{bad}");
        }
        assert!(HttpUrl::parse(&format!("https://{}", "h".repeat(505))).is_err());
    }

    #[test]
    fn joining_makes_one_slash() {
        for base in ["https://h/a", "https://h/a/"] {
            assert_eq!(HttpUrl::parse(base).unwrap().join("/b"), "https://h/a/b");
        }
    }
}
