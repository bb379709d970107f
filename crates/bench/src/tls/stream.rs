//! A byte stream to a server, plain or within TLS, that never blocks.

use std::io::{self, Read as _, Write as _};

use mio::net::TcpStream;
use rustls::ClientConnection;

use crate::tls::Trust;

/// The stream. Its socket is what a poll waits for.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The socket.
    pub(crate) tcp: TcpStream,
    /// TLS on top of it.
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    /// # Errors
    /// When TLS cannot begin.
    pub(crate) fn new(tcp: TcpStream, trust: Option<&Trust>) -> io::Result<Self> {
        let connection = trust.map(Trust::connection).transpose().map_err(io::Error::other)?;
        Ok(Self { tcp, tls: connection.map(Box::new) })
    }

    /// Reads what there is, and goes on with the handshake if it is not over. Of a plain stream a short
    /// read empties it; within TLS only [`WouldBlock`](io::ErrorKind::WouldBlock) says that it is empty.
    ///
    /// # Errors
    /// As a socket has them; a peer that breaks the rules of TLS is
    /// [`InvalidData`](io::ErrorKind::InvalidData).
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.tcp.read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            if tls.read_tls(&mut self.tcp)? == 0 {
                return Ok(0);
            }
            let taken = tls.process_new_packets();
            // An answer of the handshake, or the alert that says what was wrong.
            flush(tls, &mut self.tcp)?;
            taken.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    /// Whether a read that did not fill its buffer has emptied it.
    pub(crate) fn is_empty_after_short_read(&self) -> bool {
        self.tls.is_none()
    }

    /// Writes what the kernel takes. TLS takes all, and keeps what the kernel did not.
    ///
    /// # Errors
    /// As a socket has them.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.tcp.write(bytes) };
        tls.writer().write_all(bytes)?;
        flush(tls, &mut self.tcp)?;
        Ok(bytes.len())
    }

    /// Writes what TLS has kept.
    ///
    /// # Errors
    /// As a socket has them.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.tls.as_mut().map_or(Ok(()), |tls| flush(tls, &mut self.tcp))
    }

    /// Whether TLS keeps anything that only waits for the kernel.
    pub(crate) fn keeps_something(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }
}

fn flush(tls: &mut ClientConnection, tcp: &mut TcpStream) -> io::Result<()> {
    while tls.wants_write() {
        match tls.write_tls(tcp) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
