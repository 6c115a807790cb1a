//! How this installation shows the directory that it is the application it says: a secret, or an assertion signed with a
//! key (RFC 7523, `private_key_jwt`).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::AuthType;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::json;

use turnpike_domain::ports::Entropy;
use turnpike_domain::{Error, Timestamp};

use super::settings::{ClientAuth, ClientSecret, PrivateKey};

/// How long an assertion is good.
const LIFETIME_SECONDS: i64 = 60;
/// RFC 7523 section 2.2.
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Shows who this installation is.
pub(super) enum Authenticator {
    Secret(ClientSecret, AuthType),
    Key(Signer),
}

/// Signs assertions.
pub(super) struct Signer {
    key: Key,
    header: String,
    client_id: String,
    audience: String,
    entropy: Arc<dyn Entropy>,
}

enum Key {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Authenticator {
    /// # Errors
    ///
    /// [`Error::Internal`] if key or certificate cannot be read.
    pub(super) fn new(
        auth: &ClientAuth,
        client_id: &str,
        issuer: &str,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        Ok(match auth {
            ClientAuth::Basic(secret) => Self::Secret(secret.clone(), AuthType::BasicAuth),
            ClientAuth::Post(secret) => Self::Secret(secret.clone(), AuthType::RequestBody),
            ClientAuth::PrivateKey(key) => Self::Key(Signer::new(key, client_id, issuer, entropy)?),
        })
    }
}

impl Signer {
    fn new(
        key: &PrivateKey,
        client_id: &str,
        issuer: &str,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        let PrivateKey { pem, key_id, certificate_pem, audience } = key;
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem)
            .map_err(|_| Error::internal("the client's key is no private key in PEM (PKCS #8)"))?;
        let key = match RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()) {
            Ok(pair) => Key::Rsa(pair),
            Err(_) => {
                let der = der.secret_pkcs8_der();
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                Key::Ecdsa(
                    pair.map_err(|_| Error::internal("the client's key is neither RSA nor P-256"))?,
                )
            }
        };
        let mut header = json!({ "alg": key.algorithm(), "typ": "JWT" });
        if let Some(key_id) = key_id {
            header["kid"] = json!(key_id);
        }
        if let Some(pem) = certificate_pem {
            let certificate = CertificateDer::from_pem_slice(pem)
                .map_err(|_| Error::internal("the client's certificate is none in PEM"))?;
            let hash = digest::digest(&digest::SHA256, &certificate);
            header["x5t#S256"] = json!(URL_SAFE_NO_PAD.encode(hash));
        }
        Ok(Self {
            key,
            header: URL_SAFE_NO_PAD.encode(header.to_string()),
            client_id: client_id.to_owned(),
            audience: audience.clone().unwrap_or_else(|| issuer.to_owned()),
            entropy,
        })
    }

    /// An assertion for one request.
    pub(super) fn sign(&self, now: Timestamp) -> Result<String, Error> {
        let Self { key, header, client_id, audience, entropy } = self;
        let mut id = [0u8; 16];
        entropy.fill(&mut id);
        let claims = json!({
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": URL_SAFE_NO_PAD.encode(id),
            "iat": now.seconds(),
            "nbf": now.seconds(),
            "exp": now.plus_seconds(LIFETIME_SECONDS).seconds(),
        });
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Key {
    /// RSA with PSS, which Entra ID recommends and RFC 7518 has beside PKCS #1 v1.5.
    const fn algorithm(&self) -> &'static str {
        match self {
            Self::Ecdsa(_) => "ES256",
            Self::Rsa(_) => "PS256",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(Error::internal)?;
                Ok(signature.as_ref().to_vec())
            }
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature);
                signed.map_err(Error::internal)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret(..) => "Authenticator::Secret(..)",
            Self::Key(_) => "Authenticator::Key(..)",
        })
    }
}
