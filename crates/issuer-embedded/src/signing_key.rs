//! One key pair: made once, parsed once, and all that is published of it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use turnpike_domain::Error;
use zeroize::Zeroizing;

use crate::settings::Algorithm;

/// A parsed key pair. Shows nothing of itself.
pub(crate) enum SigningKey {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

/// A new key pair, as it is kept.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) algorithm: Algorithm,
    /// RFC 7638 thumbprint.
    pub(crate) key_id: String,
    /// Public members only.
    pub(crate) jwk: String,
    /// PKCS#8 in DER, in base64.
    pub(crate) pkcs8: Zeroizing<String>,
}

/// Required members in the order of RFC 7638 section 3.2, so that their JSON is what the thumbprint
/// hashes.
#[derive(Serialize)]
#[serde(untagged)]
enum Members {
    Ec { crv: &'static str, kty: &'static str, x: String, y: String },
    Rsa { e: String, kty: &'static str, n: String },
}

#[derive(Serialize)]
struct Jwk<'a> {
    alg: &'a str,
    kid: &'a str,
    #[serde(flatten)]
    members: &'a Members,
    #[serde(rename = "use")]
    purpose: &'a str,
}

impl Made {
    /// Makes a key pair; RSA takes a tenth of a second or more, so not on a thread that serves.
    pub(crate) fn generate(algorithm: Algorithm) -> Result<Self, Error> {
        let (key, der) = match algorithm {
            Algorithm::Es256 => {
                let der = EcdsaKeyPair::generate_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &SystemRandom::new(),
                )
                .map_err(Error::internal)?;
                (SigningKey::from_der(algorithm, der.as_ref())?, der.as_ref().to_vec())
            }
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(Error::internal)?;
                let der = pair.as_der().map_err(Error::internal)?.as_ref().to_vec();
                (SigningKey::Rs256(pair), der)
            }
        };
        let der = Zeroizing::new(der);
        let members = key.members()?;
        let key_id = members.thumbprint()?;
        let jwk = Jwk { alg: algorithm.name(), kid: &key_id, members: &members, purpose: "sig" };
        let jwk = serde_json::to_string(&jwk).map_err(Error::internal)?;
        Ok(Self { algorithm, key_id, jwk, pkcs8: Zeroizing::new(STANDARD.encode(&*der)) })
    }
}

impl SigningKey {
    /// Parses a key as [`Made`] keeps it.
    pub(crate) fn parse(algorithm: Algorithm, pkcs8: &str) -> Result<Self, Error> {
        Self::from_der(algorithm, &Zeroizing::new(STANDARD.decode(pkcs8).map_err(Error::internal)?))
    }

    /// Bytes of a signature.
    pub(crate) fn signature_len(&self) -> usize {
        match self {
            Self::Es256(_) => 64,
            Self::Rs256(pair) => pair.public_modulus_len(),
        }
    }

    /// Appends the signature of `message`, in the form of RFC 7518 section 3, in base64url.
    pub(crate) fn sign_to(&self, message: &[u8], text: &mut String) -> Result<(), Error> {
        match self {
            Self::Es256(pair) => {
                let signature =
                    pair.sign(&SystemRandom::new(), message).map_err(Error::internal)?;
                URL_SAFE_NO_PAD.encode_string(signature.as_ref(), text);
            }
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(Error::internal)?;
                URL_SAFE_NO_PAD.encode_string(&signature, text);
            }
        }
        Ok(())
    }

    fn from_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, Error> {
        match algorithm {
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .map(Self::Es256)
                .map_err(Error::internal),
            Algorithm::Rs256 => {
                RsaKeyPair::from_pkcs8(der).map(Self::Rs256).map_err(Error::internal)
            }
        }
    }

    fn members(&self) -> Result<Members, Error> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Es256(pair) => {
                // 0x04, then x and y of 32 bytes each (SEC 1 section 2.3.3).
                let (x, y) = pair
                    .public_key()
                    .as_ref()
                    .strip_prefix(&[4])
                    .and_then(|point| point.split_at_checked(32))
                    .ok_or_else(|| Error::internal("a public key of another form"))?;
                Ok(Members::Ec { crv: "P-256", kty: "EC", x: encode(x), y: encode(y) })
            }
            Self::Rs256(pair) => {
                let key = pair.public_key();
                let n = encode(key.modulus().big_endian_without_leading_zero());
                let e = encode(key.exponent().big_endian_without_leading_zero());
                Ok(Members::Rsa { e, kty: "RSA", n })
            }
        }
    }
}

impl Members {
    fn thumbprint(&self) -> Result<String, Error> {
        let json = serde_json::to_vec(self).map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(digest(&SHA256, &json)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7638 section 3.1.
    #[test]
    fn a_key_id_is_the_thumbprint_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX\
                 jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6\
                 qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let members = Members::Rsa { e: "AQAB".to_owned(), kty: "RSA", n: n.to_owned() };
        assert_eq!(members.thumbprint().unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn what_is_published_holds_no_private_member() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let made = Made::generate(algorithm).unwrap();
            let jwk: serde_json::Value = serde_json::from_str(&made.jwk).unwrap();
            let members: Vec<&str> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
            let expected: &[&str] = match algorithm {
                Algorithm::Es256 => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                Algorithm::Rs256 => &["alg", "e", "kid", "kty", "n", "use"],
            };
            assert_eq!(members, expected);
            assert_eq!(jwk["kid"], made.key_id.as_str());
            assert_eq!(jwk["alg"], algorithm.name());
            assert!(SigningKey::parse(algorithm, &made.pkcs8).is_ok());
        }
    }
}
