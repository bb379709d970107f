//! A server of others: started on a free port with a folder of its own, stopped with the test.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;

/// A process that listens on a port. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    program: &'static str,
    arguments: Vec<String>,
    address: SocketAddr,
    dir: TempDir,
    child: Option<Child>,
}

impl Daemon {
    /// A process that is not running yet; what it needs to listen on `address` is in its arguments.
    pub(crate) fn new(program: &'static str, address: SocketAddr) -> Self {
        let dir = TempDir::new().unwrap();
        Self { program, arguments: Vec::new(), address, dir, child: None }
    }

    pub(crate) fn arguments<T: ToString>(&mut self, more: &[T]) {
        self.arguments.extend(more.iter().map(ToString::to_string));
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its folder.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn start(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.program);
        let child = Command::new(self.program)
            .args(&self.arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|e| panic!("cannot start {}: {e}", self.program));
        let child = self.child.insert(child);
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "{} does not listen", self.program);
            assert_eq!(child.try_wait().unwrap(), None, "{} has ended", self.program);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Files that let a server speak TLS as `localhost`, for whoever trusts [`AUTHORITY`].
pub(crate) fn certificate() -> [(&'static str, &'static str); 3] {
    [
        ("cert.pem", include_str!("../fixtures/receiver-cert.pem")),
        ("key.pem", include_str!("../fixtures/receiver-key.pem")),
        ("ca.pem", AUTHORITY),
    ]
}

/// The authority (PEM) that vouches for servers with TLS.
pub const AUTHORITY: &str = include_str!("../fixtures/receiver-ca.pem");

/// An address where nobody listens just now.
pub(crate) fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
