//! Which certificates of servers are believed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::failure::Failure;

/// Whose certificates count.
#[derive(Debug)]
pub(super) enum Trust {
    /// Mozilla's list of authorities.
    Public,
    /// These authorities only.
    Authorities(Vec<CertificateDer<'static>>),
    /// Any certificate at all.
    Anyone,
}

impl Trust {
    /// What the command line asks for.
    pub(super) fn new(ca_cert: Option<&Path>, insecure: bool) -> Result<Self, Failure> {
        match ca_cert {
            _ if insecure => Ok(Self::Anyone),
            None => Ok(Self::Public),
            Some(file) => Ok(Self::Authorities(read(file)?)),
        }
    }

    /// In the terms of the HTTP client.
    pub(super) fn for_http(&self) -> TlsConfig {
        let roots = match self {
            Self::Public | Self::Anyone => RootCerts::WebPki,
            Self::Authorities(list) => {
                let list: Vec<_> =
                    list.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
                RootCerts::new_with_certs(&list)
            }
        };
        TlsConfig::builder()
            .root_certs(roots)
            .disable_verification(matches!(self, Self::Anyone))
            .build()
    }

    /// In the terms of rustls.
    pub(super) fn for_socket(&self) -> anyhow::Result<Arc<ClientConfig>> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let config = match self {
            Self::Anyone => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Unverified(provider)))
                .with_no_client_auth(),
            Self::Public => {
                let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
                builder.with_root_certificates(roots).with_no_client_auth()
            }
            Self::Authorities(list) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(list.iter().cloned());
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        };
        Ok(Arc::new(config))
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let name = PathBuf::from(file);
    let list = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("--ca-cert {} cannot be read", name.display()))?;
    anyhow::ensure!(!list.is_empty(), "--ca-cert {} has no certificate in PEM", name.display());
    Ok(list)
}

/// Believes every certificate, as `--insecure` asks; signatures are still checked against it.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
