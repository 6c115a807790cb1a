//! Signed by the right key, with times that are none, or that are not now.

use super::{Forge, Kind};

/// Beyond any leeway that a verifier may have.
const FAR: i64 = 120;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("exp: missing", "missing_claim", |f| f.draft().without_claim("exp").token()),
    Kind::new("exp: in capitals", "missing_claim", |f| {
        f.draft().without_claim("exp").claim("EXP", f.now + 3600).token()
    }),
    Kind::new("exp: null", "invalid_claim", |f| set(f, "exp", "null")),
    Kind::new("exp: a string", "invalid_claim", |f| set(f, "exp", format!("\"{}\"", f.now + 3600))),
    Kind::new("exp: a date", "invalid_claim", |f| set(f, "exp", "\"2999-01-01T00:00:00Z\"")),
    Kind::new("exp: a fraction", "invalid_claim", |f| set(f, "exp", format!("{}.5", f.now + 3600))),
    Kind::new("exp: a whole number with a fraction", "invalid_claim", |f| {
        set(f, "exp", format!("{}.0", f.now + 3600))
    }),
    Kind::new("exp: with an exponent", "invalid_claim", |f| set(f, "exp", "9e9")),
    Kind::new("exp: huge", "invalid_claim", |f| set(f, "exp", "1e300")),
    Kind::new("exp: beyond every float", "invalid_claim", |f| set(f, "exp", "1e999")),
    Kind::new("exp: beyond exact integers", "invalid_claim", |f| set(f, "exp", "9007199254740992")),
    Kind::new("exp: the largest of 64 bits", "invalid_claim", |f| set(f, "exp", i64::MAX)),
    Kind::new("exp: beyond 64 bits", "invalid_claim", |f| set(f, "exp", "18446744073709551616")),
    Kind::new("exp: negative", "invalid_claim", |f| set(f, "exp", -1)),
    Kind::new("exp: negative zero", "invalid_claim", |f| set(f, "exp", "-0")),
    Kind::new("exp: true", "invalid_claim", |f| set(f, "exp", "true")),
    Kind::new("exp: an array", "invalid_claim", |f| set(f, "exp", format!("[{}]", f.now + 3600))),
    Kind::new("exp: an object", "invalid_claim", |f| set(f, "exp", "{}")),
    Kind::new("exp: zero", "invalid_claim", |f| set(f, "exp", 0)),
    Kind::new("exp: the moment of issue", "invalid_claim", |f| set(f, "exp", f.now)),
    Kind::new("exp: before the moment of issue", "invalid_claim", |f| set(f, "exp", f.now - 1)),
    Kind::new("exp: passed", "expired", |f| {
        f.draft().claim("iat", f.now - 3600).claim("exp", f.now - FAR).token()
    }),
    Kind::new("exp: passed a year ago", "expired", |f| {
        let then = f.now - 365 * 86_400;
        f.draft().claim("iat", then).claim("exp", then + 3600).token()
    }),
    Kind::new("exp: passed at the beginning of time", "expired", |f| {
        f.draft().claim("iat", 0).claim("exp", 1).token()
    }),
    Kind::new("iat: missing", "missing_claim", |f| f.draft().without_claim("iat").token()),
    Kind::new("iat: null", "invalid_claim", |f| set(f, "iat", "null")),
    Kind::new("iat: a string", "invalid_claim", |f| set(f, "iat", format!("\"{}\"", f.now))),
    Kind::new("iat: a fraction", "invalid_claim", |f| set(f, "iat", format!("{}.25", f.now - 1))),
    Kind::new("iat: with an exponent", "invalid_claim", |f| set(f, "iat", "1e9")),
    Kind::new("iat: negative", "invalid_claim", |f| set(f, "iat", -1)),
    Kind::new("iat: false", "invalid_claim", |f| set(f, "iat", "false")),
    Kind::new("iat: an array", "invalid_claim", |f| set(f, "iat", "[1]")),
    Kind::new("iat: in the future", "issued_in_future", |f| set(f, "iat", f.now + FAR)),
    Kind::new("iat: tomorrow", "issued_in_future", |f| {
        f.draft().claim("iat", f.now + 86_400).claim("exp", f.now + 90_000).token()
    }),
    Kind::new("iat: in milliseconds", "issued_in_future", |f| {
        f.draft().claim("iat", f.now * 1000).claim("exp", (f.now + 3600) * 1000).token()
    }),
    Kind::new("nbf: in the future", "not_yet_valid", |f| set(f, "nbf", f.now + FAR)),
    Kind::new("nbf: after the expiry", "not_yet_valid", |f| set(f, "nbf", f.now + 7200)),
    Kind::new("nbf: null", "invalid_claim", |f| set(f, "nbf", "null")),
    Kind::new("nbf: a string", "invalid_claim", |f| set(f, "nbf", "\"0\"")),
    Kind::new("nbf: a fraction", "invalid_claim", |f| set(f, "nbf", "0.5")),
    Kind::new("nbf: negative", "invalid_claim", |f| set(f, "nbf", -1)),
    Kind::new("nbf: an array", "invalid_claim", |f| set(f, "nbf", "[]")),
    Kind::new("auth_time: null", "invalid_claim", |f| set(f, "auth_time", "null")),
    Kind::new("auth_time: a string", "invalid_claim", |f| set(f, "auth_time", "\"1\"")),
    Kind::new("auth_time: a fraction", "invalid_claim", |f| set(f, "auth_time", "1.5")),
    Kind::new("auth_time: negative", "invalid_claim", |f| set(f, "auth_time", -1)),
];

fn set(f: &Forge, name: &str, json: impl ToString) -> String {
    f.draft().claim(name, json).token()
}
