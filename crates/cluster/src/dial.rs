//! Connections to servers: TCP, TLS where it is wanted, and a mark of when bytes came last.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::address::Host;
use crate::error::BusError;

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Dialler {
    tls: Option<TlsConnector>,
}

/// Bytes to and from a server.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Dialler {
    /// Trusts the public authorities and these (PEM), if TLS is wanted.
    pub(crate) fn new(is_tls: bool, authorities: Option<&[u8]>) -> Result<Self, BusError> {
        if !is_tls {
            return Ok(Self { tls: None });
        }
        let refused = |e: &dyn std::fmt::Display| BusError::Authorities(e.to_string());
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        for certificate in CertificateDer::pem_slice_iter(authorities.unwrap_or_default()) {
            let certificate = certificate.map_err(|e| refused(&e))?;
            roots.add(certificate).map_err(|e| refused(&e))?;
        }
        let config =
            ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .map_err(|e| refused(&e))?
                .with_root_certificates(roots)
                .with_no_client_auth();
        Ok(Self { tls: Some(Arc::new(config).into()) })
    }

    /// How connections are encrypted, for who makes them without us.
    pub(crate) fn tls(&self) -> Option<ClientConfig> {
        self.tls.as_ref().map(|tls| ClientConfig::clone(tls.config()))
    }

    /// A connection, encrypted if that is wanted.
    pub(crate) async fn connect(&self, host: &Host) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((host.name.as_str(), host.port)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(host.name.clone()).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidInput, "no name for a certificate")
        })?;
        Ok(Box::new(tls.connect(name, stream).await?))
    }
}

/// Gives up what takes too long.
pub(crate) async fn within<T, E: std::fmt::Display>(
    limit: Duration,
    what: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout(limit, what).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

/// When a connection showed a sign of life.
#[derive(Debug)]
pub(crate) struct Pulse {
    began: Instant,
    last_ms: AtomicU64,
    /// Whether what came is being heard just now: then nothing is read, and silence means nothing.
    is_hearing: AtomicBool,
}

impl Default for Pulse {
    fn default() -> Self {
        let (last_ms, is_hearing) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { began: Instant::now(), last_ms, is_hearing }
    }
}

impl Pulse {
    /// A sign of life.
    pub(crate) fn beat(&self) {
        let now_ms = self.began.elapsed().as_millis() as u64;
        self.last_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Does something while which nothing can be read.
    pub(crate) fn hearing(&self, hear: impl FnOnce()) {
        self.is_hearing.store(true, Ordering::Relaxed);
        hear();
        self.is_hearing.store(false, Ordering::Relaxed);
    }

    fn silence(&self) -> Duration {
        let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(last)
    }

    /// Ends when the connection has been silent for too long, although it was asked.
    pub(crate) async fn until_silent<F: Future>(&self, ask: impl Fn() -> F) -> String {
        loop {
            let before = Instant::now();
            sleep(TICK).await;
            // We were held up ourselves, or are busy with what came.
            if before.elapsed() > 3 * TICK || self.is_hearing.load(Ordering::Relaxed) {
                self.beat();
            }
            let silence = self.silence();
            if silence >= DEAD {
                return format!("silent for {} s", DEAD.as_secs());
            }
            if silence >= ASK {
                // What cannot even be asked is silent, too.
                let _ = timeout(TICK, ask()).await;
            }
        }
    }
}

/// A stream that leaves a mark when bytes come.
pub(crate) struct Watched<S> {
    stream: S,
    pulse: Arc<Pulse>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if polled.is_ready() {
            self.pulse.beat();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How often a connection is looked at.
const TICK: Duration = Duration::from_millis(500);

/// After so much silence it is asked whether it lives.
const ASK: Duration = Duration::from_millis(1_500);

/// After so much it does not.
const DEAD: Duration = Duration::from_secs(5);
