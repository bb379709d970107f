//! Targets that are no use: ports that refuse, listeners that do not listen, and a thousand of them
//! at once for the price of one thread.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::Receiver;

/// A port that refuses connections and that nobody else can take.
#[derive(Debug)]
pub struct DeadPort {
    socket: Socket,
}

impl DeadPort {
    /// Takes a port, without listening there.
    #[must_use]
    pub fn take() -> Self {
        Self { socket: bound() }
    }

    /// The URL of a path there.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", address(&self.socket))
    }

    /// Begins to listen there.
    #[must_use]
    pub fn revive(self) -> Receiver {
        self.socket.listen(128).unwrap();
        Receiver::over(self.socket.into(), None)
    }
}

/// A port where somebody listens and nobody answers.
#[derive(Debug)]
pub struct Deaf {
    socket: Socket,
    /// They fill the queue of those that wait to be accepted.
    _crowd: Vec<Socket>,
}

impl Deaf {
    /// The kernel accepts connections, nobody else does.
    #[must_use]
    pub fn never_accepts() -> Self {
        Self::with_queue(1024, 0)
    }

    /// Not even the kernel accepts: to connect takes until the client gives up.
    #[must_use]
    pub fn full() -> Self {
        Self::with_queue(0, 4)
    }

    fn with_queue(length: i32, crowd: usize) -> Self {
        let socket = bound();
        socket.listen(length).unwrap();
        let target = socket.local_addr().unwrap();
        let join = |_| {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            client.set_nonblocking(true).unwrap();
            // It is on its way, or the queue is full already.
            let _ = client.connect(&target);
            client
        };
        Self { _crowd: (0..crowd).map(join).collect(), socket }
    }

    /// The URL of a path there.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", address(&self.socket))
    }
}

/// Dead targets of every kind: refused, reset, never accepted, full, 500, dripping, endless.
#[derive(Debug)]
pub struct DeadTargets {
    urls: Vec<String>,
    _refusing: Vec<DeadPort>,
    _deaf: Vec<Deaf>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl DeadTargets {
    /// So many targets, the kinds in turn.
    #[must_use]
    pub fn start(count: usize) -> Self {
        raise_file_limit();
        let listeners = Tricks::ALL.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let bases = listeners.each_ref().map(|l| format!("http://{}", l.local_addr().unwrap()));
        let (mut urls, mut refusing, mut deaf) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..count {
            let path = format!("/dead/{n}");
            urls.push(match n % (3 + bases.len()) {
                0 => {
                    refusing.push(DeadPort::take());
                    refusing[refusing.len() - 1].url(&path)
                }
                kind @ (1 | 2) => {
                    deaf.push(if kind == 1 { Deaf::never_accepts() } else { Deaf::full() });
                    deaf[deaf.len() - 1].url(&path)
                }
                kind => format!("{}{path}", bases[kind - 3]),
            });
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let for_thread = Arc::clone(&is_over);
        let thread = Some(thread::spawn(move || Tricksters::new(listeners).run(&for_thread)));
        Self { urls, _refusing: refusing, _deaf: deaf, is_over, thread }
    }

    /// Their URLs.
    #[must_use]
    pub fn urls(&self) -> &[String] {
        &self.urls
    }
}

impl Drop for DeadTargets {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What comes instead of a good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tricks {
    Status500,
    Reset,
    Drip,
    Endless,
}

impl Tricks {
    const ALL: [Self; 4] = [Self::Status500, Self::Reset, Self::Drip, Self::Endless];
}

/// All connections of all tricks, in one thread with one poll.
struct Tricksters {
    listeners: [TcpListener; 4],
    connections: Vec<Trickster>,
}

struct Trickster {
    stream: TcpStream,
    trick: Tricks,
    /// Whether the head of a request has come.
    is_asked: bool,
}

impl Tricksters {
    /// How long the poll waits, and a dripping answer with its next byte.
    const TICK: Duration = Duration::from_millis(200);

    fn new(listeners: [TcpListener; 4]) -> Self {
        listeners.iter().for_each(|listener| listener.set_nonblocking(true).unwrap());
        Self { listeners, connections: Vec::new() }
    }

    fn run(&mut self, is_over: &AtomicBool) {
        let mut ticked = Instant::now();
        while !is_over.load(Ordering::Relaxed) {
            let ready = self.poll();
            self.accept();
            let is_tick = ticked.elapsed() >= Self::TICK;
            if is_tick {
                ticked = Instant::now();
            }
            let mut ready = ready.into_iter();
            // Those that were accepted just now have not been polled: they are looked at.
            self.connections.retain_mut(|one| {
                let ready = ready.next().unwrap_or(PollFlags::IN);
                one.turn(ready, is_tick).is_ok()
            });
        }
    }

    /// What each connection is ready for.
    fn poll(&self) -> Vec<PollFlags> {
        let listeners = self.listeners.iter().map(|l| PollFd::new(l, PollFlags::IN));
        let connections = self.connections.iter().map(|c| PollFd::new(&c.stream, c.wants()));
        let mut fds: Vec<_> = listeners.chain(connections).collect();
        let tick = Timespec { tv_sec: 0, tv_nsec: Self::TICK.subsec_nanos().into() };
        let _ = poll(&mut fds, Some(&tick));
        fds[self.listeners.len()..].iter().map(PollFd::revents).collect()
    }

    fn accept(&mut self) {
        for (listener, trick) in self.listeners.iter().zip(Tricks::ALL) {
            while let Ok((stream, _)) = listener.accept() {
                if stream.set_nonblocking(true).is_ok() {
                    self.connections.push(Trickster { stream, trick, is_asked: false });
                }
            }
        }
    }
}

impl Trickster {
    fn wants(&self) -> PollFlags {
        match self.trick {
            Tricks::Endless if self.is_asked => PollFlags::IN | PollFlags::OUT,
            _ => PollFlags::IN,
        }
    }

    /// Does what is due; an error is the end of the connection.
    fn turn(&mut self, ready: PollFlags, is_tick: bool) -> io::Result<()> {
        if ready.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            self.hear()?;
        }
        match self.trick {
            Tricks::Drip if is_tick && self.is_asked => self.say(b"x"),
            Tricks::Endless if ready.contains(PollFlags::OUT) => {
                let mut chunk = b"4000\r\n".to_vec();
                chunk.extend([b'x'; 0x4000]);
                chunk.extend(b"\r\n");
                self.say(&chunk)
            }
            _ => Ok(()),
        }
    }

    fn hear(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16_384];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) if self.is_asked => {}
                Ok(_) => {
                    self.is_asked = true;
                    self.begin()?;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            }
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        match self.trick {
            Tricks::Status500 => {
                self.say(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
                // The rest of the request is still read, or the answer might be lost in a reset.
                self.stream.shutdown(Shutdown::Write)
            }
            Tricks::Reset => {
                SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
                Err(io::ErrorKind::ConnectionReset.into())
            }
            Tricks::Drip => self.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
            Tricks::Endless => self.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        }
    }

    /// Writes what there is room for. A chunk that is cut is one more way not to answer.
    fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.stream.write(bytes) {
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
            _ => Ok(()),
        }
    }
}

/// Lets this process open as many files as it may, because a thousand targets are two thousand
/// sockets.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn bound() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))).unwrap();
    socket
}

fn address(socket: &Socket) -> SocketAddr {
    socket.local_addr().unwrap().as_socket().unwrap()
}
