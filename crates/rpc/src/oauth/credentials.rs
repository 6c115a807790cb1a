//! What a caller of an OAuth endpoint shows of itself: an id and a secret (RFC 6749 section 2.3.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::oauth::endpoint::Asked;
use crate::oauth::form::{Form, decode};
use crate::oauth::refusal::Refusal;

/// An id and a secret; neither is compared with anything yet. Does not print.
pub struct Credentials {
    /// The `client_id` of a client or the identifier of a resource server.
    pub id: String,
    /// The secret.
    pub secret: Zeroizing<String>,
    /// Whether they came in the `Authorization` header.
    pub by_header: bool,
}

impl Credentials {
    /// The credentials of a request: HTTP Basic or `client_id` and `client_secret` in the body, and
    /// not both. A `client_id` beside Basic is no second authentication, if it says the same.
    ///
    /// # Errors
    ///
    /// [`Refusal::Client`] if there are none, or of a kind that is not supported;
    /// [`Refusal::Request`] if there are two.
    pub fn of(asked: &Asked) -> Result<Self, Refusal> {
        let Asked { form, authorization, .. } = asked;
        if form.get("client_assertion").is_some() && authorization.is_empty() {
            return Err(client(true, "this kind of client authentication is not supported"));
        }
        match (&authorization[..], form.get("client_secret")) {
            ([], None) => Err(client(true, "the client did not authenticate")),
            ([], Some(secret)) => {
                let id = form.get("client_id").ok_or(Refusal::Request("client_id is missing"))?;
                Ok(Self {
                    id: id.to_owned(),
                    secret: Zeroizing::new(secret.to_owned()),
                    by_header: false,
                })
            }
            ([header], None) if form.get("client_assertion").is_none() => {
                let found = header.to_str().ok().and_then(Self::from_basic);
                let found =
                    found.ok_or(client(true, "the Authorization header is not HTTP Basic"))?;
                found.agrees_with(form)
            }
            _ => Err(Refusal::Request("the client authenticated in more than one way")),
        }
    }

    /// The credentials in the value of an `Authorization` header: HTTP Basic (RFC 7617), whose two
    /// parts are form-encoded first. `None` for anything else.
    pub fn from_basic(header: &str) -> Option<Self> {
        let (scheme, encoded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let joined = STANDARD.decode(encoded.trim_matches(' ')).ok()?;
        let (id, secret) = str::from_utf8(&joined).ok()?.split_once(':')?;
        let (id, secret) = (decode(id).ok()?, Zeroizing::new(decode(secret).ok()?));
        Some(Self { id, secret, by_header: true })
    }

    fn agrees_with(self, form: &Form) -> Result<Self, Refusal> {
        match form.get("client_id") {
            Some(other) if other != self.id => {
                Err(Refusal::Request("client_id and the Authorization header differ"))
            }
            _ => Ok(self),
        }
    }

    /// The refusal of an id or secret that is wrong: the two are one.
    pub const fn refused(by_header: bool) -> Refusal {
        client(by_header, "the client is unknown or the secret is wrong")
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

const fn client(challenge: bool, why: &'static str) -> Refusal {
    Refusal::Client { challenge, why }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use turnpike_registry::Origin;

    use super::*;

    fn asked(headers: &[&str], body: &str) -> Asked {
        Asked {
            form: Form::parse(body.as_bytes(), &[]).unwrap(),
            authorization: headers.iter().map(|h| HeaderValue::from_str(h).unwrap()).collect(),
            peer: None,
            origin: Origin { request_id: String::new(), method: String::new() },
        }
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn both_parts_of_basic_are_form_encoded() {
        let header = basic("https%3A%2F%2Fapi%2Fv1:a+b%3Ac:d%25");
        let found = Credentials::from_basic(&header).unwrap();
        assert_eq!((found.id.as_str(), found.secret.as_str()), ("https://api/v1", "a b:c:d%"));
        let found = Credentials::from_basic(&header.replacen("Basic", "bASIC", 1)).unwrap();
        assert!(found.by_header);
    }

    #[test]
    fn what_is_not_basic_is_none() {
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Basic !!!!",
            "Bearer YTpi",
            "Basic YQ==",
            &basic("a%zz:b"),
            &basic("a:%ff"),
            "BasicYTpi",
            "Basic YTpi YTpi",
        ] {
            assert!(Credentials::from_basic(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn one_way_of_authentication_and_no_more() {
        let header = basic("a:b");
        let good: [(&[&str], &str, bool); 3] = [
            (&[&header], "", true),
            (&[&header], "client_id=a", true),
            (&[], "client_id=a&client_secret=b", false),
        ];
        for (headers, body, by_header) in good {
            let found = Credentials::of(&asked(headers, body)).unwrap();
            assert_eq!((found.id.as_str(), found.secret.as_str()), ("a", "b"), "{body}");
            assert_eq!(found.by_header, by_header);
        }
        let bad: [(&[&str], &str, &str); 9] = [
            (&[], "", "invalid_client"),
            (&[], "client_id=a", "invalid_client"),
            (&[], "client_id=a&client_secret=", "invalid_client"),
            (&[], "client_assertion=x&client_id=a", "invalid_client"),
            (&["Bearer x"], "", "invalid_client"),
            (&[], "client_secret=b", "invalid_request"),
            (&[&header], "client_id=a&client_secret=b", "invalid_request"),
            (&[&header], "client_id=other", "invalid_request"),
            (&[&header, &header], "", "invalid_request"),
        ];
        for (headers, body, error) in bad {
            let refused = Credentials::of(&asked(headers, body)).unwrap_err();
            assert_eq!(refused.error(), error, "{body}");
        }
        let twice = Credentials::of(&asked(&[&header], "client_assertion=x")).unwrap_err();
        assert_eq!(twice.error(), "invalid_request");
    }
}
