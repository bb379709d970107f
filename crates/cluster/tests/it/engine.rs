//! The engines that keep the contract.

use std::net::SocketAddr;

use bellwire_testkit::nats::Nats;
use bellwire_testkit::redis::Redis;

/// A server that a bus goes through.
pub(crate) trait Engine {
    /// One that lets everybody in.
    fn begin() -> Self;
    /// One that wants this password.
    fn with_password(password: &str) -> Self;
    /// One that speaks TLS only.
    fn with_tls() -> Self;
    fn address(&self) -> SocketAddr;
    /// The URL of a server at this address; `login` ends with `@`, if there is one.
    fn url(login: &str, address: SocketAddr) -> String;
    /// The URL for TLS. The certificate is for `localhost`.
    fn tls_url(&self) -> String;
    fn stop(&mut self);
    fn start_again(&mut self);
}

impl Engine for Redis {
    fn begin() -> Self {
        Self::start()
    }

    fn with_password(password: &str) -> Self {
        Self::with_password(password)
    }

    fn with_tls() -> Self {
        Self::with_tls()
    }

    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn url(login: &str, address: SocketAddr) -> String {
        format!("redis://{login}{address}")
    }

    fn tls_url(&self) -> String {
        format!("rediss://localhost:{}", self.address().port())
    }

    fn stop(&mut self) {
        self.stop();
    }

    fn start_again(&mut self) {
        self.start_again();
    }
}

impl Engine for Nats {
    fn begin() -> Self {
        Self::start()
    }

    fn with_password(password: &str) -> Self {
        Self::start_with(&["--user", "ann", "--pass", password])
    }

    fn with_tls() -> Self {
        Self::with_tls()
    }

    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn url(login: &str, address: SocketAddr) -> String {
        format!("nats://{login}{address}")
    }

    fn tls_url(&self) -> String {
        format!("tls://localhost:{}", self.address().port())
    }

    fn stop(&mut self) {
        self.stop();
    }

    fn start_again(&mut self) {
        self.start_again();
    }
}
