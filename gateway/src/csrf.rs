//! Calls that another site's page makes in a browser that holds our cookie.
//!
//! Three things stand in the way, each enough where browsers keep their word: the cookie is
//! `SameSite=Lax`; `Sec-Fetch-Site` and `Origin`, which pages cannot write, must name this origin; and an
//! RPC carries a header that a page of another origin cannot add without asking first (CORS).

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, ORIGIN};

use crate::origin::Origin;

/// The header that each RPC with a session carries, with the value `1`.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-turnpike-csrf");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whose pages may use a session.
#[derive(Clone, Debug)]
pub(crate) struct SameOrigin {
    own: String,
    allowed: Vec<String>,
}

/// The request did not come from a page of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foreign;

/// What the browser says about where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// Nothing: no browser, or an old one.
    Nothing,
    /// From here.
    Ours,
    /// From elsewhere.
    Foreign,
}

impl SameOrigin {
    pub(crate) fn new(own: &Origin, allowed: &[Origin]) -> Self {
        Self { own: own.to_string(), allowed: allowed.iter().map(Origin::to_string).collect() }
    }

    /// For an RPC, or anything else a script of ours sends: the header, and no sign of another site.
    pub(crate) fn check_script(&self, headers: &HeaderMap) -> Result<(), Foreign> {
        if has_header(headers) && self.claim(headers) != Claim::Foreign {
            Ok(())
        } else {
            Err(Foreign)
        }
    }

    /// For a form, which cannot add headers: the browser says that it is ours. A caller that is no
    /// browser sends the header instead.
    pub(crate) fn check_form(&self, headers: &HeaderMap) -> Result<(), Foreign> {
        match self.claim(headers) {
            Claim::Ours => Ok(()),
            Claim::Nothing if has_header(headers) => Ok(()),
            Claim::Nothing | Claim::Foreign => Err(Foreign),
        }
    }

    fn claim(&self, headers: &HeaderMap) -> Claim {
        let origin = match single(headers, &ORIGIN) {
            Ok(origin) => origin.map(HeaderValue::as_bytes),
            Err(Foreign) => return Claim::Foreign,
        };
        if let Some(origin) = origin
            && self.allowed.iter().any(|allowed| allowed.as_bytes() == origin)
        {
            return Claim::Ours;
        }
        let own = origin.is_some_and(|origin| origin == self.own.as_bytes());
        match single(headers, &FETCH_SITE) {
            Err(Foreign) => Claim::Foreign,
            // `null` is what a page with `Referrer-Policy: no-referrer` sends with its forms, and
            // `none` stands for the address bar: no page can cause it.
            Ok(Some(site)) if matches!(site.as_bytes(), b"same-origin" | b"none") => {
                if own || origin.is_none_or(|origin| origin == b"null") {
                    Claim::Ours
                } else {
                    Claim::Foreign
                }
            }
            Ok(Some(_)) => Claim::Foreign,
            Ok(None) if own => Claim::Ours,
            Ok(None) if origin.is_none() => Claim::Nothing,
            Ok(None) => Claim::Foreign,
        }
    }
}

fn has_header(headers: &HeaderMap) -> bool {
    matches!(single(headers, &HEADER), Ok(Some(value)) if value == "1")
}

/// The one value of a header; two are a disguise.
fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Foreign> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Foreign),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "http://127.0.0.1:8080";
    const DEV: &str = "http://127.0.0.1:5173";

    fn rule() -> SameOrigin {
        SameOrigin::new(&Origin::parse(OWN).unwrap(), &[Origin::parse(DEV).unwrap()])
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn where_a_request_comes_from() {
        for (claim, pairs) in [
            (Claim::Nothing, vec![]),
            (Claim::Ours, vec![("origin", OWN)]),
            (Claim::Ours, vec![("origin", DEV)]),
            (Claim::Ours, vec![("origin", DEV), ("sec-fetch-site", "same-site")]),
            (Claim::Ours, vec![("sec-fetch-site", "same-origin")]),
            (Claim::Ours, vec![("sec-fetch-site", "none")]),
            (Claim::Ours, vec![("origin", OWN), ("sec-fetch-site", "same-origin")]),
            (Claim::Ours, vec![("origin", "null"), ("sec-fetch-site", "same-origin")]),
            (Claim::Foreign, vec![("origin", "null")]),
            (Claim::Foreign, vec![("origin", "https://evil.example")]),
            (Claim::Foreign, vec![("origin", "http://127.0.0.1:8081")]),
            (Claim::Foreign, vec![("origin", "https://127.0.0.1:8080")]),
            (Claim::Foreign, vec![("origin", "http://127.0.0.1:8080.evil.example")]),
            (Claim::Foreign, vec![("origin", OWN), ("sec-fetch-site", "cross-site")]),
            (Claim::Foreign, vec![("origin", OWN), ("sec-fetch-site", "same-site")]),
            (
                Claim::Foreign,
                vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            ),
            (Claim::Foreign, vec![("origin", "null"), ("sec-fetch-site", "cross-site")]),
            (Claim::Foreign, vec![("sec-fetch-site", "cross-site")]),
            (Claim::Foreign, vec![("sec-fetch-site", "same-site")]),
            (Claim::Foreign, vec![("sec-fetch-site", "")]),
            (Claim::Foreign, vec![("origin", OWN), ("origin", OWN)]),
            (Claim::Foreign, vec![("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")]),
        ] {
            assert_eq!(rule().claim(&headers(&pairs)), claim, "{pairs:?}");
        }
    }

    #[test]
    fn scripts_bring_the_header_and_forms_bring_an_origin() {
        let ours = ("sec-fetch-site", "same-origin");
        let mark = ("x-turnpike-csrf", "1");
        let check = |pairs: &[(&'static str, &'static str)]| {
            let headers = headers(pairs);
            (rule().check_script(&headers).is_ok(), rule().check_form(&headers).is_ok())
        };
        assert_eq!(check(&[]), (false, false));
        assert_eq!(check(&[ours]), (false, true));
        assert_eq!(check(&[mark]), (true, true));
        assert_eq!(check(&[mark, ours]), (true, true));
        assert_eq!(check(&[mark, ("sec-fetch-site", "cross-site")]), (false, false));
        assert_eq!(check(&[("x-turnpike-csrf", "0")]), (false, false));
        assert_eq!(check(&[mark, mark]), (false, false));
    }
}
