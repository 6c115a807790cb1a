//! A header that says too little, too much, or the wrong thing.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA512, RsaEncoding,
};

use super::{Forge, Kind};
use crate::base64url;
use crate::test_util::quote;

pub(super) const KINDS: &[Kind] = &[
    // Not one JSON object.
    Kind::new("header: not JSON", "malformed", |f| f.with_header("RS256")),
    Kind::new("header: an array", "malformed", |f| f.with_header("[]")),
    Kind::new("header: an array of headers", "malformed", |f| {
        f.with_header(format!("[{}]", f.draft().header_text()))
    }),
    Kind::new("header: a string", "malformed", |f| f.with_header(quote(&f.draft().header_text()))),
    Kind::new("header: a number", "malformed", |f| f.with_header("1")),
    Kind::new("header: null", "malformed", |f| f.with_header("null")),
    Kind::new("header: cut off", "malformed", |f| {
        f.with_header(f.draft().header_text().trim_end_matches('}'))
    }),
    Kind::new("header: something behind", "malformed", |f| {
        f.with_header(format!("{}x", f.draft().header_text()))
    }),
    Kind::new("header: another object behind", "malformed", |f| {
        f.with_header(format!("{}{{}}", f.draft().header_text()))
    }),
    Kind::new("header: a NUL behind", "malformed", |f| {
        f.with_header(format!("{}\0", f.draft().header_text()))
    }),
    Kind::new("header: a comma too many", "malformed", |f| {
        f.with_header(f.draft().header_text().replace('}', ",}"))
    }),
    Kind::new("header: a comment", "malformed", |f| {
        f.with_header(f.draft().header_text().replace('}', "/**/}"))
    }),
    Kind::new("header: single quotes", "malformed", |f| {
        f.with_header(f.draft().header_text().replace('"', "'"))
    }),
    Kind::new("header: a byte order mark", "malformed", |f| {
        f.with_header(format!("\u{feff}{}", f.draft().header_text()))
    }),
    Kind::new("header: too deep", "malformed", |f| {
        f.draft().header("x", format!("{}{}", "[".repeat(200), "]".repeat(200))).token()
    }),
    Kind::new("header: too many members", "malformed", |f| {
        (0..40).fold(f.draft(), |draft, i| draft.header(&format!("x{i}"), i)).token()
    }),
    Kind::new("header: a lone surrogate", "malformed", |f| {
        f.draft().header("x", r#""\ud800""#).token()
    }),
    // Two members with one name.
    Kind::new("header: two algorithms", "duplicate_member", |f| {
        f.draft().repeat_header("alg", "\"none\"").token()
    }),
    Kind::new("header: two algorithms, the right one last", "duplicate_member", |f| {
        f.draft().without_header("alg").header("alg", "\"none\"").repeat_header("alg", RS).token()
    }),
    Kind::new("header: the same algorithm twice", "duplicate_member", |f| {
        f.draft().repeat_header("alg", RS).token()
    }),
    Kind::new("header: a second algorithm in escapes", "duplicate_member", |f| {
        let header = f.draft().header_text();
        f.with_header(header.replace('}', r#","\u0061lg":"none"}"#))
    }),
    Kind::new("header: two key ids", "duplicate_member", |f| {
        f.draft().repeat_header("kid", quote(f.stranger.key_id())).token()
    }),
    Kind::new("header: two types", "duplicate_member", |f| {
        f.draft().header("typ", JWT).repeat_header("typ", JWT).token()
    }),
    Kind::new("header: an unknown member twice", "duplicate_member", |f| {
        f.draft().header("x", 1).repeat_header("x", 1).token()
    }),
    Kind::new("header: a duplicate inside a member", "duplicate_member", |f| {
        f.draft().header("x", r#"[{"a":1,"a":2}]"#).token()
    }),
    // The algorithm.
    Kind::new("alg: missing", "missing_header", |f| f.draft().without_header("alg").token()),
    Kind::new("alg: an empty header", "missing_header", |f| f.with_header("{}")),
    Kind::new("alg: null", "invalid_header", |f| f.draft().header("alg", "null").token()),
    Kind::new("alg: a number", "invalid_header", |f| f.draft().header("alg", 256).token()),
    Kind::new("alg: an array", "invalid_header", |f| {
        f.draft().header("alg", r#"["RS256"]"#).token()
    }),
    Kind::new("alg: false", "invalid_header", |f| f.draft().header("alg", "false").token()),
    Kind::new("alg: in capitals", "missing_header", |f| {
        f.draft().without_header("alg").header("ALG", RS).token()
    }),
    Kind::new("alg: none, unsigned", "algorithm_mismatch", |f| unsigned(f, "none")),
    Kind::new("alg: None, unsigned", "algorithm_mismatch", |f| unsigned(f, "None")),
    Kind::new("alg: NONE, unsigned", "algorithm_mismatch", |f| unsigned(f, "NONE")),
    Kind::new("alg: nOnE, unsigned", "algorithm_mismatch", |f| unsigned(f, "nOnE")),
    Kind::new("alg: empty, unsigned", "algorithm_mismatch", |f| unsigned(f, "")),
    Kind::new("alg: none, signed", "algorithm_mismatch", |f| named(f, "none")),
    Kind::new("alg: in small letters", "algorithm_mismatch", |f| named(f, "rs256")),
    Kind::new("alg: a space behind", "algorithm_mismatch", |f| named(f, "RS256 ")),
    Kind::new("alg: a NUL behind", "algorithm_mismatch", |f| named(f, "RS256\0")),
    Kind::new("alg: ES256", "algorithm_mismatch", |f| named(f, "ES256")),
    Kind::new("alg: ES384", "algorithm_mismatch", |f| named(f, "ES384")),
    Kind::new("alg: EdDSA", "algorithm_mismatch", |f| named(f, "EdDSA")),
    Kind::new("alg: an encryption", "algorithm_mismatch", |f| named(f, "RSA-OAEP-256")),
    Kind::new("alg: dir", "algorithm_mismatch", |f| named(f, "dir")),
    Kind::new("alg: RS384, signed so", "algorithm_mismatch", |f| {
        rsa(f, "RS384", &RSA_PKCS1_SHA384)
    }),
    Kind::new("alg: RS512, signed so", "algorithm_mismatch", |f| {
        rsa(f, "RS512", &RSA_PKCS1_SHA512)
    }),
    Kind::new("alg: PS256, signed so", "algorithm_mismatch", |f| rsa(f, "PS256", &RSA_PSS_SHA256)),
    Kind::new("alg: PS512, signed so", "algorithm_mismatch", |f| rsa(f, "PS512", &RSA_PSS_SHA512)),
    Kind::new("alg: HS256 with the public key in DER", "algorithm_mismatch", |f| {
        hmac(f, &f.issuer.public_der())
    }),
    Kind::new("alg: HS256 with the public key in PEM", "algorithm_mismatch", |f| {
        hmac(f, pem(&f.issuer.public_der()).as_bytes())
    }),
    Kind::new("alg: HS256 with the modulus", "algorithm_mismatch", |f| {
        hmac(f, &f.issuer.modulus())
    }),
    Kind::new("alg: HS256 with the JWK", "algorithm_mismatch", |f| {
        hmac(f, f.issuer.jwk().as_bytes())
    }),
    Kind::new("alg: HS256 with the key id", "algorithm_mismatch", |f| {
        hmac(f, f.issuer.key_id().as_bytes())
    }),
    Kind::new("alg: HS256 with nothing", "algorithm_mismatch", |f| hmac(f, b"")),
    // The key id.
    Kind::new("kid: missing", "missing_header", |f| f.draft().without_header("kid").token()),
    Kind::new("kid: null", "invalid_header", |f| f.draft().header("kid", "null").token()),
    Kind::new("kid: a number", "invalid_header", |f| f.draft().header("kid", 0).token()),
    Kind::new("kid: an array", "invalid_header", |f| {
        f.draft().header("kid", format!("[{}]", quote(f.issuer.key_id()))).token()
    }),
    Kind::new("kid: an object", "invalid_header", |f| f.draft().header("kid", "{}").token()),
    Kind::new("kid: empty", "invalid_header", |f| kid(f, "")),
    Kind::new("kid: too long", "invalid_header", |f| kid(f, &"k".repeat(257))),
    Kind::new("kid: unknown", "unknown_key", |f| kid(f, "nobody")),
    Kind::new("kid: a stranger's, signed by the stranger", "unknown_key", |f| {
        f.stranger.token_of(
            f.draft().header("kid", quote(f.stranger.key_id())).header_text(),
            f.draft().claims_text(),
        )
    }),
    Kind::new("kid: a space behind", "unknown_key", |f| kid(f, &format!("{} ", f.issuer.key_id()))),
    Kind::new("kid: a NUL behind", "unknown_key", |f| kid(f, &format!("{}\0", f.issuer.key_id()))),
    Kind::new("kid: cut off", "unknown_key", |f| kid(f, &f.issuer.key_id()[1..])),
    Kind::new("kid: a path", "unknown_key", |f| kid(f, "../../../../../../dev/null")),
    Kind::new("kid: a URL", "unknown_key", |f| kid(f, "https://attacker.example/jwks.json")),
    Kind::new("kid: a piece of SQL", "unknown_key", |f| kid(f, "x' UNION SELECT 'key';--")),
    Kind::new("kid: a command", "unknown_key", |f| kid(f, "key|/usr/bin/id")),
    Kind::new("kid: markup", "unknown_key", |f| kid(f, "<script>alert(1)</script>")),
    Kind::new("kid: a line break", "unknown_key", |f| kid(f, "key\r\nX-Injected: 1")),
    // Extensions that a verifier must understand or refuse.
    Kind::new("crit: an unknown extension", "critical_extension", |f| {
        f.draft().header("crit", r#"["http://example.org/x"]"#).token()
    }),
    Kind::new("crit: a claim", "critical_extension", |f| {
        f.draft().header("crit", r#"["exp"]"#).header("exp", f.now + 60).token()
    }),
    Kind::new("crit: empty", "critical_extension", |f| f.draft().header("crit", "[]").token()),
    Kind::new("crit: null", "critical_extension", |f| f.draft().header("crit", "null").token()),
    Kind::new("crit: no array", "critical_extension", |f| {
        f.draft().header("crit", "\"b64\"").token()
    }),
    Kind::new("b64: false and critical", "critical_extension", |f| {
        f.draft().header("b64", "false").header("crit", r#"["b64"]"#).token()
    }),
    Kind::new("b64: false", "critical_extension", |f| f.draft().header("b64", "false").token()),
    Kind::new("b64: true", "critical_extension", |f| f.draft().header("b64", "true").token()),
    // Keys that the token brings along.
    Kind::new("jwk: the stranger's, signed by the stranger", "key_in_header", |f| {
        f.stranger.token_of(
            f.draft().header("jwk", f.stranger.jwk()).header_text(),
            f.draft().claims_text(),
        )
    }),
    Kind::new("jwk: the right key", "key_in_header", |f| {
        f.draft().header("jwk", f.issuer.jwk()).token()
    }),
    Kind::new("jwk: null", "key_in_header", |f| f.draft().header("jwk", "null").token()),
    Kind::new("jwk: and no kid", "key_in_header", |f| {
        f.draft().without_header("kid").header("jwk", f.issuer.jwk()).token()
    }),
    Kind::new("jku: the attacker's", "key_in_header", |f| {
        f.draft().header("jku", "\"https://attacker.example/jwks.json\"").token()
    }),
    Kind::new("jku: the issuer's own", "key_in_header", |f| {
        f.draft().header("jku", quote(&format!("{}/.well-known/jwks.json", f.issuer.url()))).token()
    }),
    Kind::new("x5u: the attacker's", "key_in_header", |f| {
        f.draft().header("x5u", "\"https://attacker.example/cert.pem\"").token()
    }),
    Kind::new("x5c: a chain", "key_in_header", |f| f.draft().header("x5c", "[\"MIIC\"]").token()),
    Kind::new("x5c: empty", "key_in_header", |f| f.draft().header("x5c", "[]").token()),
    // Another kind of token.
    Kind::new("typ: in small letters", "wrong_type", |f| typ(f, "\"jwt\"")),
    Kind::new("typ: of DPoP proofs", "wrong_type", |f| typ(f, "\"dpop+jwt\"")),
    Kind::new("typ: of logout tokens", "wrong_type", |f| typ(f, "\"logout+jwt\"")),
    Kind::new("typ: of security events", "wrong_type", |f| typ(f, "\"secevent+jwt\"")),
    Kind::new("typ: of client assertions", "wrong_type", |f| {
        typ(f, "\"client-authentication+jwt\"")
    }),
    Kind::new("typ: of introspection answers", "wrong_type", |f| {
        typ(f, "\"token-introspection+jwt\"")
    }),
    Kind::new("typ: JOSE+JSON", "wrong_type", |f| typ(f, "\"JOSE+JSON\"")),
    Kind::new("typ: JWE", "wrong_type", |f| typ(f, "\"JWE\"")),
    Kind::new("typ: empty", "wrong_type", |f| typ(f, "\"\"")),
    Kind::new("typ: null", "wrong_type", |f| typ(f, "null")),
    Kind::new("typ: a number", "wrong_type", |f| typ(f, "1")),
    Kind::new("typ: an array", "wrong_type", |f| typ(f, "[\"JWT\"]")),
    Kind::new("cty: a token inside", "wrong_type", |f| f.draft().header("cty", JWT).token()),
    Kind::new("cty: JSON", "wrong_type", |f| f.draft().header("cty", "\"json\"").token()),
    Kind::new("cty: null", "wrong_type", |f| f.draft().header("cty", "null").token()),
    Kind::new("cty: a token really inside", "wrong_type", |f| {
        f.issuer.token_of(f.draft().header("cty", JWT).header_text(), f.good())
    }),
];

const RS: &str = "\"RS256\"";
const JWT: &str = "\"JWT\"";

fn named(f: &Forge, algorithm: &str) -> String {
    f.draft().header("alg", quote(algorithm)).token()
}

fn kid(f: &Forge, id: &str) -> String {
    f.draft().header("kid", quote(id)).token()
}

fn typ(f: &Forge, json: &str) -> String {
    f.draft().header("typ", json).token()
}

fn unsigned(f: &Forge, algorithm: &str) -> String {
    let draft = f.draft().header("alg", quote(algorithm));
    format!("{}.", input(&draft.header_text(), &draft.claims_text()))
}

/// Signed by the right key, in the way that the header says.
fn rsa(f: &Forge, algorithm: &str, padding: &'static dyn RsaEncoding) -> String {
    let draft = f.draft().header("alg", quote(algorithm));
    let input = input(&draft.header_text(), &draft.claims_text());
    let signature = base64url::encode(f.issuer.sign_rsa(padding, input.as_bytes()));
    format!("{input}.{signature}")
}

/// What everybody knows, used as the secret of an HMAC.
fn hmac(f: &Forge, secret: &[u8]) -> String {
    let draft = f.draft().header("alg", "\"HS256\"");
    let input = input(&draft.header_text(), &draft.claims_text());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", base64url::encode(tag))
}

fn input(header: &str, claims: &str) -> String {
    format!("{}.{}", base64url::encode(header), base64url::encode(claims))
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<_> =
        text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
