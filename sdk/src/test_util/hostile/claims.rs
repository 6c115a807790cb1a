//! Signed by the right key, and not an access token of this issuer for this API.

use super::{Forge, Kind};
use crate::test_util::quote;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("iss: missing", "missing_claim", |f| f.draft().without_claim("iss").token()),
    Kind::new("iss: null", "invalid_claim", |f| set(f, "iss", "null")),
    Kind::new("iss: a number", "invalid_claim", |f| set(f, "iss", "1")),
    Kind::new("iss: an array with the right one", "invalid_claim", |f| {
        set(f, "iss", &format!("[{}]", quote(f.issuer.url())))
    }),
    Kind::new("iss: an object", "invalid_claim", |f| set(f, "iss", "{}")),
    Kind::new("iss: empty", "wrong_issuer", |f| text(f, "iss", "")),
    Kind::new("iss: another", "wrong_issuer", |f| text(f, "iss", "https://attacker.example")),
    Kind::new("iss: a slash more", "wrong_issuer", |f| {
        text(f, "iss", &format!("{}/", f.issuer.url()))
    }),
    Kind::new("iss: a path more", "wrong_issuer", |f| {
        text(f, "iss", &format!("{}/x", f.issuer.url()))
    }),
    Kind::new("iss: a query more", "wrong_issuer", |f| {
        text(f, "iss", &format!("{}?", f.issuer.url()))
    }),
    Kind::new("iss: cut off", "wrong_issuer", |f| {
        let mut url = f.issuer.url().to_owned();
        url.pop();
        text(f, "iss", &url)
    }),
    Kind::new("iss: in capitals", "wrong_issuer", |f| {
        text(f, "iss", &f.issuer.url().to_uppercase())
    }),
    Kind::new("iss: the attacker's with ours in it", "wrong_issuer", |f| {
        text(f, "iss", &format!("https://attacker.example/?{}", f.issuer.url()))
    }),
    Kind::new("iss: a space in front", "wrong_issuer", |f| {
        text(f, "iss", &format!(" {}", f.issuer.url()))
    }),
    Kind::new("iss: a NUL behind", "wrong_issuer", |f| {
        text(f, "iss", &format!("{}\0", f.issuer.url()))
    }),
    Kind::new("token_use: missing", "missing_claim", |f| {
        f.draft().without_claim("token_use").token()
    }),
    Kind::new("token_use: an ID token", "wrong_token_use", |f| text(f, "token_use", "id")),
    Kind::new("token_use: a refresh token", "wrong_token_use", |f| text(f, "token_use", "refresh")),
    Kind::new("token_use: with a capital", "wrong_token_use", |f| text(f, "token_use", "Access")),
    Kind::new("token_use: a space behind", "wrong_token_use", |f| text(f, "token_use", "access ")),
    Kind::new("token_use: empty", "wrong_token_use", |f| text(f, "token_use", "")),
    Kind::new("token_use: null", "invalid_claim", |f| set(f, "token_use", "null")),
    Kind::new("token_use: an array", "invalid_claim", |f| set(f, "token_use", "[\"access\"]")),
    Kind::new("token_use: true", "invalid_claim", |f| set(f, "token_use", "true")),
    Kind::new("client_id: missing", "missing_claim", |f| {
        f.draft().without_claim("client_id").token()
    }),
    Kind::new("client_id: null", "invalid_claim", |f| set(f, "client_id", "null")),
    Kind::new("client_id: a number", "invalid_claim", |f| set(f, "client_id", "1")),
    Kind::new("client_id: an array", "invalid_claim", |f| {
        set(f, "client_id", &format!("[{}]", quote(&f.client_id)))
    }),
    Kind::new("client_id: empty", "invalid_claim", |f| client(f, "")),
    Kind::new("client_id: too long", "invalid_claim", |f| client(f, &"c".repeat(129))),
    Kind::new("client_id: a space behind", "invalid_claim", |f| {
        client(f, &format!("{} ", f.client_id))
    }),
    Kind::new("client_id: a line break behind", "invalid_claim", |f| {
        client(f, &format!("{}\n", f.client_id))
    }),
    Kind::new("client_id: a NUL behind", "invalid_claim", |f| {
        client(f, &format!("{}\0", f.client_id))
    }),
    Kind::new("client_id: a slash", "invalid_claim", |f| client(f, "a/b")),
    Kind::new("client_id: a quote", "invalid_claim", |f| client(f, "a'b")),
    Kind::new("client_id: markup", "invalid_claim", |f| client(f, "<b>")),
    Kind::new("client_id: a separator of keys", "invalid_claim", |f| client(f, "a#b")),
    Kind::new("client_id: a letter outside of ASCII", "invalid_claim", |f| client(f, "caf\u{e9}")),
    Kind::new("client_id: digits outside of ASCII", "invalid_claim", |f| {
        client(f, "\u{661}\u{662}\u{663}")
    }),
    Kind::new("sub: another", "invalid_claim", |f| text(f, "sub", "somebody")),
    Kind::new("sub: in capitals", "invalid_claim", |f| {
        text(f, "sub", &format!("{}X", f.client_id.to_uppercase()))
    }),
    Kind::new("sub: empty", "invalid_claim", |f| text(f, "sub", "")),
    Kind::new("sub: null", "invalid_claim", |f| set(f, "sub", "null")),
    Kind::new("sub: a number", "invalid_claim", |f| set(f, "sub", "1")),
    Kind::new("sub: an array", "invalid_claim", |f| {
        set(f, "sub", &format!("[{}]", quote(&f.client_id)))
    }),
    Kind::new("jti: missing", "missing_claim", |f| f.draft().without_claim("jti").token()),
    Kind::new("jti: null", "invalid_claim", |f| set(f, "jti", "null")),
    Kind::new("jti: a number", "invalid_claim", |f| set(f, "jti", "1")),
    Kind::new("jti: an array", "invalid_claim", |f| set(f, "jti", "[\"x\"]")),
    Kind::new("jti: empty", "invalid_claim", |f| text(f, "jti", "")),
    Kind::new("jti: too long", "invalid_claim", |f| text(f, "jti", &"j".repeat(129))),
    Kind::new("jti: a space", "invalid_claim", |f| text(f, "jti", "a b")),
    Kind::new("jti: a line break", "invalid_claim", |f| text(f, "jti", "a\nb")),
    Kind::new("jti: a NUL", "invalid_claim", |f| text(f, "jti", "a\0b")),
    Kind::new("jti: outside of ASCII", "invalid_claim", |f| text(f, "jti", "j\u{e9}")),
    Kind::new("scope: missing", "missing_claim", |f| f.draft().without_claim("scope").token()),
    Kind::new("scope: under the name scp", "missing_claim", |f| {
        f.draft().without_claim("scope").claim("scp", quote(&f.scope)).token()
    }),
    Kind::new("scope: null", "invalid_claim", |f| set(f, "scope", "null")),
    Kind::new("scope: a number", "invalid_claim", |f| set(f, "scope", "1")),
    Kind::new("scope: an array", "invalid_claim", |f| {
        set(f, "scope", &format!("[{}]", quote(&f.scope)))
    }),
    Kind::new("scope: an object", "invalid_claim", |f| {
        set(f, "scope", &format!("{{{}:true}}", quote(&f.scope)))
    }),
    Kind::new("scope: empty", "invalid_claim", |f| scope(f, |_| String::new())),
    Kind::new("scope: a space", "invalid_claim", |f| scope(f, |_| " ".into())),
    Kind::new("scope: a space in front", "invalid_claim", |f| scope(f, |s| format!(" {s}"))),
    Kind::new("scope: a space behind", "invalid_claim", |f| scope(f, |s| format!("{s} "))),
    Kind::new("scope: two spaces between", "invalid_claim", |f| scope(f, |s| format!("{s}  x/y"))),
    Kind::new("scope: a tab between", "invalid_claim", |f| scope(f, |s| format!("{s}\tx/y"))),
    Kind::new("scope: a line break between", "invalid_claim", |f| {
        scope(f, |s| format!("{s}\nx/y"))
    }),
    Kind::new("scope: a no-break space between", "invalid_claim", |f| {
        scope(f, |s| format!("{s}\u{a0}x/y"))
    }),
    Kind::new("scope: a quote", "invalid_claim", |f| scope(f, |s| format!("{s} \"x/y\""))),
    Kind::new("scope: a backslash", "invalid_claim", |f| scope(f, |s| format!("{s} x\\y"))),
    Kind::new("scope: a NUL", "invalid_claim", |f| scope(f, |s| format!("{s}\0"))),
    Kind::new("scope: outside of ASCII", "invalid_claim", |f| scope(f, |s| format!("{s} \u{e9}"))),
    Kind::new("scope: too many", "invalid_claim", |f| {
        let more: Vec<_> = (0..128).map(|i| format!("x/{i}")).collect();
        scope(f, |s| format!("{s} {}", more.join(" ")))
    }),
    Kind::new("scope: another API's", "insufficient_scope", |f| scope(f, |_| "x/y".into())),
    Kind::new("scope: a comma instead of a space", "insufficient_scope", |f| {
        scope(f, |s| format!("{s},x/y"))
    }),
    Kind::new("scope: in other case", "insufficient_scope", |f| {
        scope(f, |s| format!("{}X", s.to_uppercase()))
    }),
    Kind::new("scope: the beginning of the right one", "insufficient_scope", |f| {
        scope(f, |s| s.split_at(s.len() - 1).0.into())
    }),
    Kind::new("scope: the right one and more", "insufficient_scope", |f| {
        scope(f, |s| format!("{s}-all"))
    }),
    Kind::new("scope: a path below the right one", "insufficient_scope", |f| {
        scope(f, |s| format!("{s}/x"))
    }),
    Kind::new("scope: a star", "insufficient_scope", |f| scope(f, |_| "*".into())),
    Kind::new("scope: a star behind the identifier", "insufficient_scope", |f| {
        scope(f, |s| format!("{}/*", s.rsplit_once('/').unwrap_or_default().0))
    }),
    Kind::new("scope: the identifier alone", "insufficient_scope", |f| {
        scope(f, |s| format!("{}/", s.rsplit_once('/').unwrap_or_default().0))
    }),
    Kind::new("scope: percent-encoded", "insufficient_scope", |f| {
        scope(f, |s| format!("{}%2F", s.replace('/', "%2F")))
    }),
    Kind::new("aud: another", "wrong_audience", |f| text(f, "aud", "somebody")),
    Kind::new("aud: empty", "wrong_audience", |f| text(f, "aud", "")),
    Kind::new("aud: the issuer", "wrong_audience", |f| text(f, "aud", f.issuer.url())),
    Kind::new("aud: an empty array", "wrong_audience", |f| set(f, "aud", "[]")),
    Kind::new("aud: others", "wrong_audience", |f| set(f, "aud", r#"["a","b"]"#)),
    Kind::new("aud: the client and another", "wrong_audience", |f| {
        set(f, "aud", &format!("[{},\"x\"]", quote(&f.client_id)))
    }),
    Kind::new("aud: null", "invalid_claim", |f| set(f, "aud", "null")),
    Kind::new("aud: a number", "invalid_claim", |f| set(f, "aud", "1")),
    Kind::new("aud: an object", "invalid_claim", |f| set(f, "aud", "{}")),
    Kind::new("aud: an array with a number", "invalid_claim", |f| {
        set(f, "aud", &format!("[{},1]", quote(&f.client_id)))
    }),
    Kind::new("aud: an array in an array", "invalid_claim", |f| {
        set(f, "aud", &format!("[[{}]]", quote(&f.client_id)))
    }),
];

fn set(f: &Forge, name: &str, json: &str) -> String {
    f.draft().claim(name, json).token()
}

fn text(f: &Forge, name: &str, value: &str) -> String {
    set(f, name, &quote(value))
}

/// The client under another id; the subject follows, so that it is not what is refused.
fn client(f: &Forge, id: &str) -> String {
    f.draft().claim("client_id", quote(id)).claim("sub", quote(id)).token()
}

fn scope(f: &Forge, change: impl Fn(&str) -> String) -> String {
    text(f, "scope", &change(&f.scope))
}
