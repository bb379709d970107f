//! The receiver of webhooks: endpoints that answer 200 at once and count what they hear, on a
//! thread of its own, and endpoints that are no good.

mod dead;
mod heard;
mod request;

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::Result;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

use self::dead::Dead;
pub(crate) use self::heard::{Heard, Tally, channel};
use self::request::{Malformed, Post};

/// A running receiver; it ends with this value.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Where it listens.
    address: SocketAddr,
    /// What it has heard; locked for one read of a connection at a time.
    heard: Arc<Mutex<Heard>>,
    /// Endpoints that refuse or stay silent.
    dead: Dead,
    /// Tells the thread to end, once the waker has woken it.
    is_over: Arc<AtomicBool>,
    /// Wakes the thread.
    waker: Waker,
    /// The thread, until it is joined.
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Receiver {
    /// Starts a receiver with that many good endpoints.
    ///
    /// # Errors
    /// When it cannot listen.
    pub(crate) fn start(endpoints: usize) -> Result<Self> {
        let heard = Arc::new(Mutex::new(Heard::new(endpoints)));
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            poll,
            listener,
            callers: HashMap::new(),
            next: FIRST_CALLER,
            heard: Arc::clone(&heard),
            buffer: vec![0; 64 * 1024].into_boxed_slice(),
        };
        let end = Arc::clone(&is_over);
        let thread = std::thread::Builder::new().name("receiver".into());
        let thread = thread.spawn(move || desk.run(&end))?;
        let dead = Dead::new()?;
        Ok(Self { address, heard, dead, is_over, waker, thread: Some(thread) })
    }

    /// The address of a good endpoint.
    pub(crate) fn url(&self, endpoint: usize) -> String {
        format!("http://{}{HOOK}{endpoint}", self.address)
    }

    /// The address of an endpoint that is no good: they refuse, stay silent, answer 500 or never
    /// end their answer, in turn.
    pub(crate) fn dead_url(&self, number: usize) -> String {
        let address = match number % 4 {
            0 => self.dead.refuses(),
            1 => self.dead.stays_silent(),
            2 => return format!("http://{}{FAILS}{number}", self.address),
            _ => return format!("http://{}{DRIPS}{number}", self.address),
        };
        format!("http://{address}/{number}")
    }

    /// What has been heard until now. Nothing is heard while this is held.
    pub(crate) fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // A thread that cannot be woken has ended.
        let _ = self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Desk {
    /// Waits for everybody.
    poll: Poll,
    /// Takes new connections.
    listener: TcpListener,
    /// The server's connections.
    callers: HashMap<Token, Caller>,
    /// The next token.
    next: usize,
    /// Where POSTs are counted.
    heard: Arc<Mutex<Heard>>,
    /// Shared by every read.
    buffer: Box<[u8]>,
}

/// One keep-alive connection of the server.
struct Caller {
    /// The stream, non-blocking.
    stream: TcpStream,
    /// What has arrived and is not whole yet.
    rest: Vec<u8>,
}

impl Desk {
    fn run(mut self, is_over: &AtomicBool) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        while !is_over.load(Ordering::Relaxed) {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    WAKER => {}
                    token => self.serve(token),
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok((mut stream, _)) = self.listener.accept() {
            stream.set_nodelay(true)?;
            let token = Token(self.next);
            self.next += 1;
            self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
            self.callers.insert(token, Caller { stream, rest: Vec::new() });
        }
        Ok(())
    }

    fn serve(&mut self, token: Token) {
        let Some(caller) = self.callers.get_mut(&token) else { return };
        if caller.serve(&mut self.buffer, &self.heard).is_err() {
            self.callers.remove(&token);
        }
    }
}

impl Caller {
    /// Reads until the socket is empty, and answers every POST that is whole.
    ///
    /// # Errors
    /// When the connection is over, or what came is no POST.
    fn serve(&mut self, buffer: &mut [u8], heard: &Mutex<Heard>) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => self.rest.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            let at = Instant::now();
            let mut used = 0;
            let mut answers = Vec::new();
            while let Some(post) = request::first(&self.rest[used..])
                .map_err(|Malformed| io::ErrorKind::InvalidData)?
            {
                answers.extend_from_slice(answer(&post, heard, at));
                used += post.size;
            }
            self.rest.drain(..used);
            // Answers are smaller than an empty send buffer: the server has one request under way.
            self.stream.write_all(&answers)?;
        }
    }
}

/// Counts a POST if it is for a good endpoint, and says what is answered.
fn answer(post: &Post<'_>, heard: &Mutex<Heard>, at: Instant) -> &'static [u8] {
    if post.path.starts_with(FAILS) {
        return b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    }
    if post.path.starts_with(DRIPS) {
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nand so on";
    }
    let endpoint = post.path.strip_prefix(HOOK).and_then(|number| number.parse().ok());
    let is_taken = endpoint.is_some_and(|endpoint| {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.post(endpoint, post.id, post.tells_gap, post.body, at)
    });
    if is_taken {
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    } else {
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    }
}

/// Good endpoints are below this path, by number.
const HOOK: &str = "/hook/";
/// Below this path 500 is answered.
const FAILS: &str = "/fails/";
/// Below this path an answer begins and never ends.
const DRIPS: &str = "/drips/";
const LISTENER: Token = Token(0);
const WAKER: Token = Token(1);
const FIRST_CALLER: usize = 2;

#[cfg(test)]
#[path = "receiver_tests.rs"]
mod tests;
