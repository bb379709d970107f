//! Where a connection's bytes go: a socket, plain or TLS, or the mailbox of an HTTP fallback.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::ServerConnection;

use super::mailbox::Mailbox;

/// Where a connection's bytes go.
#[derive(Debug)]
pub(crate) enum Transport {
    /// A socket after its WebSocket upgrade.
    Socket(Socket),
    /// A session of the HTTP fallbacks.
    Mailbox(Arc<Mailbox>),
}

impl Transport {
    /// Whether the worker encrypts what goes out. A fallback's TLS ends at the HTTP side.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Socket(Socket::Tls(_)))
    }

    /// The name in logs and metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Socket(_) => "ws",
            Self::Mailbox(mailbox) => mailbox.kind().name(),
        }
    }
}

/// A socket that speaks WebSocket.
#[derive(Debug)]
pub(crate) enum Socket {
    /// Plain TCP.
    Tcp(TcpStream),
    /// A Unix socket, behind a proxy on the same machine.
    Unix(UnixStream),
    /// TLS over TCP.
    Tls(Box<Tls>),
}

/// A TLS connection that the worker drives.
#[derive(Debug)]
pub(crate) struct Tls {
    stream: TcpStream,
    state: ServerConnection,
}

/// Bytes that TLS turns into records before it sends them.
const TLS_CHUNK: usize = 65_536;

/// Reads in a row that may bring no bytes for us.
const EMPTY_RECORDS_MAX: usize = 64;

impl Tls {
    pub(crate) fn new(stream: TcpStream, mut state: ServerConnection) -> Self {
        state.set_buffer_limit(None);
        Self { stream, state }
    }

    /// Reads decrypted bytes; `Interrupted` when a peer sends records without any for too long.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for _ in 0..EMPTY_RECORDS_MAX {
            match self.state.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if self.state.read_tls(&mut self.stream)? == 0 {
                return Ok(0);
            }
            let processed = self.state.process_new_packets();
            // Alerts and key updates must go out, also before an error is reported.
            self.flush()?;
            processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    /// Takes bytes as long as the socket takes the records made of them, so that whatever is not
    /// taken is announced by an event once the socket has room.
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if !self.flush()? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut taken = 0;
        let mut rest = slices;
        while let Some(first) = rest.first() {
            let together = fitting(rest);
            if together > 1 {
                // What is small goes together in one record.
                let bytes: usize = rest[..together].iter().map(|slice| slice.len()).sum();
                let written = self.state.writer().write_vectored(&rest[..together])?;
                taken += written;
                if !self.flush()? || written < bytes {
                    return Ok(taken);
                }
            } else {
                for part in first.chunks(TLS_CHUNK) {
                    self.state.writer().write_all(part)?;
                    taken += part.len();
                    if !self.flush()? {
                        return Ok(taken);
                    }
                }
            }
            rest = &rest[together..];
        }
        Ok(taken)
    }

    /// Sends records that wait; whether none is left.
    fn flush(&mut self) -> io::Result<bool> {
        while self.state.wants_write() {
            match self.state.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// How many of these, at least one, fit in a record.
fn fitting(slices: &[IoSlice<'_>]) -> usize {
    let mut bytes = 0;
    let fits = |slice: &&IoSlice<'_>| {
        bytes += slice.len();
        bytes <= TLS_CHUNK
    };
    slices.iter().take_while(fits).count().max(1)
}

impl Socket {
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }

    /// Whether one read may leave bytes that no later event announces: TLS keeps decrypted bytes.
    pub(crate) fn reads_until_blocked(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Writes what fits; one slice goes by `send(2)`, several by `writev(2)`.
    pub(crate) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, slices) {
            (Self::Tcp(stream), [one]) => stream.write(one),
            (Self::Tcp(stream), many) => stream.write_vectored(many),
            (Self::Unix(stream), many) => stream.write_vectored(many),
            (Self::Tls(tls), many) => tls.write(many),
        }
    }

    /// Sends what TLS still holds; whether nothing is left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Self::Tls(tls) => tls.flush(),
            _ => Ok(true),
        }
    }

    /// Says that nothing more will come from here. With TLS that has to wait until all records are
    /// out; call it again when the socket takes bytes.
    pub(crate) fn finish(&mut self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tls(tls) => {
                tls.state.send_close_notify();
                match tls.flush() {
                    Ok(true) => tls.stream.shutdown(Shutdown::Write),
                    _ => Ok(()),
                }
            }
        };
    }

    /// Makes the coming close a reset, so that the kernel drops at once what a stuck reader never
    /// took.
    pub(crate) fn reset_on_close(&self) {
        let stream = match self {
            Self::Tcp(stream) => stream,
            Self::Tls(tls) => &tls.stream,
            Self::Unix(_) => return,
        };
        let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    pub(crate) fn deregister(&mut self, registry: &Registry) {
        let _ = self.source().deregister(registry);
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
            Self::Tls(tls) => &mut tls.stream,
        }
    }
}
