//! From a target to a connection: the name is resolved, every answer is checked, and only what was
//! checked is dialled.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::{CertificateError, ClientConfig, Error as TlsError, RootCertStore};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use super::guard;
use super::resolve::Resolve;
use super::target::{Origin, Target};
use super::trouble::{Trouble, in_full};
use super::wire::Stream;
use super::{PosterError, PosterSettings};
use crate::attempt::Failure;

/// Makes connections.
pub(super) struct Dialler {
    resolver: Box<dyn Resolve>,
    tls: TlsConnector,
    /// Whether targets may lie in private networks.
    allow_private: bool,
    /// For resolving, connecting and TLS together.
    timeout: Duration,
}

/// So many addresses of a host are tried.
const ADDRESSES_MAX: usize = 6;

impl Dialler {
    pub(super) fn new(
        settings: PosterSettings,
        resolver: Box<dyn Resolve>,
    ) -> Result<Self, PosterError> {
        let (allow_private, timeout) = (settings.allow_private, settings.connect_timeout);
        let tls = TlsConnector::from(Arc::new(tls_config(settings.extra_roots)?));
        Ok(Self { resolver, tls, allow_private, timeout })
    }

    /// Connects to a target.
    pub(super) async fn dial(
        &self,
        target: &Target,
        deadline: Instant,
    ) -> Result<Connection, Trouble> {
        let until = deadline.min(Instant::now() + self.timeout);
        let addresses = self.addresses(&target.origin, until).await?;
        let (tcp, remote) = connect(&addresses, until).await?;
        // Requests are written at once; without it only latency is lost.
        let _ = tcp.set_nodelay(true);
        let stream = self.secure(tcp, &target.origin, until).await.map_err(|t| t.at(remote))?;
        Connection::open(stream, remote).await.map_err(|error| {
            Trouble::new(Failure::Broken, format!("HTTP: {}", in_full(&error))).at(remote)
        })
    }

    /// Why a target would be refused whenever it were dialled. A name that is not found now may be
    /// later, so it is no reason.
    pub(super) async fn refusal(&self, target: &Target) -> Option<String> {
        let until = Instant::now() + self.timeout;
        let trouble = self.addresses(&target.origin, until).await.err()?;
        (trouble.failure == Failure::Forbidden).then_some(trouble.detail)
    }

    /// The addresses to be dialled, in this order. One that is forbidden refuses all of them.
    async fn addresses(&self, origin: &Origin, until: Instant) -> Result<Vec<SocketAddr>, Trouble> {
        let Origin { host, port, .. } = origin;
        let found = match origin.address() {
            Some(address) => vec![SocketAddr::new(address, *port)],
            None => self.resolve(host, *port, until).await?,
        };
        for ip in found.iter().map(SocketAddr::ip) {
            if let Some(why) = guard::refusal(ip, self.allow_private) {
                return Err(Trouble::new(Failure::Forbidden, forbidden(host, ip, why)));
            }
        }
        Ok(alternate(found))
    }

    async fn resolve(
        &self,
        host: &str,
        port: u16,
        until: Instant,
    ) -> Result<Vec<SocketAddr>, Trouble> {
        match timeout_at(until, self.resolver.resolve(host, port)).await {
            Ok(Ok(found)) if !found.is_empty() => Ok(found),
            Ok(Ok(_)) => Err(Trouble::new(Failure::Dns, format!("{host} has no address"))),
            Ok(Err(error)) => {
                let detail = format!("{host} was not found: {}", in_full(&error));
                Err(Trouble::new(Failure::Dns, detail))
            }
            Err(_) => {
                let detail = format!("the address of {host} was not found in time");
                Err(Trouble::new(Failure::Timeout, detail))
            }
        }
    }

    async fn secure(
        &self,
        tcp: TcpStream,
        origin: &Origin,
        until: Instant,
    ) -> Result<Box<dyn Stream>, Trouble> {
        if !origin.is_tls {
            return Ok(Box::new(tcp));
        }
        let name = origin.server_name()?;
        match timeout_at(until, self.tls.connect(name, tcp)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(Trouble::new(Failure::Tls, tls_detail(&error, &origin.host))),
            Err(_) => Err(Trouble::new(Failure::Timeout, "the TLS handshake did not end in time")),
        }
    }
}

fn tls_config(extra_roots: Vec<CertificateDer<'static>>) -> Result<ClientConfig, PosterError> {
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    for root in extra_roots {
        roots.add(root).map_err(PosterError::Root)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(PosterError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn forbidden(host: &str, ip: IpAddr, why: &str) -> String {
    let is_literal = host.parse() == Ok(ip);
    if is_literal { format!("{ip} {why}") } else { format!("{host} leads to {ip}, which {why}") }
}

/// The two families in turn, beginning with the one that the resolver prefers: if one of them leads
/// nowhere, the other has its turn early.
fn alternate(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let prefers_v6 = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|address| address.is_ipv6() == prefers_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = Vec::new();
    while order.len() < ADDRESSES_MAX {
        let (one, other) = (first.next(), second.next());
        if one.is_none() && other.is_none() {
            break;
        }
        order.extend(one.into_iter().chain(other));
    }
    order
}

/// Tries one address after the other. Each has its share of the time that is left, so that one that
/// never answers does not take it all.
async fn connect(
    addresses: &[SocketAddr],
    until: Instant,
) -> Result<(TcpStream, SocketAddr), Trouble> {
    let mut last = Trouble::new(Failure::Dns, "the host has no address");
    for (at, address) in addresses.iter().enumerate() {
        let now = Instant::now();
        let left = (addresses.len() - at) as u32;
        let share = now + until.saturating_duration_since(now) / left;
        match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok((tcp, *address)),
            Ok(Err(error)) => last = refused(*address, &error),
            Err(_) => {
                let detail = format!("{address} did not accept the connection in time");
                last = Trouble::new(Failure::Timeout, detail).at(*address);
            }
        }
    }
    Err(last)
}

fn refused(address: SocketAddr, error: &io::Error) -> Trouble {
    let (failure, detail) = match error.kind() {
        ErrorKind::ConnectionRefused => (Failure::Refused, format!("nobody listens at {address}")),
        ErrorKind::TimedOut => {
            (Failure::Timeout, format!("{address} did not accept the connection in time"))
        }
        _ => (Failure::Refused, format!("{address} cannot be reached: {}", in_full(error))),
    };
    Trouble::new(failure, detail).at(address)
}

fn tls_detail(error: &io::Error, host: &str) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>());
    match tls {
        Some(TlsError::InvalidCertificate(fault)) => certificate_detail(fault, host),
        Some(error) => format!("the TLS handshake failed: {}", in_full(error)),
        None if error.kind() == ErrorKind::UnexpectedEof => {
            "the receiver hung up during the TLS handshake".into()
        }
        None => format!("the TLS handshake failed: {}", in_full(error)),
    }
}

fn certificate_detail(fault: &CertificateError, host: &str) -> String {
    match fault {
        CertificateError::UnknownIssuer => {
            format!("the certificate of {host} is signed by no authority that is trusted here")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate is not for {host}")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet")
        }
        other => format!("the certificate of {host} is not accepted: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_take_turns_and_the_preferred_one_begins() {
        let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1"]);
        let order = addresses(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(alternate(found), order);
        let found = addresses(&["1.0.0.1:1", "1.0.0.2:1", "[::1]:1"]);
        assert_eq!(alternate(found), addresses(&["1.0.0.1:1", "[::1]:1", "1.0.0.2:1"]));
    }

    #[test]
    fn of_many_addresses_only_the_first_are_tried() {
        let many: Vec<SocketAddr> = (0..100).map(|n| ([1, 0, 0, n], 80).into()).collect();
        assert_eq!(alternate(many.clone()), many[..ADDRESSES_MAX]);
    }

    /// A listener whose queue is full: the system answers nobody who wants to connect.
    async fn deaf() -> (TcpListener, TcpStream) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let first = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener, first)
    }

    #[tokio::test]
    async fn an_address_that_never_answers_does_not_take_all_the_time() {
        let (deaf, _first) = deaf().await;
        let good = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [deaf.local_addr().unwrap(), good.local_addr().unwrap()];
        let time = Duration::from_secs(60);
        let until = Instant::now() + time;
        let attempt = tokio::spawn(async move { connect(&addresses, until).await.unwrap().1 });
        tokio::task::yield_now().await;
        tokio::time::pause();
        tokio::time::advance(time / 2).await;
        tokio::time::resume();
        assert_eq!(attempt.await.unwrap(), addresses[1]);
    }

    #[test]
    fn what_is_forbidden_is_said_with_the_name_that_led_there() {
        let ip: IpAddr = "10.0.0.1".parse().unwrap();
        assert_eq!(forbidden("10.0.0.1", ip, "is private"), "10.0.0.1 is private");
        assert_eq!(forbidden("a.test", ip, "is x"), "a.test leads to 10.0.0.1, which is x");
    }
}
