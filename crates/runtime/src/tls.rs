//! TLS between processes, and towards the world: certificates and keys from files in PEM.
//!
//! Files are read again every minute, so a certificate is renewed by writing it; connections that are open keep the
//! one that they began with.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{ClientTls, ServerTls};

/// How often files are read again.
const RELOAD: Duration = Duration::from_secs(60);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not what it should be.
    #[error("{path}: {problem}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it; never its content.
        problem: String,
    },
    /// Certificate and key do not go together, or the library refuses them.
    #[error("{path}: {source}")]
    Unfit {
        /// The file of the certificate.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// What a server shows, and whom it lets in. Clones share it.
#[derive(Clone)]
pub struct ServerIdentity(watch::Receiver<Arc<ServerConfig>>);

impl ServerIdentity {
    /// Reads the files, and reads them again as long as the process lives. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn open(files: &ServerTls) -> Result<Self, Error> {
        Ok(Self(follow(files.clone(), server_config)?))
    }

    /// The TLS of a connection that was accepted.
    ///
    /// # Errors
    ///
    /// The handshake failed.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.0.borrow().clone();
        TlsAcceptor::from(config).accept(stream).await
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity(..)")
    }
}

/// Whom a caller believes, and what it shows. Clones share it.
#[derive(Clone)]
pub struct ClientIdentity(watch::Receiver<Arc<ClientConfig>>);

impl ClientIdentity {
    /// Reads the files, and reads them again as long as the process lives. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn open(files: &ClientTls) -> Result<Self, Error> {
        Ok(Self(follow(files.clone(), client_config)?))
    }

    /// What a new connection begins with.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.0.borrow().clone()
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(..)")
    }
}

/// A configuration, and the content of the files that it was made of.
struct Made<C> {
    config: C,
    content: Vec<Vec<u8>>,
}

/// What `files` make, now and as they change. What makes no sense later is logged, and the last that did stays.
fn follow<F, C>(
    files: F,
    make: fn(&F) -> Result<Made<C>, Error>,
) -> Result<watch::Receiver<Arc<C>>, Error>
where
    F: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    let Made { config, mut content } = make(&files)?;
    let (sender, receiver) = watch::channel(Arc::new(config));
    tokio::spawn(async move {
        let files = Arc::new(files);
        loop {
            tokio::select! {
                () = sender.closed() => return,
                () = tokio::time::sleep(RELOAD) => {}
            }
            let files = files.clone();
            match tokio::task::spawn_blocking(move || make(&files)).await {
                Ok(Ok(made)) if made.content == content => {}
                Ok(Ok(made)) => {
                    content = made.content;
                    sender.send_replace(Arc::new(made.config));
                    tracing::info!("tls.reloaded");
                }
                Ok(Err(error)) => tracing::warn!(error = %error, "tls.not_reloaded"),
                Err(_) => return,
            }
        }
    });
    Ok(receiver)
}

fn server_config(files: &ServerTls) -> Result<Made<ServerConfig>, Error> {
    let ServerTls { certificate, key, client_ca } = files;
    let mut content = Vec::new();
    let chain = certificates(certificate, &mut content)?;
    let key = private_key(key, &mut content)?;
    let unfit = |source| Error::Unfit { path: certificate.clone(), source };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unfit)?;
    let builder = if client_ca.as_os_str().is_empty() {
        builder.with_no_client_auth()
    } else {
        let roots = Arc::new(roots(client_ca, &mut content)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
        let problem = |error| file(client_ca, error);
        builder.with_client_cert_verifier(verifier.map_err(problem)?)
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Made { config, content })
}

fn client_config(files: &ClientTls) -> Result<Made<ClientConfig>, Error> {
    let mut content = Vec::new();
    let roots = match files.ca() {
        Some(ca) => roots(ca, &mut content)?,
        None => machine_roots(),
    };
    let unfit = |source| Error::Unfit { path: files.certificate.clone(), source };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_root_certificates(roots);
    let mut config = if files.shows_certificate() {
        let chain = certificates(&files.certificate, &mut content)?;
        let key = private_key(&files.key, &mut content)?;
        builder.with_client_auth_cert(chain, key).map_err(unfit)?
    } else {
        builder.with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Made { config, content })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn roots(path: &Path, content: &mut Vec<Vec<u8>>) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, content)? {
        roots.add(certificate).map_err(|error| file(path, error))?;
    }
    Ok(roots)
}

/// What the machine believes. A few that cannot be read are left out, as browsers do.
fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn certificates(
    path: &Path,
    content: &mut Vec<Vec<u8>>,
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = chain.map_err(|error| file(path, error))?;
    if chain.is_empty() {
        return Err(file(path, "there is no certificate in it"));
    }
    content.push(pem);
    Ok(chain)
}

fn private_key(path: &Path, content: &mut Vec<Vec<u8>>) -> Result<PrivateKeyDer<'static>, Error> {
    let pem = read(path)?;
    let key = PrivateKeyDer::from_pem_slice(&pem);
    let key = key.map_err(|_| file(path, "there is no private key in it"))?;
    // Only to notice a change: the key itself need not lie about twice.
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &pem);
    content.push(digest.as_ref().to_vec());
    Ok(key)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| file(path, error))
}

fn file(path: &Path, problem: impl ToString) -> Error {
    Error::File { path: path.to_owned(), problem: problem.to_string() }
}
