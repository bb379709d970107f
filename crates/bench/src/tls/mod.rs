//! TLS as a client: whom it trusts, the certificate of a server that the harness starts, and the
//! stream.

mod certificate;
mod stream;
mod unchecked;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};

pub(crate) use crate::tls::certificate::{Certificate, Pair};
pub(crate) use crate::tls::stream::Stream;
use crate::tls::unchecked::Unchecked;

/// Whether TLS is spoken.
#[derive(Debug, Clone, Args)]
pub(crate) struct TlsArgs {
    /// Speaks TLS. A server that is started gets a certificate of its own; the send loop stays plain.
    #[arg(long)]
    pub(crate) tls: bool,
    /// The authority that has signed the certificate of a server at --addr, as PEM.
    #[arg(long, requires = "tls", requires = "addr")]
    ca: Option<PathBuf>,
    /// The name in that certificate, if it is not for the address.
    #[arg(long, requires = "ca")]
    server_name: Option<String>,
    /// Takes whatever certificate a server at --addr shows.
    #[arg(long, requires = "tls", requires = "addr", conflicts_with = "ca")]
    insecure: bool,
}

/// Whom a client trusts, and by which name.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    /// What a handshake begins with.
    config: Arc<ClientConfig>,
    /// Who the server has to be.
    name: ServerName<'static>,
}

impl TlsArgs {
    /// Whom to trust at a server that runs already; `None` without TLS.
    ///
    /// # Errors
    /// When the authority cannot be read, or none was given.
    pub(crate) fn trust(&self, address: IpAddr) -> Result<Option<Trust>> {
        if !self.tls {
            return Ok(None);
        }
        if self.insecure {
            return Ok(Some(Trust::in_anybody(address)?));
        }
        let file = self.ca.as_deref().context(
            "--tls at --addr needs --ca FILE of the authority that signed its certificate, or --insecure",
        )?;
        let mut trust = Trust::in_authority(address, authority(file)?)?;
        if let Some(name) = &self.server_name {
            trust.name = ServerName::try_from(name.clone())?;
        }
        Ok(Some(trust))
    }
}

impl Trust {
    /// In whoever this certificate is for, or has signed.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn in_authority(address: IpAddr, der: CertificateDer<'_>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(der)?;
        let config = builder()?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { config: Arc::new(config), name: address.into() })
    }

    fn in_anybody(address: IpAddr) -> Result<Self> {
        let verifier = Arc::new(Unchecked::new(ring::default_provider()));
        let config = builder()?.dangerous().with_custom_certificate_verifier(verifier);
        Ok(Self { config: Arc::new(config.with_no_client_auth()), name: address.into() })
    }

    fn connection(&self) -> Result<ClientConnection, rustls::Error> {
        let mut connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone())?;
        // A request is taken whole, whatever its size; what the kernel does not take waits.
        connection.set_buffer_limit(None);
        Ok(connection)
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?)
}

fn authority(file: &Path) -> Result<CertificateDer<'static>> {
    CertificateDer::from_pem_file(file)
        .with_context(|| format!("no certificate in {}", file.display()))
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
