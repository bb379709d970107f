//! One connection to the receiver: requests are read byte by byte as they stand on the wire, and
//! answered as the script says.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::script::{Answer, Manner, Reply};
use super::{Given, Shared};

/// A request as it came.
#[derive(Debug)]
pub(super) struct Incoming {
    /// When the last byte of it was read.
    pub(super) at: Instant,
    /// Request line and headers with their line ends, up to the empty line.
    pub(super) head: Vec<u8>,
    /// The body, without chunk framing.
    pub(super) body: Vec<u8>,
}

/// Serves a connection until one of both hangs up.
pub(super) fn serve(
    shared: &Shared,
    number: u64,
    tcp: TcpStream,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut peer = BufReader::new(Peer::over(tcp, tls)?);
    while let Some(incoming) = read(&mut peer)? {
        let (at, answer) = shared.took(number, incoming);
        answer.wait(shared);
        shared.gives(at, given(&answer));
        if shared.is_over() || !give(shared, number, &mut peer, &answer)? {
            break;
        }
    }
    Ok(())
}

fn given(answer: &Answer) -> Given {
    match &answer.manner {
        Manner::Whole(reply) => Given::Status(reply.status),
        manner => Given::Broken(format!("{manner:?}")),
    }
}

/// Answers; whether the connection goes on.
fn give(
    shared: &Shared,
    number: u64,
    peer: &mut BufReader<Peer>,
    answer: &Answer,
) -> io::Result<bool> {
    match &answer.manner {
        Manner::Whole(reply) => peer.get_mut().send(&whole(reply))?,
        Manner::Reset => {
            SockRef::from(peer.get_ref().tcp()).set_linger(Some(Duration::ZERO))?;
            shared.forget(number);
            return Ok(false);
        }
        Manner::Close => return Ok(false),
        Manner::Silence => {
            io::copy(peer, &mut io::sink())?;
            return Ok(false);
        }
        Manner::SlowHead(every) => {
            peer.get_mut().send(b"HTTP/1.1 200 OK\r\nX-Filler: ")?;
            drip(shared, peer.get_mut(), *every)?;
        }
        Manner::SlowBody(every) => {
            peer.get_mut().send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
            drip(shared, peer.get_mut(), *every)?;
        }
        Manner::EndlessBody => {
            peer.get_mut().send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            let mut chunk = b"10000\r\n".to_vec();
            chunk.extend([b'x'; 0x10000]);
            chunk.extend(b"\r\n");
            while !shared.is_over() {
                peer.get_mut().send(&chunk)?;
            }
        }
        Manner::LongBody(bytes) => {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
            peer.get_mut().send(head.as_bytes())?;
            io::copy(&mut io::repeat(b'x').take(*bytes as u64), peer.get_mut())?;
            peer.get_mut().flush()?;
        }
        Manner::Garbage => {
            peer.get_mut().send(b"\x00\xffno HTTP at all\r\n\r\n\r\n")?;
            return Ok(false);
        }
    }
    Ok(true)
}

fn whole(reply: &Reply) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {} Whatever\r\n", reply.status);
    for (name, value) in &reply.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if reply.status != 204 && reply.status != 304 {
        text.push_str(&format!("Content-Length: {}\r\n", reply.body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend(&reply.body);
    bytes
}

fn drip(shared: &Shared, peer: &mut Peer, every: Duration) -> io::Result<()> {
    while !shared.is_over() {
        peer.send(b"x")?;
        thread::sleep(every);
    }
    Ok(())
}

/// The next request; `None` when the sender has hung up between two.
fn read(peer: &mut BufReader<Peer>) -> io::Result<Option<Incoming>> {
    if peer.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if peer.read_until(b'\n', &mut head)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let body = match (header(&head, "content-length"), header(&head, "transfer-encoding")) {
        (Some(length), _) => {
            let mut body = vec![0; length.parse().map_err(io::Error::other)?];
            peer.read_exact(&mut body)?;
            body
        }
        (None, Some(_)) => chunks(peer)?,
        (None, None) => Vec::new(),
    };
    Ok(Some(Incoming { at: Instant::now(), head, body }))
}

fn chunks(peer: &mut BufReader<Peer>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        peer.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let at = body.len();
        body.resize(at + size, 0);
        peer.read_exact(&mut body[at..])?;
        peer.read_line(&mut line)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

/// The first value of a header, whatever the case of its name.
pub(super) fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    headers(head).find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The headers as they came; lines that are none are passed over.
pub(super) fn headers(head: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let text = std::str::from_utf8(head).unwrap_or_default();
    let lines = text.split("\r\n").skip(1);
    lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim()))
}

/// The certificate for `localhost` and 127.0.0.1.
pub(super) fn tls_config() -> ServerConfig {
    let cert = include_bytes!("../../fixtures/receiver-cert.pem");
    let key = include_bytes!("../../fixtures/receiver-key.pem");
    let chain = vec![CertificateDer::from_pem_slice(cert).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key).unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// The sender's end.
enum Peer {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Peer {
    fn over(tcp: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let Some(config) = tls else { return Ok(Self::Plain(tcp)) };
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(session, tcp);
        stream.conn.complete_io(&mut stream.sock)?;
        Ok(Self::Tls(Box::new(stream)))
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock,
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)?;
        self.flush()
    }
}

impl Read for Peer {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buf),
            Self::Tls(tls) => tls.read(buf),
        }
    }
}

impl Write for Peer {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(buf),
            Self::Tls(tls) => tls.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
