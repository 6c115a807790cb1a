//! `tls` sections: files of certificates and keys, in PEM.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::Error;

/// What a server shows, and whom it lets in. Plain text if nothing is set.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerTls {
    /// Its certificate, with those between it and the root.
    pub certificate: PathBuf,
    /// The key of the certificate.
    pub key: PathBuf,
    /// Who signs the certificates of callers: with it, nobody without one gets in (mutual TLS).
    pub client_ca: PathBuf,
}

/// Whom a caller believes, and what it shows.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientTls {
    /// Who signs the certificates of servers; the machine's roots if empty.
    pub ca: PathBuf,
    /// The certificate to show, if they ask for one (mutual TLS).
    pub certificate: PathBuf,
    /// The key of the certificate.
    pub key: PathBuf,
}

impl ServerTls {
    /// Whether connections are encrypted.
    pub fn is_on(&self) -> bool {
        is_set(&self.certificate)
    }

    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// A certificate without a key or the other way round; callers asked for certificates in plain text.
    pub fn check(&self, section: &str) -> Result<(), Error> {
        let Self { certificate, key, client_ca } = self;
        check_pair(section, certificate, key)?;
        if is_set(client_ca) && !self.is_on() {
            return Err(Error::value(
                format!("{section}.client_ca"),
                "needs a certificate: nobody shows one in plain text",
            ));
        }
        Ok(())
    }
}

impl ClientTls {
    /// Whether there is a certificate to show.
    pub fn shows_certificate(&self) -> bool {
        is_set(&self.certificate)
    }

    /// Who signs the certificates of servers, if it is said.
    pub fn ca(&self) -> Option<&Path> {
        Some(self.ca.as_path()).filter(|ca| is_set(ca))
    }

    /// Holds the section as a whole.
    ///
    /// # Errors
    ///
    /// A certificate without a key, or the other way round.
    pub fn check(&self, section: &str) -> Result<(), Error> {
        check_pair(section, &self.certificate, &self.key)
    }
}

pub(crate) fn is_set(path: &Path) -> bool {
    !path.as_os_str().is_empty()
}

fn check_pair(section: &str, certificate: &Path, key: &Path) -> Result<(), Error> {
    match (is_set(certificate), is_set(key)) {
        (true, false) => Err(Error::value(format!("{section}.key"), "goes with the certificate")),
        (false, true) => Err(Error::value(format!("{section}.certificate"), "goes with the key")),
        _ => Ok(()),
    }
}
