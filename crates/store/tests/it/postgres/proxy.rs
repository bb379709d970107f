//! A line to the server that can be cut in the middle of a commit.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

/// Where the next commit is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Cut {
    /// Nowhere.
    Never,
    /// Before the server has heard of it.
    Before,
    /// When the server has answered, and nobody hears it.
    After,
}

/// A line.
pub(super) struct Proxy {
    pub(super) port: u16,
    next: Arc<AtomicU8>,
}

impl Proxy {
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let next = Arc::new(AtomicU8::new(Cut::Never as u8));
        let cut = next.clone();
        // It ends with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
                let (to, from) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let other = cut.clone();
                thread::spawn(move || ask(from, to, &other));
                let cut = cut.clone();
                thread::spawn(move || answer(server, client, &cut));
            }
        });
        Self { port, next }
    }

    pub(super) fn cut(&self, cut: Cut) {
        self.next.store(cut as u8, Ordering::SeqCst);
    }
}

/// What is said to the server.
fn ask(mut client: TcpStream, mut server: TcpStream, cut: &AtomicU8) {
    let mut bytes = [0; 65_536];
    let mut is_committing = false;
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        is_committing |= bytes[..read].windows(6).any(|word| word == b"COMMIT");
        let is_cut = is_committing && cut.load(Ordering::SeqCst) == Cut::Before as u8;
        if is_cut || server.write_all(&bytes[..read]).is_err() {
            break;
        }
        if is_committing && cut.load(Ordering::SeqCst) == Cut::After as u8 {
            // The other side sees the answer, and ends.
            return;
        }
        is_committing = false;
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

/// What the server answers.
fn answer(mut server: TcpStream, mut client: TcpStream, cut: &AtomicU8) {
    let mut bytes = [0; 65_536];
    while let Ok(read @ 1..) = server.read(&mut bytes) {
        let is_commit = bytes[..read].windows(7).any(|word| word == b"COMMIT\0");
        if is_commit && cut.load(Ordering::SeqCst) == Cut::After as u8 {
            break;
        }
        if client.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}
