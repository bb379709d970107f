//! NATS servers.

use std::net::SocketAddr;

use crate::daemon::{Daemon, certificate, free_address};

/// A NATS server.
#[derive(Debug)]
pub struct Nats {
    daemon: Daemon,
}

impl Nats {
    /// One that lets everybody in.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// One with more options than a port.
    #[must_use]
    pub fn start_with(options: &[&str]) -> Self {
        let mut nats = Self::prepared();
        nats.daemon.arguments(options);
        nats.daemon.start();
        nats
    }

    /// One with this configuration.
    #[must_use]
    pub fn configured(text: &str) -> Self {
        let mut nats = Self::prepared();
        std::fs::write(nats.daemon.dir().join("nats.conf"), text).unwrap();
        nats.daemon.arguments(&["--config", "nats.conf"]);
        nats.daemon.start();
        nats
    }

    /// One that speaks TLS only, with the certificate of the receiver of webhooks.
    #[must_use]
    pub fn with_tls() -> Self {
        let mut nats = Self::prepared();
        for (name, text) in certificate() {
            std::fs::write(nats.daemon.dir().join(name), text).unwrap();
        }
        nats.daemon.arguments(&["--tls", "--tlscert", "cert.pem", "--tlskey", "key.pem"]);
        nats.daemon.start();
        nats
    }

    fn prepared() -> Self {
        let address = free_address();
        let mut daemon = Daemon::new("nats-server", address);
        daemon.arguments(&["--addr", "127.0.0.1", "--port", &address.port().to_string()]);
        Self { daemon }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.daemon.address()
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.daemon.stop();
    }

    /// Starts it again, at the same place.
    pub fn start_again(&mut self) {
        self.daemon.start();
    }
}
