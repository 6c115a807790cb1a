//! Good header and claims under a signature that is not theirs.

use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};

use super::{Forge, Kind, split};
use crate::base64url;

const REASON: &str = "bad_signature";

pub(super) const KINDS: &[Kind] = &[
    Kind::new("signature: a stranger's", REASON, |f| {
        f.stranger.token_of(f.draft().header_text(), f.draft().claims_text())
    }),
    Kind::new("signature: none", REASON, |f| under(f, |_| Vec::new())),
    Kind::new("signature: one byte", REASON, |f| under(f, |_| vec![0])),
    Kind::new("signature: zeros", REASON, |f| under(f, |s| vec![0; s.len()])),
    Kind::new("signature: ones", REASON, |f| under(f, |s| vec![0xff; s.len()])),
    Kind::new("signature: the number one", REASON, |f| {
        under(f, |s| [vec![0; s.len() - 1], vec![1]].concat())
    }),
    Kind::new("signature: the modulus", REASON, |f| {
        let modulus = f.issuer.modulus();
        under(f, |_| modulus.clone())
    }),
    Kind::new("signature: one byte short at the end", REASON, |f| {
        under(f, |s| s[..s.len() - 1].to_vec())
    }),
    Kind::new("signature: one byte short at the front", REASON, |f| under(f, |s| s[1..].to_vec())),
    Kind::new("signature: a zero more at the end", REASON, |f| under(f, |s| [s, &[0]].concat())),
    Kind::new("signature: a zero more at the front", REASON, |f| under(f, |s| [&[0], s].concat())),
    Kind::new("signature: twice", REASON, |f| under(f, |s| [s, s].concat())),
    Kind::new("signature: back to front", REASON, |f| {
        under(f, |s| s.iter().rev().copied().collect())
    }),
    Kind::new("signature: first bit", REASON, |f| under(f, |s| flip(s, 0, 0x80))),
    Kind::new("signature: middle bit", REASON, |f| under(f, |s| flip(s, s.len() / 2, 0x10))),
    Kind::new("signature: last bit", REASON, |f| under(f, |s| flip(s, s.len() - 1, 0x01))),
    Kind::new("signature: encoded twice", REASON, |f| {
        under(f, |s| base64url::encode(s).into_bytes())
    }),
    Kind::new("signature: of another token", REASON, |f| {
        let [header, claims, _] = f.parts();
        let [_, _, signature] = split(&f.draft().claim("version", 3).token());
        format!("{header}.{claims}.{signature}")
    }),
    Kind::new("signature: other claims", REASON, |f| {
        let [header, _, signature] = f.parts();
        let claims = f.draft().claim("scope", "\"admin/all\"").claims_text();
        format!("{header}.{}.{signature}", base64url::encode(claims))
    }),
    Kind::new("signature: no claims", REASON, |f| {
        let [header, _, signature] = f.parts();
        format!("{header}..{signature}")
    }),
    Kind::new("signature: other header", REASON, |f| {
        let [_, claims, signature] = f.parts();
        let header = f.draft().header("typ", "\"JWT\"").header_text();
        format!("{}.{claims}.{signature}", base64url::encode(header))
    }),
    Kind::new("signature: a space more in the claims", REASON, |f| {
        let draft = f.draft();
        let [header, _, signature] = split(&draft.token());
        let claims = format!("{} ", draft.claims_text());
        format!("{header}.{}.{signature}", base64url::encode(claims))
    }),
    Kind::new("signature: over the claims alone", REASON, |f| over(f, |_, c| c.into())),
    Kind::new("signature: over the header alone", REASON, |f| over(f, |h, _| h.into())),
    Kind::new("signature: over the parts without a dot", REASON, |f| {
        over(f, |h, c| format!("{h}{c}"))
    }),
    Kind::new("signature: over the parts the other way round", REASON, |f| {
        over(f, |h, c| format!("{c}.{h}"))
    }),
    Kind::new("signature: over a dot more", REASON, |f| over(f, |h, c| format!("{h}.{c}."))),
    Kind::new("signature: over nothing", REASON, |f| over(f, |_, _| String::new())),
    Kind::new("signature: over what was decoded", REASON, |f| {
        let draft = f.draft();
        let (header, claims) = (draft.header_text(), draft.claims_text());
        let signature = f.issuer.sign(format!("{header}.{claims}").as_bytes());
        let [header, claims] = [header, claims].map(base64url::encode);
        format!("{header}.{claims}.{}", base64url::encode(signature))
    }),
    Kind::new("signature: RS384 under the name of RS256", REASON, |f| {
        let [header, claims, _] = f.parts();
        let input = format!("{header}.{claims}");
        let signature = f.issuer.sign_rsa(&RSA_PKCS1_SHA384, input.as_bytes());
        format!("{input}.{}", base64url::encode(signature))
    }),
    Kind::new("signature: RS512 under the name of RS256", REASON, |f| {
        let [header, claims, _] = f.parts();
        let input = format!("{header}.{claims}");
        let signature = f.issuer.sign_rsa(&RSA_PKCS1_SHA512, input.as_bytes());
        format!("{input}.{}", base64url::encode(signature))
    }),
    Kind::new("signature: PS256 under the name of RS256", REASON, |f| {
        let [header, claims, _] = f.parts();
        let input = format!("{header}.{claims}");
        let signature = f.issuer.sign_rsa(&RSA_PSS_SHA256, input.as_bytes());
        format!("{input}.{}", base64url::encode(signature))
    }),
];

/// A good token with its signature changed.
fn under(f: &Forge, change: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let [header, claims, _] = f.parts();
    let input = format!("{header}.{claims}");
    let signature = change(&f.issuer.sign(input.as_bytes()));
    format!("{input}.{}", base64url::encode(signature))
}

/// A good token, signed over something else made of its first two parts.
fn over(f: &Forge, message: impl Fn(&str, &str) -> String) -> String {
    let [header, claims, _] = f.parts();
    let signature = f.issuer.sign(message(&header, &claims).as_bytes());
    format!("{header}.{claims}.{}", base64url::encode(signature))
}

fn flip(signature: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut signature = signature.to_vec();
    signature[at] ^= bit;
    signature
}
