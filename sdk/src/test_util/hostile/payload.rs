//! Signed by the right key, and not one JSON object of claims.

use super::Kind;
use crate::test_util::quote;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("claims: empty", "malformed", |f| f.with_claims("")),
    Kind::new("claims: not JSON", "malformed", |f| f.with_claims("client_id=partner")),
    Kind::new("claims: an array", "malformed", |f| {
        f.with_claims(format!("[{}]", f.draft().claims_text()))
    }),
    Kind::new("claims: a string", "malformed", |f| f.with_claims(quote(&f.draft().claims_text()))),
    Kind::new("claims: a number", "malformed", |f| f.with_claims("1")),
    Kind::new("claims: null", "malformed", |f| f.with_claims("null")),
    Kind::new("claims: true", "malformed", |f| f.with_claims("true")),
    Kind::new("claims: a token", "malformed", |f| f.with_claims(f.good())),
    Kind::new("claims: cut off", "malformed", |f| {
        f.with_claims(f.draft().claims_text().trim_end_matches('}'))
    }),
    Kind::new("claims: something behind", "malformed", |f| {
        f.with_claims(format!("{}x", f.draft().claims_text()))
    }),
    Kind::new("claims: another object behind", "malformed", |f| {
        f.with_claims(f.draft().claims_text().repeat(2))
    }),
    Kind::new("claims: a NUL behind", "malformed", |f| {
        f.with_claims(format!("{}\0", f.draft().claims_text()))
    }),
    Kind::new("claims: a byte order mark", "malformed", |f| {
        f.with_claims(format!("\u{feff}{}", f.draft().claims_text()))
    }),
    Kind::new("claims: a comma too many", "malformed", |f| {
        f.with_claims(f.draft().claims_text().replace('}', ",}"))
    }),
    Kind::new("claims: a comment", "malformed", |f| {
        f.with_claims(f.draft().claims_text().replace('}', "/* more */}"))
    }),
    Kind::new("claims: single quotes", "malformed", |f| {
        f.with_claims(f.draft().claims_text().replace('"', "'"))
    }),
    Kind::new("claims: a name without quotes", "malformed", |f| {
        f.with_claims(f.draft().claims_text().replace("\"exp\"", "exp"))
    }),
    Kind::new("claims: a no-break space between", "malformed", |f| {
        f.with_claims(f.draft().claims_text().replace("\"exp\"", "\u{a0}\"exp\""))
    }),
    Kind::new("claims: a raw control character", "malformed", |f| {
        f.draft().claim("x", "\"a\nb\"").token()
    }),
    Kind::new("claims: an unknown escape", "malformed", |f| {
        f.draft().claim("x", r#""\x41""#).token()
    }),
    Kind::new("claims: a lone surrogate", "malformed", |f| {
        f.draft().claim("x", r#""\udc00""#).token()
    }),
    Kind::new("claims: NaN", "malformed", |f| f.draft().claim("x", "NaN").token()),
    Kind::new("claims: infinity", "malformed", |f| f.draft().claim("x", "Infinity").token()),
    Kind::new("claims: a number with a leading zero", "malformed", |f| {
        f.draft().claim("x", "007").token()
    }),
    Kind::new("claims: a hexadecimal number", "malformed", |f| {
        f.draft().claim("x", "0x7f").token()
    }),
    Kind::new("claims: too deep", "malformed", |f| {
        f.draft().claim("x", format!("{}{}", "[".repeat(16), "]".repeat(16))).token()
    }),
    Kind::new("claims: far too deep", "malformed", |f| {
        f.draft().claim("x", "[".repeat(4000)).token()
    }),
    Kind::new("claims: objects too deep", "malformed", |f| {
        f.draft().claim("x", format!("{}1{}", r#"{"x":"#.repeat(16), "}".repeat(16))).token()
    }),
    Kind::new("claims: too many", "malformed", |f| {
        (0..200).fold(f.draft(), |draft, i| draft.claim(&format!("x{i}"), i)).token()
    }),
    Kind::new("claims: too many inside one", "malformed", |f| {
        let members: Vec<_> = (0..200).map(|i| format!("\"x{i}\":{i}")).collect();
        f.draft().claim("x", format!("{{{}}}", members.join(","))).token()
    }),
    Kind::new("claims: two clients", "duplicate_member", |f| {
        f.draft().repeat_claim("client_id", "\"other\"").token()
    }),
    Kind::new("claims: two scopes", "duplicate_member", |f| {
        f.draft().repeat_claim("scope", "\"admin/all\"").token()
    }),
    Kind::new("claims: a second scope in escapes", "duplicate_member", |f| {
        let claims = f.draft().claims_text();
        f.with_claims(claims.replace('}', r#","s\u0063ope":"admin/all"}"#))
    }),
    Kind::new("claims: two expiries", "duplicate_member", |f| {
        f.draft().repeat_claim("exp", f.now + 9000).token()
    }),
    Kind::new("claims: the same expiry twice", "duplicate_member", |f| {
        f.draft().repeat_claim("exp", f.now + 3600).token()
    }),
    Kind::new("claims: two issuers", "duplicate_member", |f| {
        f.draft().repeat_claim("iss", "\"https://attacker.example\"").token()
    }),
    Kind::new("claims: an unknown one twice", "duplicate_member", |f| {
        f.draft().claim("x", 1).repeat_claim("x", 2).token()
    }),
    Kind::new("claims: one without a name twice", "duplicate_member", |f| {
        f.draft().claim("", 1).repeat_claim("", 2).token()
    }),
    Kind::new("claims: a duplicate inside one", "duplicate_member", |f| {
        f.draft().claim("x", r#"{"a":1,"b":2,"a":3}"#).token()
    }),
    Kind::new("claims: a duplicate deep inside one", "duplicate_member", |f| {
        f.draft().claim("x", r#"[[{"y":{"a":1,"\u0061":3}}]]"#).token()
    }),
];
