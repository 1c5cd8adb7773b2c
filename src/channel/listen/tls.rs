//! TLS for those who connect: rustls on aws-lc, versions 1.2 and 1.3.
//!
//! The files are read again every minute. What they hold then is used for new connections, if it fits
//! together; else what was used before goes on, and the log says what is wrong.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use tokio_util::sync::CancellationToken;

use super::config::{ClientCertificate, TlsConfig};
use crate::kernel::Digest;
use crate::telemetry::chain::Chain;

/// How often to look whether a file has changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Why TLS could not be set up, with the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "cannot read {}, which setting `http.tls.{setting}` names: it must be there, and readable \
         for the user that runs innfri",
        path.display()
    )]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A file holds nothing of what it should.
    #[error(
        "{}, which setting `http.tls.{setting}` names, holds no {wanted}: it must be a PEM file \
         with at least one",
        path.display()
    )]
    Empty {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// A file holds something that is damaged.
    #[error(
        "{}, which setting `http.tls.{setting}` names, holds a damaged {wanted}: copy it anew",
        path.display()
    )]
    Damaged {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What is damaged.
        wanted: &'static str,
    },
    /// Certificate and key do not go together, or are of a kind that is not taken.
    #[error(
        "the key in {} cannot be used with the certificate in {}: they must belong together, and the \
         certificate must come before those that issued it",
        key.display(),
        certificate.display()
    )]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        #[source]
        source: rustls::Error,
    },
    /// The issuers of clients' certificates cannot be used.
    #[error("the certificates in {} cannot be used to check those of clients", path.display())]
    ClientIssuers {
        /// The file.
        path: PathBuf,
        /// What rustls says.
        #[source]
        source: VerifierBuilderError,
    },
    /// No TLS version can be used.
    #[error("TLS cannot be set up")]
    Provider(#[source] rustls::Error),
}

/// TLS as it is set up now. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    config: Arc<TlsConfig>,
    current: Arc<RwLock<Current>>,
}

struct Current {
    server: Arc<ServerConfig>,
    /// Of the files' contents.
    digest: Digest,
}

impl Tls {
    /// Sets TLS up from the files that the settings name.
    ///
    /// # Errors
    /// When a file cannot be used, naming it and what to do.
    pub fn from_files(config: &TlsConfig) -> Result<Self, TlsError> {
        let files = Files::read(config)?;
        let current = Current { server: files.server(config)?, digest: files.digest() };
        Ok(Self { config: Arc::new(config.clone()), current: Arc::new(RwLock::new(current)) })
    }

    /// For a new connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.server))
    }

    /// Looks at the files until `stop`.
    pub(super) async fn follow(self, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            let tls = self.clone();
            // A file may lie where reading takes its time.
            match tokio::task::spawn_blocking(move || tls.read_again()).await {
                Ok(Ok(true)) => tracing::info!("certificates were read again"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => tracing::warn!(
                    error = %Chain(&error),
                    "certificates have changed and cannot be used; those from before are used on"
                ),
                Err(_) => tracing::warn!("certificates could not be read again"),
            }
        }
    }

    /// Takes in what the files hold now; whether that is something else than before.
    pub(super) fn read_again(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.config)?;
        let digest = files.digest();
        if self.current.read().unwrap_or_else(PoisonError::into_inner).digest == digest {
            return Ok(false);
        }
        let server = files.server(&self.config)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { server, digest };
        Ok(true)
    }
}

/// What the files hold.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_issuers: Option<Vec<u8>>,
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::File { setting, path: path.to_owned(), source })
}

/// All certificates of a file; at least one.
fn certificates(
    setting: &'static str,
    path: &Path,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    const WANTED: &str = "certificate";
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let path = path.to_owned();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::Empty { setting, path, wanted: WANTED }),
        Ok(found) => Ok(found),
        Err(_) => Err(TlsError::Damaged { setting, path, wanted: WANTED }),
    }
}

impl Files {
    fn read(config: &TlsConfig) -> Result<Self, TlsError> {
        let client_issuers = config.client_ca_file.as_deref();
        Ok(Self {
            certificate: read("certificate_file", &config.certificate_file)?,
            key: read("key_file", &config.key_file)?,
            client_issuers: client_issuers.map(|path| read("client_ca_file", path)).transpose()?,
        })
    }

    fn digest(&self) -> Digest {
        let issuers = self.client_issuers.as_deref().unwrap_or_default();
        Digest::of(&[&self.certificate, &self.key, issuers])
    }

    fn server(&self, config: &TlsConfig) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates("certificate_file", &config.certificate_file, &self.certificate)?;
        let key = self.key(config)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Provider)?;
        let builder = match self.client_verifier(config, provider)? {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let server = builder.with_single_cert(chain, key);
        let mut server = server.map_err(|source| TlsError::Pair {
            certificate: config.certificate_file.clone(),
            key: config.key_file.clone(),
            source,
        })?;
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(server))
    }

    fn key(&self, config: &TlsConfig) -> Result<PrivateKeyDer<'static>, TlsError> {
        let (setting, path, wanted) = ("key_file", config.key_file.clone(), "private key");
        PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| match error {
            rustls_pki_types::pem::Error::NoItemsFound => TlsError::Empty { setting, path, wanted },
            _ => TlsError::Damaged { setting, path, wanted },
        })
    }

    fn client_verifier(
        &self,
        config: &TlsConfig,
        provider: Arc<CryptoProvider>,
    ) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        const SETTING: &str = "client_ca_file";
        let (Some(path), Some(pem)) = (&config.client_ca_file, &self.client_issuers) else {
            return Ok(None);
        };
        let mut roots = RootCertStore::empty();
        for issuer in certificates(SETTING, path, pem)? {
            roots.add(issuer).map_err(|_| TlsError::Damaged {
                setting: SETTING,
                path: path.clone(),
                wanted: "certificate",
            })?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match config.client_certificate {
            ClientCertificate::Required => builder,
            ClientCertificate::Optional => builder.allow_unauthenticated(),
        };
        let verifier = builder.build();
        verifier.map(Some).map_err(|source| TlsError::ClientIssuers { path: path.clone(), source })
    }
}
