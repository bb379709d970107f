//! A small blocking WebSocket client (RFC 6455): the handshake, masked frames out, unmasked frames
//! in, fragments put together, pings answered.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::{ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use sha1::{Digest, Sha1};

use super::endpoint::Endpoint;
use super::trust::Trust;

/// One connection.
pub(super) struct Socket {
    stream: Stream,
    /// What was read and is not yet a whole frame.
    bytes: Vec<u8>,
    /// The fragments of a message so far, where one is under way.
    fragments: Option<Vec<u8>>,
}

/// What the server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A whole text message.
    Text(String),
    /// A ping, which has been answered, or a pong.
    Life,
    /// Nothing for as long as was waited.
    Silence,
    /// The end, with the code and reason of the close frame if there was one.
    End(Option<u16>, String),
}

impl Socket {
    /// Connects and upgrades on `path`, which the endpoint's prefix goes before.
    pub(super) fn open(endpoint: &Endpoint, trust: &Trust, path: &str) -> anyhow::Result<Self> {
        let mut stream = Stream::open(endpoint, trust)?;
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).context("the system has no random numbers")?;
        let key = BASE64.encode(nonce);
        let request = format!(
            "GET {}{path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             User-Agent: bellwire/{}\r\n\r\n",
            endpoint.prefix,
            endpoint.authority(),
            env!("CARGO_PKG_VERSION"),
        );
        stream.write_all(request.as_bytes())?;
        stream.flush()?;
        let bytes = upgraded(&mut stream, &key)?;
        Ok(Self { stream, bytes, fragments: None })
    }

    /// Says a message.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(OP_TEXT, text.as_bytes())
    }

    /// Hears the next thing, for at most `wait`.
    ///
    /// # Errors
    /// What the system or TLS says, or a frame that RFC 6455 forbids.
    pub(super) fn hear(&mut self, wait: Duration) -> io::Result<Heard> {
        let deadline = Instant::now() + wait;
        loop {
            while let Some(frame) = Frame::take(&mut self.bytes).map_err(invalid)? {
                if let Some(heard) = self.accept(&frame)? {
                    return Ok(heard);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Heard::Silence);
            }
            self.stream.tcp().set_read_timeout(Some(left))?;
            match read_more(&mut self.stream, &mut self.bytes) {
                Ok(0) => return Ok(Heard::End(None, String::new())),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn accept(&mut self, frame: &Frame) -> io::Result<Option<Heard>> {
        match (frame.opcode, self.fragments.take()) {
            (OP_PING, fragments) => {
                self.fragments = fragments;
                self.send(OP_PONG, &frame.payload)?;
                Ok(Some(Heard::Life))
            }
            (OP_PONG, fragments) => {
                self.fragments = fragments;
                Ok(Some(Heard::Life))
            }
            (OP_CLOSE, _) => {
                // The answer is a courtesy: the server may have gone already.
                let _ = self.send(OP_CLOSE, frame.payload.get(..2).unwrap_or_default());
                Ok(Some(end(&frame.payload)))
            }
            (OP_TEXT, None) => self.joined(Vec::new(), frame),
            (OP_CONTINUATION, Some(message)) => self.joined(message, frame),
            _ => Err(invalid("the server sent a frame that does not fit where it stands")),
        }
    }

    fn joined(&mut self, mut message: Vec<u8>, frame: &Frame) -> io::Result<Option<Heard>> {
        message.extend_from_slice(&frame.payload);
        if message.len() > MESSAGE_BYTES_MAX {
            return Err(invalid("the server sent a message over 8 MiB"));
        }
        if !frame.fin {
            self.fragments = Some(message);
            return Ok(None);
        }
        let text = String::from_utf8(message)
            .map_err(|_| invalid("the server sent text that is not UTF-8"))?;
        Ok(Some(Heard::Text(text)))
    }

    fn send(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut mask = [0; 4];
        getrandom::fill(&mut mask).map_err(io::Error::other)?;
        self.stream.write_all(&masked(opcode, payload, mask))?;
        self.stream.flush()
    }
}

/// A frame of a server.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    fin: bool,
    opcode: u8,
    payload: Vec<u8>,
}

impl Frame {
    /// Takes the first frame from what was read, once it is whole.
    fn take(bytes: &mut Vec<u8>) -> Result<Option<Self>, &'static str> {
        let Some(&[first, second]) = bytes.first_chunk::<2>() else {
            return Ok(None);
        };
        let (fin, opcode) = (first & FIN != 0, first & 0x0F);
        let Some((len, start)) = length(bytes, second & !MASKED) else {
            return Ok(None);
        };
        match opcode {
            _ if first & RESERVED != 0 => return Err("the server sent a frame with reserved bits"),
            _ if second & MASKED != 0 => return Err("the server sent a masked frame"),
            OP_CLOSE | OP_PING | OP_PONG if !fin || len > 125 => {
                return Err("the server sent a control frame that is too long");
            }
            _ if len > MESSAGE_BYTES_MAX as u64 => {
                return Err("the server sent a frame over 8 MiB");
            }
            _ => {}
        }
        // At most 8 MiB, as just checked.
        let end = start + len as usize;
        if bytes.len() < end {
            return Ok(None);
        }
        let payload = bytes[start..end].to_vec();
        bytes.drain(..end);
        Ok(Some(Self { fin, opcode, payload }))
    }
}

/// Length of the payload and where it starts, once the header is whole.
fn length(bytes: &[u8], short: u8) -> Option<(u64, usize)> {
    match short {
        126 => {
            let long = bytes.get(2..)?.first_chunk::<2>()?;
            Some((u64::from(u16::from_be_bytes(*long)), 4))
        }
        127 => Some((u64::from_be_bytes(*bytes.get(2..)?.first_chunk::<8>()?), 10)),
        short => Some((u64::from(short), 2)),
    }
}

/// A whole frame as clients send it.
fn masked(opcode: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![FIN | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(MASKED | len as u8),
        len @ 126..=0xFFFF => {
            frame.push(MASKED | 126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(MASKED | 127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

fn end(payload: &[u8]) -> Heard {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => {
            let reason = String::from_utf8_lossy(reason).into_owned();
            Heard::End(Some(u16::from_be_bytes(*code)), reason)
        }
        None => Heard::End(None, String::new()),
    }
}

/// Reads the answer to the handshake; what came behind it belongs to the first frames.
fn upgraded(stream: &mut Stream, key: &str) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if bytes.len() > HEAD_BYTES_MAX || read_more(stream, &mut bytes)? == 0 {
            bail!("the answer to the WebSocket handshake is no HTTP");
        }
    };
    let rest = bytes.split_off(head_end);
    let head = String::from_utf8_lossy(&bytes);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    if status != "101" {
        let status: String = status.chars().filter(char::is_ascii_digit).take(3).collect();
        bail!("the WebSocket handshake was answered with HTTP {status}");
    }
    let accepted = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Accept"))
        .map(|(_, value)| value.trim());
    if accepted != Some(accept(key).as_str()) {
        bail!("the WebSocket handshake was answered by something that does not know it");
    }
    Ok(rest)
}

/// The `Sec-WebSocket-Accept` of a key (RFC 6455, 4.2.2).
fn accept(key: &str) -> String {
    let mut digest = Sha1::new();
    digest.update(key.as_bytes());
    digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64.encode(digest.finalize())
}

/// TCP, or TLS over it.
enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn open(endpoint: &Endpoint, trust: &Trust) -> anyhow::Result<Self> {
        let mut tried = anyhow!("the name {} has no address", endpoint.host);
        for address in (endpoint.host.as_str(), endpoint.port).to_socket_addrs()? {
            let tcp = match TcpStream::connect_timeout(&address, WITHIN) {
                Ok(tcp) => tcp,
                Err(error) => {
                    tried = error.into();
                    continue;
                }
            };
            tcp.set_nodelay(true)?;
            tcp.set_read_timeout(Some(WITHIN))?;
            tcp.set_write_timeout(Some(WITHIN))?;
            return Self::over(tcp, endpoint, trust);
        }
        Err(tried)
    }

    fn over(tcp: TcpStream, endpoint: &Endpoint, trust: &Trust) -> anyhow::Result<Self> {
        if !endpoint.tls {
            return Ok(Self::Plain(tcp));
        }
        let name = ServerName::try_from(endpoint.host.clone())?;
        let session = ClientConnection::new(trust.for_socket()?, name)?;
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
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// Appends what one read brings.
fn read_more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(count) => {
                bytes.extend_from_slice(&buffer[..count]);
                return Ok(count);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// For each step of connecting, and for each write.
const WITHIN: Duration = Duration::from_secs(10);
/// More than any message of this protocol; a presence channel's members are about 100 KB.
const MESSAGE_BYTES_MAX: usize = 8 << 20;
const HEAD_BYTES_MAX: usize = 16 * 1024;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

const OP_CONTINUATION: u8 = 0;
const OP_TEXT: u8 = 1;
const OP_CLOSE: u8 = 8;
const OP_PING: u8 = 9;
const OP_PONG: u8 = 10;

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
