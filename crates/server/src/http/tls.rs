//! TLS: one certificate, read again when its files change or on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The certificate of the server, and where it comes from.
#[derive(Debug)]
pub(crate) struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
    /// When the files changed last, as of the last reading.
    changed: ArcSwap<Option<(SystemTime, SystemTime)>>,
}

impl Certificate {
    /// Reads certificate chain and key from PEM files.
    pub(crate) fn read(cert: &Path, key: &Path) -> anyhow::Result<Arc<Self>> {
        let changed = times(cert, key);
        let current = load(cert, key)?;
        Ok(Arc::new(Self {
            cert: cert.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(current),
            changed: ArcSwap::from_pointee(changed),
        }))
    }

    /// What accepts TLS with whatever certificate is current.
    pub(crate) fn acceptor(self: &Arc<Self>) -> anyhow::Result<TlsAcceptor> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again if they have changed. On failure the old certificate stays.
    pub(crate) fn refresh(&self) {
        let changed = times(&self.cert, &self.key);
        if **self.changed.load() == changed {
            return;
        }
        match load(&self.cert, &self.key) {
            Ok(current) => {
                self.current.store(Arc::new(current));
                self.changed.store(Arc::new(changed));
                tracing::info!(cert = %self.cert.display(), "certificate reloaded");
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the old certificate stays in use");
            }
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn times(cert: &Path, key: &Path) -> Option<(SystemTime, SystemTime)> {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    changed(cert).zip(changed(key))
}

fn load(cert: &Path, key: &Path) -> anyhow::Result<CertifiedKey> {
    let chain = CertificateDer::pem_file_iter(cert)
        .with_context(|| format!("cannot read the certificate {}", cert.display()))?
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{} is not a PEM certificate", cert.display()))?;
    if chain.is_empty() {
        bail!("{} has no certificate in it", cert.display());
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read a private key from {}", key.display()))?;
    let provider = rustls::crypto::ring::default_provider();
    let certified = CertifiedKey::from_der(chain, private, &provider);
    certified.with_context(|| {
        format!("the key {} does not belong to the certificate {}", key.display(), cert.display())
    })
}
