//! Listeners: TCP, TLS and Unix sockets, each connection served by hyper until it becomes a
//! WebSocket or ends.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_rustls::TlsAcceptor;

use super::route::route;
use super::settled::settled;
use super::{House, Peer};
use crate::config::Address;
use crate::gateway::upgrade::Wire;

/// Time in which a request's headers must arrive, and for which a connection may wait for its next
/// request.
const HEADERS_WITHIN: Duration = Duration::from_secs(30);
/// Seconds in which a TLS handshake must be done.
const TLS_WITHIN: Duration = Duration::from_secs(10);
/// Bytes that the kernel may hold for a peer that does not read; the default is megabytes.
const NOTSENT_LOWAT: u32 = 65_536;
/// Pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener that is open.
pub(crate) enum Bound {
    /// TCP, plain or TLS.
    Tcp(TcpListener),
    /// A Unix socket and its path.
    Unix(UnixListener, PathBuf),
}

impl Bound {
    /// The address people can be told.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Tcp(listener) => {
                listener.local_addr().map_or("?".into(), |address| address.to_string())
            }
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    /// The TCP port.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Self::Unix(..) => None,
        }
    }
}

/// Opens a listener.
pub(crate) fn bind(address: &Address) -> anyhow::Result<Bound> {
    match address {
        Address::Tcp(address) => {
            let listener = bind_tcp(*address);
            let hint = "is another server running there? `listen` in [server] changes it";
            Ok(Bound::Tcp(listener.with_context(|| format!("cannot listen on {address}; {hint}"))?))
        }
        Address::Unix(path) => {
            remove_dead_socket(path);
            let listener = UnixListener::bind(path);
            let listener =
                listener.with_context(|| format!("cannot listen on {}", path.display()))?;
            Ok(Bound::Unix(listener, path.clone()))
        }
    }
}

/// A socket file that a killed server left behind answers nobody. Nothing else is ever removed.
fn remove_dead_socket(path: &Path) {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        let _ = std::fs::remove_file(path);
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    // Ten thousand clients may come at once after a restart.
    socket.listen(4096)?;
    TcpListener::from_std(socket.into())
}

/// Serves a listener for good.
pub(crate) async fn serve(bound: Bound, tls: Option<TlsAcceptor>, house: Arc<House>, admin: bool) {
    loop {
        let accepted = match &bound {
            Bound::Tcp(listener) => accept_tcp(listener, tls.as_ref(), &house, admin).await,
            Bound::Unix(listener, _) => accept_unix(listener, &house, admin).await,
        };
        if let Err(error) = accepted {
            tracing::error!(%error, "cannot accept a connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }
}

async fn accept_tcp(
    listener: &TcpListener,
    tls: Option<&TlsAcceptor>,
    house: &Arc<House>,
    admin: bool,
) -> io::Result<()> {
    let (stream, address) = match listener.accept().await {
        Ok(accepted) => accepted,
        Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => return Ok(()),
        Err(error) => return Err(error),
    };
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_notsent_lowat(NOTSENT_LOWAT);
    let address = Some(address.ip().to_canonical());
    let peer = Peer { address, tls: tls.is_some(), admin };
    let house = Arc::clone(house);
    match tls.cloned() {
        Some(acceptor) => tokio::spawn(tls_connection(acceptor, stream, house, peer)),
        None => tokio::spawn(connection(stream, house, peer)),
    };
    Ok(())
}

async fn accept_unix(listener: &UnixListener, house: &Arc<House>, admin: bool) -> io::Result<()> {
    let (stream, _) = listener.accept().await?;
    let peer = Peer { address: None, tls: false, admin };
    tokio::spawn(connection(stream, Arc::clone(house), peer));
    Ok(())
}

async fn tls_connection(acceptor: TlsAcceptor, stream: TcpStream, house: Arc<House>, peer: Peer) {
    match tokio::time::timeout(TLS_WITHIN, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => connection(stream, house, peer).await,
        Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
        Err(_) => tracing::debug!("TLS handshake took too long"),
    }
}

async fn connection<W: Wire>(stream: W, house: Arc<House>, peer: Peer) {
    let service = service_fn(|request| {
        let house = Arc::clone(&house);
        async move { Ok::<_, Infallible>(route::<W>(house, request, peer).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(65_536)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = settled(served).await {
        tracing::trace!(%error, "an HTTP connection ended early");
    }
}
