//! The floor under any fan-out: one thread, one blocking `send` to each subscriber for each publish,
//! nothing else. It speaks just enough HTTP, WebSocket and Pusher for the harness's own client: no
//! signatures, no accept key, one channel. What a server costs above this is its own doing.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use anyhow::{Context as _, Result};
use memchr::memmem;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::frame;
use crate::publisher::header;

/// Serves until standard input ends.
///
/// # Errors
/// When it cannot listen.
pub(crate) fn serve() -> Result<()> {
    let mut floor = Floor::listen()?;
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
    /// Waits for everybody who may still say something.
    poll: Poll,
    /// Takes new connections.
    listener: TcpListener,
    /// Publishers, and clients on their way to becoming members.
    talkers: HashMap<Token, Talker>,
    /// Subscribers: blocking sockets that are only written.
    members: Vec<std::net::TcpStream>,
    /// The next token.
    next: usize,
    /// Shared by every read.
    buffer: Box<[u8]>,
}

/// A connection that is still read.
struct Talker {
    /// The stream, non-blocking.
    stream: TcpStream,
    /// What it has said and was not dealt with.
    heard: Vec<u8>,
    /// True once upgraded: the next frame is its subscription.
    upgraded: bool,
}

/// What a talker wants.
enum Wish {
    /// More bytes are needed to tell.
    Unclear,
    /// To be upgraded.
    Upgrade,
    /// To be a member from now on.
    Subscribe,
    /// This frame to go to all.
    Publish(Vec<u8>),
}

impl Floor {
    fn listen() -> Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            talkers: HashMap::new(),
            members: Vec::new(),
            next: 1,
            buffer: vec![0; 64 * 1024].into_boxed_slice(),
        })
    }

    fn run(&mut self) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            self.poll.poll(&mut events, None)?;
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                } else if self.serve_talker(event.token()).is_err() {
                    self.talkers.remove(&event.token());
                }
            }
        }
    }

    fn accept(&mut self) -> Result<()> {
        while let Ok((mut stream, _)) = self.listener.accept() {
            stream.set_nodelay(true)?;
            let token = Token(self.next);
            self.next += 1;
            self.poll.registry().register(&mut stream, token, Interest::READABLE)?;
            self.talkers.insert(token, Talker { stream, heard: Vec::new(), upgraded: false });
        }
        Ok(())
    }

    fn serve_talker(&mut self, token: Token) -> Result<()> {
        let Some(talker) = self.talkers.get_mut(&token) else {
            return Ok(());
        };
        loop {
            match talker.stream.read(&mut self.buffer) {
                Ok(0) => anyhow::bail!("gone"),
                Ok(read) => talker.heard.extend_from_slice(&self.buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        match talker.wish()? {
            Wish::Unclear => Ok(()),
            Wish::Upgrade => talker.upgrade(),
            Wish::Subscribe => self.admit(token),
            Wish::Publish(frame) => {
                self.members.retain_mut(|member| member.write_all(&frame).is_ok());
                let talker = self.talkers.get_mut(&token).context("the publisher")?;
                talker.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            }
        }
    }

    fn admit(&mut self, token: Token) -> Result<()> {
        let mut talker = self.talkers.remove(&token).context("a talker")?;
        self.poll.registry().deregister(&mut talker.stream)?;
        talker.say(&frame::unmasked(frame::TEXT, SUCCEEDED))?;
        let member = std::net::TcpStream::from(talker.stream);
        member.set_nonblocking(false)?;
        self.members.push(member);
        Ok(())
    }
}

impl Talker {
    fn wish(&mut self) -> Result<Wish> {
        if self.upgraded {
            return Ok(if self.heard.len() < 6 { Wish::Unclear } else { Wish::Subscribe });
        }
        let Some(end) = memmem::find(&self.heard, b"\r\n\r\n") else {
            return Ok(Wish::Unclear);
        };
        let head = std::str::from_utf8(&self.heard[..end])?;
        let length = header(head, "content-length").unwrap_or("0").parse::<usize>()?;
        let Some(body) = self.heard.get(end + 4..end + 4 + length) else {
            return Ok(Wish::Unclear);
        };
        let wish = match head.starts_with("POST ") {
            true => Wish::Publish(published(body)?),
            false => Wish::Upgrade,
        };
        self.heard.clear();
        Ok(wish)
    }

    fn upgrade(&mut self) -> Result<()> {
        self.upgraded = true;
        self.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        )?;
        self.say(&frame::unmasked(frame::TEXT, ESTABLISHED))
    }

    fn say(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }
}

/// The frame that a Pusher server makes of a publish: the same members, so the same size.
fn published(body: &[u8]) -> Result<Vec<u8>> {
    let (name, data) = (member(body, b"\"name\":")?, member(body, b"\"data\":")?);
    let channel = member(body, b"\"channel\":")?;
    let parts: [&[u8]; 7] =
        [b"{\"event\":", name, b",\"data\":", data, b",\"channel\":", channel, b"}"];
    Ok(frame::unmasked(frame::TEXT, &parts.concat()))
}

/// A string member of the harness's own JSON, quotes included; it holds no escapes.
fn member<'a>(body: &'a [u8], key: &[u8]) -> Result<&'a [u8]> {
    let start = memmem::find(body, key).context("a member")? + key.len();
    let length = memchr::memchr(b'"', &body[start + 1..]).context("the member's end")?;
    Ok(&body[start..start + length + 2])
}

/// The listener's token; talkers count up from 1.
const LISTENER: Token = Token(0);
const ESTABLISHED: &[u8] = br#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.1\",\"activity_timeout\":120}"}"#;
const SUCCEEDED: &[u8] =
    br#"{"event":"pusher_internal:subscription_succeeded","channel":"load","data":"{}"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_becomes_the_frame_of_a_real_server() {
        let body = br#"{"channel":"c","data":"~~0~~","name":"load"}"#;
        let bytes = published(body).expect("a frame");
        let frame = frame::first(&bytes).expect("a whole frame");
        assert_eq!(frame.payload, br#"{"event":"load","data":"~~0~~","channel":"c"}"#);
    }
}
