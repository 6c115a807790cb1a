//! The body of a request to an OAuth endpoint: `application/x-www-form-urlencoded`, read strictly.

use std::fmt;

use crate::oauth::refusal::Refusal;

const NOT_UTF8: &str = "the form is not UTF-8";
/// No endpoint knows a tenth of these.
const PARAMETERS_MAX: usize = 64;

/// Parameters in the order they were sent. Holds secrets and tokens, so it does not print.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body: UTF-8 in `application/x-www-form-urlencoded` (RFC 6749 appendix B). The values
    /// of the `opaque` parameters may hold any character; no other name or value holds a NUL.
    ///
    /// # Errors
    ///
    /// [`Refusal::Request`] for anything else, for a parameter that stands twice (RFC 6749 section
    /// 3.2), and for more than 64 of them.
    pub fn parse(body: &[u8], opaque: &[&str]) -> Result<Self, Refusal> {
        let body = str::from_utf8(body).map_err(|_| Refusal::Request(NOT_UTF8))?;
        let mut form = Self(Vec::new());
        for piece in body.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if name.contains('\0') || (value.contains('\0') && !opaque.contains(&name.as_str())) {
                return Err(Refusal::Request("a parameter holds a NUL"));
            }
            if form.0.iter().any(|(known, _)| *known == name) {
                return Err(Refusal::Request("a parameter is repeated"));
            }
            if form.0.len() == PARAMETERS_MAX {
                return Err(Refusal::Request("there are too many parameters"));
            }
            form.0.push((name, value));
        }
        Ok(form)
    }

    /// The value of a parameter. One without a value counts as not sent (RFC 6749 section 3.2).
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form(..)")
    }
}

/// Undoes the form's encoding: `+` is a space, `%` stands before two hexadecimal digits.
pub(crate) fn decode(text: &str) -> Result<String, Refusal> {
    // In a token there is nothing to undo. To look at all of it, many bytes at a time, is sooner done than to look for
    // the first that is something, byte by byte.
    let plain = |b: u8| !matches!(b, b'+' | b'%' | 0..0x20 | 0x7f);
    if text.bytes().fold(true, |all, b| all & plain(b)) {
        return Ok(text.to_owned());
    }
    let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        match b {
            b'+' => bytes.push(b' '),
            b'%' => match (digit(rest.next()), digit(rest.next())) {
                (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
                _ => return Err(Refusal::Request("the percent-encoding is malformed")),
            },
            0..0x20 | 0x7f => return Err(Refusal::Request("a control character is not encoded")),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::Request(NOT_UTF8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(body: &str, name: &str) -> Option<String> {
        Form::parse(body.as_bytes(), &["token"]).unwrap().get(name).map(str::to_owned)
    }

    #[test]
    fn it_decodes_names_and_values() {
        assert_eq!(get("a=1&b=x+y%2Bz%C3%A4&%63=3", "b").as_deref(), Some("x y+zä"));
        assert_eq!(get("a=1&b=2&%63=3", "c").as_deref(), Some("3"));
        assert_eq!(get("a=b=c", "a").as_deref(), Some("b=c"));
        assert_eq!(get("&&a=1&", "a").as_deref(), Some("1"));
        assert_eq!(get("", "a"), None);
        assert_eq!(get("ä=ö", "ä").as_deref(), Some("ö"));
    }

    #[test]
    fn without_a_value_is_not_sent() {
        assert_eq!(get("a=&b", "a"), None);
        assert_eq!(get("a=&b", "b"), None);
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for bad in [
            &b"a=%"[..],
            b"a=%2",
            b"a=%zz",
            b"%=1",
            b"a=%ff",
            b"a=\xff",
            b"a=\0",
            b"a=%00",
            b"a%00=1",
            b"a=1\n",
            b"a=1&a=1",
            b"a=&a=",
            b"a=1&%61=2",
            b"a=%+1",
        ] {
            assert!(matches!(Form::parse(bad, &["token"]), Err(Refusal::Request(_))), "{bad:?}");
        }
        let many = (0..65).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert!(Form::parse(many.as_bytes(), &[]).is_err());
        assert!(Form::parse(&many.as_bytes()[..many.len() - 6], &[]).is_ok());
    }

    #[test]
    fn an_opaque_value_may_hold_anything_encoded() {
        assert_eq!(get("token=%00%0A", "token").as_deref(), Some("\0\n"));
        assert!(Form::parse(b"token=\0", &["token"]).is_err());
    }
}
