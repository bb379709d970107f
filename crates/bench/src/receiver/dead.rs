//! Endpoints that are no good and need nobody to run them: one refuses, one takes a connection and
//! never says a word.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// The ports of both, kept so that nobody else gets them.
#[derive(Debug)]
pub(super) struct Dead {
    /// Bound, but nobody listens: the kernel refuses.
    _bound: OwnedFd,
    /// Where that is.
    refuses: SocketAddr,
    /// The kernel takes connections into its queue, and nobody takes them out. When the queue is
    /// full, connecting itself gets no answer.
    silent: TcpListener,
}

impl Dead {
    /// # Errors
    /// When no port is free.
    pub(super) fn new() -> io::Result<Self> {
        let bound = rustix::net::socket_with(
            AddressFamily::INET,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        rustix::net::bind(&bound, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        let refuses = rustix::net::getsockname(&bound)?.try_into().map_err(io::Error::from)?;
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        Ok(Self { _bound: bound, refuses, silent })
    }

    pub(super) fn refuses(&self) -> SocketAddr {
        self.refuses
    }

    pub(super) fn stays_silent(&self) -> SocketAddr {
        // A bound socket has an address; if not, nothing answers at port 0 either.
        self.silent.local_addr().unwrap_or_else(|_| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }
}
