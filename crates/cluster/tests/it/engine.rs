//! The engines that keep the contract.

use std::net::SocketAddr;

use bellwire_testkit::nats::Nats;
use bellwire_testkit::redis::{Cluster, Redis};

/// A server that a bus goes through.
pub(crate) trait Engine {
    /// One that lets everybody in.
    fn begin() -> Self;
    fn address(&self) -> SocketAddr;
    /// The URL of a server at this address; `login` ends with `@`, if there is one.
    fn url(login: &str, address: SocketAddr) -> String;
    fn stop(&mut self);
    fn start_again(&mut self);
}

/// One that does not let everybody in.
pub(crate) trait Guarded: Engine {
    /// One that wants this password of this user, if users have names.
    fn with_password(password: &str) -> Self;
    /// One that speaks TLS only.
    fn with_tls() -> Self;
    /// The URL for TLS. The certificate is for `localhost`.
    fn tls_url(&self) -> String;
}

impl Engine for Redis {
    fn begin() -> Self {
        Self::start()
    }

    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn url(login: &str, address: SocketAddr) -> String {
        format!("redis://{login}{address}")
    }

    fn stop(&mut self) {
        self.stop();
    }

    fn start_again(&mut self) {
        self.start_again();
    }
}

impl Engine for Cluster {
    fn begin() -> Self {
        Self::start()
    }

    fn address(&self) -> SocketAddr {
        self.servers[1].address()
    }

    fn url(login: &str, address: SocketAddr) -> String {
        format!("redis+cluster://{login}{address}")
    }

    fn stop(&mut self) {
        self.servers.iter_mut().for_each(Redis::stop);
    }

    fn start_again(&mut self) {
        self.servers.iter_mut().for_each(Redis::start_again);
    }
}

impl Engine for Nats {
    fn begin() -> Self {
        Self::start()
    }

    fn address(&self) -> SocketAddr {
        self.address()
    }

    fn url(login: &str, address: SocketAddr) -> String {
        format!("nats://{login}{address}")
    }

    fn stop(&mut self) {
        self.stop();
    }

    fn start_again(&mut self) {
        self.start_again();
    }
}

impl Guarded for Redis {
    fn with_password(password: &str) -> Self {
        Self::with_password(password)
    }

    fn with_tls() -> Self {
        Self::with_tls()
    }

    fn tls_url(&self) -> String {
        format!("rediss://localhost:{}", self.address().port())
    }
}

impl Guarded for Nats {
    fn with_password(password: &str) -> Self {
        Self::start_with(&["--user", "ann", "--pass", password])
    }

    fn with_tls() -> Self {
        Self::with_tls()
    }

    fn tls_url(&self) -> String {
        format!("tls://localhost:{}", self.address().port())
    }
}
