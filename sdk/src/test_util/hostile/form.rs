//! Not three parts of strict base64url, or too much of it.

use super::{Forge, Kind, replace_at};
use crate::base64url;

pub(super) const KINDS: &[Kind] = &[
    Kind::new("one part", "malformed", |f| f.parts()[1].clone()),
    Kind::new("two parts", "malformed", |f| f.parts()[..2].join(".")),
    Kind::new("four parts", "malformed", |f| format!("{}.AAAA", f.good())),
    Kind::new("five parts, as encrypted tokens have", "malformed", |f| {
        format!("{}.AAAA.AAAA", f.good())
    }),
    Kind::new("one dot", "malformed", |_| ".".into()),
    Kind::new("two dots", "malformed", |_| "..".into()),
    Kind::new("three dots", "malformed", |_| "...".into()),
    Kind::new("a thousand dots", "malformed", |_| ".".repeat(1000)),
    Kind::new("a dot in front", "malformed", |f| format!(".{}", f.good())),
    Kind::new("a dot behind", "malformed", |f| format!("{}.", f.good())),
    Kind::new("two tokens in one", "malformed", |f| format!("{}.{}", f.good(), f.good())),
    Kind::new("two tokens with a comma", "malformed", |f| format!("{},{}", f.good(), f.good())),
    Kind::new("no header", "malformed", |f| {
        let [_, claims, signature] = f.parts();
        format!(".{claims}.{signature}")
    }),
    Kind::new("an opaque token", "malformed", |_| "2YotnFZFEjr1zCsicMWpAA".into()),
    Kind::new("a number", "malformed", |_| "1".into()),
    Kind::new("a space", "malformed", |_| " ".into()),
    Kind::new("the word null", "malformed", |_| "null".into()),
    Kind::new("flattened JSON serialisation", "malformed", |f| {
        let [header, claims, signature] = f.parts();
        format!(r#"{{"payload":"{claims}","protected":"{header}","signature":"{signature}"}}"#)
    }),
    Kind::new("general JSON serialisation", "malformed", |f| {
        let [header, claims, signature] = f.parts();
        format!(
            r#"{{"payload":"{claims}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
        )
    }),
    Kind::new("the scheme in front", "bad_encoding", |f| format!("Bearer {}", f.good())),
    Kind::new("a space in front", "bad_encoding", |f| format!(" {}", f.good())),
    Kind::new("a space behind", "bad_encoding", |f| format!("{} ", f.good())),
    Kind::new("a line break behind", "bad_encoding", |f| format!("{}\n", f.good())),
    Kind::new("a carriage return behind", "bad_encoding", |f| format!("{}\r", f.good())),
    Kind::new("a tab behind", "bad_encoding", |f| format!("{}\t", f.good())),
    Kind::new("a NUL behind", "bad_encoding", |f| format!("{}\0", f.good())),
    Kind::new("a NUL in the claims", "bad_encoding", |f| bend(f, 1, |p| replace_at(p, 8, "\0"))),
    Kind::new("quotes around", "bad_encoding", |f| format!("\"{}\"", f.good())),
    Kind::new("a byte order mark in front", "bad_encoding", |f| format!("\u{feff}{}", f.good())),
    Kind::new("a zero-width space behind", "bad_encoding", |f| format!("{}\u{200b}", f.good())),
    Kind::new("wrapped lines", "bad_encoding", |f| {
        bend(f, 1, |p| format!("{}\r\n{}", &p[..76], &p[76..]))
    }),
    Kind::new("percent-encoded dots", "malformed", |f| f.good().replace('.', "%2E")),
    Kind::new("full-width dots", "malformed", |f| f.good().replace('.', "\u{ff0e}")),
    Kind::new("a look-alike letter", "bad_encoding", |f| {
        bend(f, 0, |p| replace_at(p, 0, "\u{435}"))
    }),
    Kind::new("padding of the header", "bad_encoding", |f| bend(f, 0, padded)),
    Kind::new("padding of the claims", "bad_encoding", |f| bend(f, 1, padded)),
    Kind::new("padding of the signature", "bad_encoding", |f| bend(f, 2, padded)),
    Kind::new("signed padding of the header", "bad_encoding", |f| {
        let [header, claims, _] = f.parts();
        f.sign_encoded(&padded(&header), &claims)
    }),
    Kind::new("signed padding of the claims", "bad_encoding", |f| {
        let [header, claims, _] = f.parts();
        f.sign_encoded(&header, &padded(&claims))
    }),
    Kind::new("a plus from the other alphabet", "bad_encoding", |f| {
        bend(f, 2, |p| replace_at(p, 5, "+"))
    }),
    Kind::new("a slash from the other alphabet", "bad_encoding", |f| {
        bend(f, 2, |p| replace_at(p, 5, "/"))
    }),
    Kind::new("a signed plus in the header", "bad_encoding", |f| {
        let [header, claims, _] = f.parts();
        f.sign_encoded(&replace_at(&header, 5, "+"), &claims)
    }),
    Kind::new("another spelling of the header", "bad_encoding", |f| {
        let header = uneven(f.draft().header_text());
        f.sign_encoded(&respelled(&base64url::encode(header)), &f.parts()[1])
    }),
    Kind::new("another spelling of the claims", "bad_encoding", |f| {
        let claims = uneven(f.draft().claims_text());
        f.sign_encoded(&f.parts()[0], &respelled(&base64url::encode(claims)))
    }),
    Kind::new("another spelling of the signature", "bad_encoding", |f| bend(f, 2, respelled)),
    Kind::new("a header of an impossible length", "bad_encoding", |f| {
        let [header, claims, _] = f.parts();
        f.sign_encoded(&impossible(&header), &claims)
    }),
    Kind::new("claims of an impossible length", "bad_encoding", |f| {
        let [header, claims, _] = f.parts();
        f.sign_encoded(&header, &impossible(&claims))
    }),
    Kind::new("a signature of an impossible length", "bad_encoding", |f| bend(f, 2, impossible)),
    Kind::new("a signature longer than any", "bad_encoding", |f| {
        bend(f, 2, |_| base64url::encode([1; 1025]))
    }),
    Kind::new("a header that is not UTF-8", "bad_encoding", |f| {
        f.with_header([&b"{\"alg\":\"RS256\",\"kid\":\"\xff\"}"[..], b""].concat())
    }),
    Kind::new("claims that are not UTF-8", "bad_encoding", |f| {
        let mut claims = f.draft().claim("name", "\"x\"").claims_text().into_bytes();
        claims.iter_mut().filter(|byte| **byte == b'x').for_each(|byte| *byte = 0xff);
        f.with_claims(claims)
    }),
    Kind::new("claims with an overlong NUL", "bad_encoding", |f| {
        f.with_claims([f.draft().claims_text().as_bytes(), b"\xc0\x80"].concat())
    }),
    Kind::new("claims with an encoded surrogate", "bad_encoding", |f| {
        f.with_claims([f.draft().claims_text().as_bytes(), b"\xed\xa0\x80"].concat())
    }),
    Kind::new("claims in UTF-16", "bad_encoding", |f| {
        let text = f.draft().claims_text();
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        f.with_claims(units.flat_map(u16::to_le_bytes).collect::<Vec<_>>())
    }),
    Kind::new("claims beyond the size limit", "too_large", |f| {
        f.draft().claim("filler", format!("\"{}\"", "x".repeat(9000))).token()
    }),
    Kind::new("one character beyond the size limit", "too_large", |_| "a".repeat(8 * 1024 + 1)),
    Kind::new("dots beyond the size limit", "too_large", |_| ".".repeat(16 * 1024)),
    Kind::new("a header beyond its limit", "too_large", |f| {
        f.draft().header("filler", format!("\"{}\"", "x".repeat(1024))).token()
    }),
];

/// A good token with one part changed, so with a signature that is not its own.
fn bend(f: &Forge, index: usize, change: impl Fn(&str) -> String) -> String {
    let mut parts = f.parts();
    parts[index] = change(&parts[index]);
    parts.join(".")
}

/// With the `=` that the other base64 ends with, and at least one.
fn padded(part: &str) -> String {
    format!("{part}{}", "=".repeat((4 - part.len() % 4).min(2)))
}

/// Followed by spaces, which JSON allows, until the last character has bits to spare.
fn uneven(mut text: String) -> String {
    while text.len().is_multiple_of(3) {
        text.push(' ');
    }
    text
}

/// The next character in place of the last one: the same value to a decoder that ignores the bits
/// to spare.
fn respelled(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = part.chars().next_back();
    let index = last.and_then(|last| ALPHABET.find(last)).unwrap_or_default();
    replace_at(part, part.len() - 1, ALPHABET.get(index + 1..index + 2).unwrap_or_default())
}

/// One character more than whole groups of four.
fn impossible(part: &str) -> String {
    let whole = part.len() / 4 * 4;
    format!("{}A", &part[..whole])
}
