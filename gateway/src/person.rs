//! For whom a page was opened.
//!
//! All tabs of a browser share one session. Who signs in as somebody else in one of them would act as that
//! person in the others, whose pages still show the first. So a page says with each call whom it was opened
//! for, and a session of somebody else is not used for it.

use http::HeaderMap;
use http::header::HeaderName;
use percent_encoding::percent_decode;

/// The id of the person whom the page shows, percent-encoded. Without it a call is for whoever is signed in:
/// that is how a page asks who that is.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-turnpike-person");

/// Whether a request was made for this person, or for whoever is signed in.
pub(crate) fn is_for(headers: &HeaderMap, person_id: &str) -> bool {
    let mut values = headers.get_all(HEADER).iter();
    match (values.next(), values.next()) {
        (None, _) => true,
        (Some(value), None) => percent_decode(value.as_bytes()).eq(person_id.bytes()),
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_page_names_its_person() {
        let named = |values: &[&'static str], person: &str| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, HeaderValue::from_static(value));
            }
            is_for(&headers, person)
        };
        assert!(named(&[], "olga"));
        assert!(named(&["olga"], "olga"));
        assert!(named(&["o%6Cga"], "olga"));
        assert!(named(&["zo%C3%AB%40a%20b%2F%25"], "zoë@a b/%"));
        for other in ["pavel", "Olga", "olga ", "", "%zz", "%FF"] {
            assert!(!named(&[other], "olga"), "{other}");
        }
        assert!(!named(&["olga", "olga"], "olga"), "two are none");
    }
}
