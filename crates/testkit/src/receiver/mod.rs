//! A webhook receiver that the test programs: it keeps every request with its bytes as they came over
//! the wire, and answers well, badly, late or not at all. A thread a connection; everything is by
//! hand, so that nothing of the server's own reading or signing is repeated here.

mod dead;
mod delivery;
mod hook;
mod rules;
mod script;
mod serving;
mod view;

use std::collections::HashMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::ServerConfig;

use crate::PATIENCE;
pub use dead::{DeadPort, DeadTargets, Deaf};
pub use delivery::{Delivery, Gap, Given};
pub use hook::Hook;
use script::Scripts;
pub use script::{Answer, Gate};
use serving::Incoming;
pub use view::View;

/// A receiver that listens on a port of its own until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    addr: SocketAddr,
    is_tls: bool,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on a free port and answers everything with an empty 200.
    #[must_use]
    pub fn start() -> Self {
        Self::over(TcpListener::bind("127.0.0.1:0").unwrap(), None)
    }

    /// Like [`start`](Self::start), with a certificate for `localhost` and 127.0.0.1 that the
    /// authority in [`ca_file`](Self::ca_file) has signed.
    #[must_use]
    pub fn start_tls() -> Self {
        Self::start_tls_at("127.0.0.1")
    }

    /// Like [`start_tls`](Self::start_tls), at an address that the certificate may not be for.
    #[must_use]
    pub fn start_tls_at(ip: &str) -> Self {
        let listener = TcpListener::bind((ip, 0)).unwrap();
        Self::over(listener, Some(Arc::new(serving::tls_config())))
    }

    /// The authority behind [`start_tls`](Self::start_tls), a file in PEM.
    #[must_use]
    pub fn ca_file() -> &'static str {
        concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/receiver-ca.pem")
    }

    fn over(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let addr = listener.local_addr().unwrap();
        let (is_tls, shared) = (tls.is_some(), Arc::new(Shared::default()));
        let for_thread = Arc::clone(&shared);
        let accepting = Some(thread::spawn(move || for_thread.accept(&listener, tls.as_ref())));
        Self { addr, is_tls, shared, accepting }
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.addr)
    }

    /// What comes to a path, and how it is answered. Queries do not count.
    #[must_use]
    pub fn hook(&self, path: &str) -> Hook {
        Hook::new(Arc::clone(&self.shared), path, self.url(path))
    }

    /// Everything that has come, in the order in which it was read.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state().deliveries.clone()
    }

    /// Connections that were opened, including those whose TLS handshake failed.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.state().connections
    }

    /// Waits until nobody is connected: what a dead sender has left in the sockets is dealt with.
    #[track_caller]
    pub fn expect_nobody(&self) {
        let what = || "everybody has hung up".to_owned();
        self.shared.wait(what, |state| state.streams.is_empty().then_some(()));
    }

    /// Panics at the first request that breaks a rule of the wire (contract 16), and at the first
    /// `webhook-id` that came with two bodies.
    #[track_caller]
    pub fn assert_wire_rules(&self) {
        if let Some(fault) = rules::first_fault(&self.deliveries()) {
            panic!("{fault}");
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // The accepting thread looks at the flag when somebody comes.
        let _ = TcpStream::connect(self.addr);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        for stream in self.shared.state().streams.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// What the connections' threads and the test share.
#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Rings whenever something has come, was answered or has hung up.
    changed: Condvar,
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    deliveries: Vec<Delivery>,
    /// Which of them were answered with a 2xx, in the order in which that was decided.
    accepted: Vec<usize>,
    scripts: Scripts,
    /// Open connections, so that the end can interrupt them.
    streams: HashMap<u64, TcpStream>,
    connections: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener, tls: Option<&Arc<ServerConfig>>) {
        while let Ok((tcp, _)) = listener.accept() {
            if self.is_over() {
                return;
            }
            let Ok(number) = self.connected(&tcp) else { continue };
            let (shared, tls) = (Arc::clone(self), tls.cloned());
            thread::spawn(move || {
                // An error is the peer's end of it, or ours by way of the script.
                let _ = serving::serve(&shared, number, tcp, tls);
                shared.forget(number);
            });
        }
    }

    fn connected(&self, tcp: &TcpStream) -> io::Result<u64> {
        let clone = tcp.try_clone()?;
        let mut state = self.state();
        state.connections += 1;
        let number = state.connections;
        state.streams.insert(number, clone);
        Ok(number)
    }

    /// Lets go of a connection, so that the last descriptor of it is its thread's.
    fn forget(&self, number: u64) {
        self.state().streams.remove(&number);
        self.changed.notify_all();
    }

    /// Keeps a request; says where it is kept and how to answer.
    fn took(&self, connection: u64, incoming: Incoming) -> (usize, Answer) {
        let mut state = self.state();
        let at = state.deliveries.len();
        let delivery = Delivery::new(at, connection, incoming);
        let decided = state.scripts.next(&delivery);
        state.deliveries.push(delivery.clone());
        drop(state);
        self.changed.notify_all();
        // A test's own function is called without the lock: it may look at the receiver.
        (at, decided.answer(&delivery))
    }

    /// Notes what a request is answered with, just before that is sent: whatever the sender does
    /// upon the answer comes later.
    fn gives(&self, at: usize, given: Given) {
        let mut state = self.state();
        state.deliveries[at].given = given;
        if state.deliveries[at].is_accepted() {
            state.accepted.push(at);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until `found` finds something. Gives up when nothing has come for [`PATIENCE`], or
    /// after ten times as long.
    #[track_caller]
    fn wait<T>(&self, what: impl Fn() -> String, mut found: impl FnMut(&State) -> Option<T>) -> T {
        let mut state = self.state();
        let end = Instant::now() + PATIENCE * 10;
        let (mut heard, mut patience) = (0, Instant::now() + PATIENCE);
        loop {
            if let Some(found) = found(&state) {
                return found;
            }
            let now = Instant::now();
            if state.deliveries.len() != heard {
                (heard, patience) = (state.deliveries.len(), now + PATIENCE);
            }
            if now >= patience.min(end) {
                let came = digest(&state.deliveries);
                drop(state);
                panic!("never came true: {}\n{came}", what());
            }
            let wait = self.changed.wait_timeout(state, Duration::from_secs(1));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What came last, for the message of a failure.
fn digest(deliveries: &[Delivery]) -> String {
    let from = deliveries.len().saturating_sub(40);
    let lines: Vec<_> = deliveries[from..].iter().map(Delivery::to_string).collect();
    format!("{} requests came; the last ones:\n{}", deliveries.len(), lines.join("\n"))
}

#[cfg(test)]
mod tests;
