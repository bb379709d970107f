//! The floor under any server: one thread, one blocking `send` to each hearer for each message, nothing
//! else. It speaks just enough HTTP, WebSocket and Pusher for the harness's own client: no signatures,
//! no accept key, no unmasking, no limits, no JSON. What a server costs above this is its own doing.

mod crowd;
mod words;

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd as _;
use std::thread;

use anyhow::Result;
use clap::Args;
use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::net::SocketFlags;

use crate::floor::crowd::Crowd;

/// Options of `floor-server`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Reads all that waits first, and then gives each hearer all that was published in one write.
    #[arg(long)]
    joining: bool,
}

/// Serves until standard input ends.
///
/// # Errors
/// When it cannot listen.
pub(crate) fn serve(options: &Options) -> Result<()> {
    let mut floor = Floor::listen(options)?;
    let address = floor.listener.local_addr()?;
    writeln!(io::stdout(), "{address}")?;
    thread::spawn(|| {
        // Blocks until the harness is gone, however it went.
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    floor.run()
}

/// The whole server.
struct Floor {
    /// Waits for everybody.
    poll: Poll,
    /// Takes new connections.
    listener: TcpListener,
    /// Everybody.
    crowd: Crowd,
    /// Shared by every read.
    buffer: Box<[u8]>,
}

impl Floor {
    fn listen(options: &Options) -> Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        // As long a queue as the machine allows: thousands may come at once.
        rustix::net::listen(&listener, i32::MAX)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let buffer = vec![0; 64 * 1024].into_boxed_slice();
        Ok(Self { poll, listener, crowd: Crowd::new(options.joining), buffer })
    }

    fn run(&mut self) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let (Token(number), ended) = (event.token(), event.is_read_closed());
                if self.crowd.hear(number, ended, &mut self.buffer).is_err() {
                    self.crowd.remove(number);
                }
            }
            self.crowd.send_joined();
        }
    }

    fn accept(&mut self) -> Result<()> {
        // The listener's own `accept` would make them non-blocking.
        while let Ok(accepted) = rustix::net::accept_with(&self.listener, SocketFlags::CLOEXEC) {
            let stream = TcpStream::from(accepted);
            stream.set_nodelay(true)?;
            let descriptor = stream.as_raw_fd();
            let token = Token(self.crowd.add(stream));
            self.poll.registry().register(&mut SourceFd(&descriptor), token, Interest::READABLE)?;
        }
        Ok(())
    }
}

/// The listener's token; the crowd counts up from 0.
const LISTENER: Token = Token(usize::MAX - 1);
