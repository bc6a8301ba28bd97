//! TLS for the REST API: a certificate and its key from two files, read again when they change.
//!
//! HTTP/1.1 only, by ALPN: HTTP/2 is another protocol with limits of its own (streams, resets, header lists), and what it is for, many
//! requests at once over a slow line, is not what clients of this API do.

mod validity;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig, crypto};
use tokio_rustls::server::TlsStream;

use crate::clock::Clock;
use crate::domain::Millis;
use crate::trust::{is_open_to_others, read_small};
use crate::watch::{Look, Step, Watch};
use validity::Validity;

/// Most bytes of either file: a chain has a few kilobytes.
const MAX_FILE: u64 = 1024 * 1024;
/// Between two looks at the files.
const INTERVAL: Duration = Duration::from_millis(250);

/// The certificate that is served, and where it comes from.
pub(crate) struct Tls {
    files: Files,
    clock: Arc<dyn Clock>,
    /// Locked only to take and to put: a connection keeps what it began with.
    serving: Mutex<Arc<ServerConfig>>,
    /// When the certificate that is served ends, in milliseconds since 1970.
    not_after: AtomicI64,
}

/// Where certificate and key are.
#[derive(Debug, Clone)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// What can be served.
struct Loaded {
    config: Arc<ServerConfig>,
    validity: Validity,
}

impl Tls {
    /// Reads the files. Blocks; the error names the flag.
    pub(crate) fn start(certificate: &Path, key: &Path, clock: Arc<dyn Clock>) -> Result<(Self, Look), String> {
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
        // Before they are read: what changes meanwhile is seen.
        let look = files.look();
        let Loaded { config, validity } = files.load(clock.wall())?;
        tracing::info!(not_after = %validity.not_after_text(), "certificate loaded");
        let not_after = AtomicI64::new(validity.not_after.0);
        Ok((Self { files, clock, serving: Mutex::new(config), not_after }, look))
    }

    /// When the certificate that is served ends.
    pub(crate) fn not_after(&self) -> Millis {
        Millis(self.not_after.load(Ordering::Relaxed))
    }

    /// Greets a client, with the certificate that is served now.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> std::io::Result<TlsStream<S>> {
        let config = Arc::clone(&self.serving.lock().unwrap_or_else(PoisonError::into_inner));
        tokio_rustls::TlsAcceptor::from(config).accept(stream).await
    }

    /// Serves what the files have whenever they change, until it is dropped. Two that do not fit together leave the one before: a renewal
    /// writes them one after the other, so they are looked at again and again, and the reason is told once.
    pub(crate) async fn run(self: Arc<Self>, first: Look) {
        let mut watch = Watch::from(first);
        let mut told: Option<String> = None;
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(now) = self.blocking(|tls| tls.files.look()).await else { continue };
            match watch.looked(now) {
                Step::Wait => {}
                Step::TellMissing => {
                    tracing::warn!("--tls-cert {} is not there", self.files.certificate.display());
                }
                Step::Read => {
                    let Some((loaded, after)) = self.blocking(Self::read).await else { continue };
                    if watch.is_whole(after) {
                        let failed = loaded.map(|loaded| self.serve(loaded)).err();
                        if failed.is_some() {
                            watch.try_again();
                        }
                        if let Some(why) = failed.as_ref().filter(|why| told.as_ref() != Some(*why)) {
                            tracing::error!("the certificate before goes on being served: {why}");
                        }
                        told = failed;
                    }
                }
            }
        }
    }

    fn read(&self) -> (Result<Loaded, String>, Look) {
        (self.files.load(self.clock.wall()), self.files.look())
    }

    fn serve(&self, loaded: Loaded) {
        tracing::info!(not_after = %loaded.validity.not_after_text(), "certificate reloaded");
        self.not_after.store(loaded.validity.not_after.0, Ordering::Relaxed);
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = loaded.config;
    }

    /// On another thread: a file system that hangs holds up nobody else. `None`: the server ends.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Option<T> {
        let tls = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&tls)).await.ok()
    }
}

impl Files {
    fn look(&self) -> Look {
        Look::at_both(&self.certificate, &self.key)
    }

    fn load(&self, now: Millis) -> Result<Loaded, String> {
        let of_cert = |why: String| format!("--tls-cert {}: {why}", self.certificate.display());
        let of_key = |why: String| format!("--tls-key {}: {why}", self.key.display());
        let chain = read(&self.certificate).and_then(|pem| chain(&pem)).map_err(of_cert)?;
        let validity = chain.first().and_then(|first| Validity::of(first)).ok_or_else(|| {
            of_cert(
                "its first certificate cannot be read; give the server's own, in PEM, before its issuers".to_owned(),
            )
        })?;
        validity.check(now).map_err(of_cert)?;
        let key = read(&self.key).and_then(|pem| key(&pem)).map_err(of_key)?;
        let config = config(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                of_key(format!("it is not the key of the certificate in {}", self.certificate.display()))
            }
            error => of_key(format!("it cannot be used with the certificate: {error}")),
        })?;
        if is_open_to_others(&self.key) {
            let path = self.key.display();
            tracing::warn!("--tls-key {path}: others may read the key or change it; chmod 600 {path}");
        }
        Ok(Loaded { config: Arc::new(config), validity })
    }
}

/// What the file has, up to what a certificate or a key may have.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    read_small(path, MAX_FILE).map_err(|error| error.to_string())
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|error| not_pem(&error))?;
    if chain.is_empty() { Err("it has no certificate in PEM (BEGIN CERTIFICATE)".to_owned()) } else { Ok(chain) }
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        PemError::NoItemsFound => {
            "it has no private key in PEM (BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, without a passphrase)"
                .to_owned()
        }
        error => not_pem(&error),
    })
}

fn not_pem(error: &PemError) -> String {
    format!("it is not whole PEM: {error}")
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
