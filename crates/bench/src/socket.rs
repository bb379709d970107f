//! One client connection: upgrade, subscribe, then frames counted by their headers. It owns no read
//! buffer; only a frame that arrived cut is kept, until its rest comes.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use memchr::memmem;

use crate::frame::{self, Frame};
use crate::net;
use crate::tls::{Stream, Trust};
use crate::topics::Topics;
use crate::xhr::{Lines, Session, Word};

/// Where a server takes connections.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// The address.
    pub(crate) address: SocketAddr,
    /// Who it has to be; `None` without TLS.
    pub(crate) trust: Option<Trust>,
}

impl Door {
    /// Starts a connection.
    ///
    /// # Errors
    /// When the kernel refuses at once.
    fn knock(&self) -> io::Result<Stream> {
        Stream::new(net::connect(self.address)?, self.trust.as_ref())
    }
}

/// Where connections of one kind go, and what they say first.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The server.
    door: Door,
    /// The upgrade request, the same for each connection; or what asks for the long answer of a session.
    request: Vec<u8>,
    /// Whether it is a session of the HTTP fallback instead of a WebSocket.
    is_session: bool,
}

impl Endpoint {
    pub(crate) fn new(door: Door, key: &str) -> Rc<Self> {
        Self::with_headers(door, key, "")
    }

    /// Connections that offer to take compressed messages.
    pub(crate) fn compressing(door: Door, key: &str) -> Rc<Self> {
        Self::with_headers(door, key, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
    }

    fn with_headers(door: Door, key: &str, headers: &str) -> Rc<Self> {
        let address = door.address;
        let upgrade = format!(
            "GET /app/{key}?protocol=7&client=js&version=8.4.0&flash=false HTTP/1.1\r\n\
             Host: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
        );
        Rc::new(Self { door, request: upgrade.into_bytes(), is_session: false })
    }

    /// One session of the HTTP fallback. It hears, but what it says needs requests of its own.
    pub(crate) fn session(door: Door, session: &Session) -> Rc<Self> {
        let request = session.receive(door.address);
        Rc::new(Self { door, request, is_session: true })
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The TCP handshake is under way.
    Connecting,
    /// The request is sent; its 101 is awaited, or the 200 of a session.
    Upgrading,
    /// `pusher:connection_established` is awaited.
    Greeting,
    /// `subscription_succeeded` is awaited, of each of its channels.
    Subscribing,
    /// Subscribed to all of them: text frames belong to the scenario.
    Live,
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closing {
    /// The code of the close frame; `None` if the stream just ended.
    pub(crate) code: Option<u16>,
    /// How far it had come.
    pub(crate) phase: Phase,
    /// What the server or the kernel said about it, for people.
    pub(crate) reason: String,
}

impl Closing {
    /// Of a live session that could not ask anew.
    pub(crate) fn failed(error: &io::Error) -> Self {
        Self { code: None, phase: Phase::Live, reason: error.to_string() }
    }
}

/// What a connection tells the scenario.
pub(crate) trait Hearer {
    /// Subscribed and confirmed.
    fn live(&mut self, _socket: usize) {}
    /// A text frame on a live connection; `at` is when the read that brought it returned.
    fn frame(&mut self, _socket: usize, _payload: &[u8], _at: Instant) {}
    /// A compressed message on a live connection, as it is on the wire.
    fn compressed(&mut self, _socket: usize, _payload: &[u8]) {}
    /// Over, by whichever side or failure.
    fn closed(&mut self, _socket: usize, _closing: Closing) {}
    /// A publisher's request was answered.
    fn answered(&mut self, _answer: Answer) {}
}

/// The outcome of one HTTP request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// Which publisher sent the request.
    pub(crate) publisher: usize,
    /// HTTP status; 0 when the connection ended instead.
    pub(crate) status: u16,
    /// When the request was handed to the kernel.
    pub(crate) sent: Instant,
    /// When its answer was whole.
    pub(crate) at: Instant,
}

/// One client connection.
#[derive(Debug)]
pub(crate) struct Socket {
    /// The stream, non-blocking.
    pub(crate) stream: Stream,
    /// Decides how the next bytes are read.
    pub(crate) phase: Phase,
    /// What is said once the stream is connected.
    endpoint: Rc<Endpoint>,
    /// What it subscribes to.
    topics: Topics,
    /// How many of them are confirmed.
    confirmed: usize,
    /// What the server calls it; empty until it has been greeted.
    pub(crate) id: Box<str>,
    /// The start of a frame whose rest has not arrived; nearly always empty.
    carry: Vec<u8>,
    /// The lines of a session's long answer; `None` on a WebSocket.
    lines: Option<Box<Lines>>,
    /// Whether the session was live before this answer.
    resumes: bool,
    /// What the server said in a `pusher:error`, to be told when it closes.
    pub(crate) complaint: String,
}

impl Socket {
    pub(crate) fn connect(endpoint: &Rc<Endpoint>, topics: Topics) -> io::Result<Self> {
        Ok(Self {
            stream: endpoint.door.knock()?,
            phase: Phase::Connecting,
            endpoint: Rc::clone(endpoint),
            topics,
            confirmed: 0,
            id: Box::default(),
            carry: Vec::new(),
            lines: endpoint.is_session.then(Box::default),
            resumes: false,
            complaint: String::new(),
        })
    }

    /// A live session whose answer is too long asks for another: the connection that does; `None` if it
    /// has no need to.
    pub(crate) fn again(&self) -> Option<io::Result<Self>> {
        let is_due = self.phase == Phase::Live && self.lines.as_ref()?.is_too_long();
        let anew = || {
            let next = Self::connect(&self.endpoint, Topics::default())?;
            Ok(Self { id: self.id.clone(), resumes: true, ..next })
        };
        is_due.then(anew)
    }

    /// The stream became writable: says the upgrade request if the connect succeeded.
    pub(crate) fn connected(&mut self) -> Result<(), Closing> {
        if let Some(error) = self.stream.tcp.take_error().map_err(|error| self.over(&error))? {
            return Err(self.over(&error));
        }
        let endpoint = Rc::clone(&self.endpoint);
        self.phase = Phase::Upgrading;
        self.say(&endpoint.request)
    }

    /// Reads until the socket is empty, as an edge-triggered poll demands, or until it has had its share
    /// of the turn: a server that fills one socket as fast as it is read would starve all others.
    /// Whether there may be more. Without TLS a short read empties it too, unless the end of the stream
    /// may be behind it (`ended`).
    pub(crate) fn read<H: Hearer>(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        ended: bool,
        hearer: &mut H,
    ) -> Result<bool, Closing> {
        for _ in 0..READS {
            let kept = self.carry.len();
            buffer[..kept].copy_from_slice(&self.carry);
            let filled = match self.stream.read(&mut buffer[kept..]) {
                Ok(0) => return Err(self.ended("stream ended")),
                Ok(read) => kept + read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.over(&error)),
            };
            let used = self.take(index, &buffer[..filled], hearer)?;
            self.carry.clear();
            self.carry.extend_from_slice(&buffer[used..filled]);
            if self.carry.len() == buffer.len() {
                return Err(self.ended("a frame larger than the read buffer"));
            }
            if filled < buffer.len() && !ended && self.stream.is_empty_after_short_read() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Answers a close frame with its own code and leaves. A session just leaves.
    pub(crate) fn farewell(&mut self, code: Option<u16>) {
        if self.endpoint.is_session {
            return;
        }
        let payload = code.map_or_else(Vec::new, |code| code.to_be_bytes().to_vec());
        // The peer may be gone already; nothing is owed to it then.
        let _ = self.stream.write(&frame::masked(frame::CLOSE, &payload));
    }

    fn take<H: Hearer>(
        &mut self,
        index: usize,
        bytes: &[u8],
        hearer: &mut H,
    ) -> Result<usize, Closing> {
        let at = Instant::now();
        let mut used = 0;
        if self.phase == Phase::Upgrading {
            let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
                return Ok(0);
            };
            let wanted = if self.lines.is_some() { b"HTTP/1.1 200" } else { b"HTTP/1.1 101" };
            if !bytes.starts_with(wanted) {
                return Err(self.ended(&String::from_utf8_lossy(&bytes[..end])));
            }
            self.phase = if self.resumes { Phase::Live } else { Phase::Greeting };
            used = end + 4;
        }
        if let Some(mut lines) = self.lines.take() {
            let (more, words) = lines.take(&bytes[used..]).map_err(|why| self.ended(why))?;
            self.lines = Some(lines);
            words.into_iter().try_for_each(|word| self.hear_word(index, word, at, hearer))?;
            return Ok(used + more);
        }
        while let Some(frame) = frame::first(&bytes[used..]) {
            used += frame.size;
            if frame.opcode == frame::TEXT && self.phase == Phase::Live {
                hearer.frame(index, frame.payload, at);
            } else if frame.opcode == frame::COMPRESSED_TEXT && self.phase == Phase::Live {
                hearer.compressed(index, frame.payload);
            } else {
                self.hear(index, &frame, hearer)?;
            }
        }
        Ok(used)
    }

    fn hear<H: Hearer>(
        &mut self,
        index: usize,
        frame: &Frame<'_>,
        hearer: &mut H,
    ) -> Result<(), Closing> {
        let says = |word: &str| memmem::find(frame.payload, word.as_bytes()).is_some();
        match (frame.opcode, self.phase) {
            (frame::PING, _) => self.say(&frame::masked(frame::PONG, frame.payload)),
            (frame::CLOSE, _) => Err(Closing {
                code: frame::close_code(frame.payload),
                ..self.ended(&String::from_utf8_lossy(frame.payload.get(2..).unwrap_or_default()))
            }),
            (frame::TEXT, Phase::Greeting) if says("pusher:connection_established") => {
                self.phase = Phase::Subscribing;
                self.id = socket_id(frame.payload);
                let words = self.topics.words(&self.id);
                self.live_if_confirmed(index, hearer);
                if words.is_empty() { Ok(()) } else { self.say(&words) }
            }
            (frame::TEXT, Phase::Subscribing) if says("subscription_succeeded") => {
                self.confirmed += 1;
                self.live_if_confirmed(index, hearer);
                Ok(())
            }
            (frame::TEXT, _) if says("pusher:error") => {
                self.complaint = String::from_utf8_lossy(frame.payload).into_owned();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn hear_word<H: Hearer>(
        &mut self,
        index: usize,
        word: Word,
        at: Instant,
        hearer: &mut H,
    ) -> Result<(), Closing> {
        match word {
            Word::Frames(texts) => texts.iter().try_for_each(|text| {
                let payload = text.as_bytes();
                if self.phase == Phase::Live {
                    hearer.frame(index, payload, at);
                    return Ok(());
                }
                self.hear(index, &Frame { opcode: frame::TEXT, payload, size: 0 }, hearer)
            }),
            Word::Close(code, reason) => Err(Closing { code: Some(code), ..self.ended(&reason) }),
            Word::Open if self.resumes => Err(self.ended("the server has lost the session")),
            Word::Open | Word::Heartbeat => Ok(()),
            Word::Unknown(line) => Err(self.ended(&line)),
        }
    }

    fn live_if_confirmed<H: Hearer>(&mut self, index: usize, hearer: &mut H) {
        if self.confirmed == self.topics.len() {
            self.phase = Phase::Live;
            hearer.live(index);
        }
    }

    /// Everything a client says is smaller than an empty send buffer, so a short write is a failure.
    pub(crate) fn say(&mut self, bytes: &[u8]) -> Result<(), Closing> {
        match self.stream.write(bytes) {
            Ok(written) if written == bytes.len() && !self.stream.keeps_something() => Ok(()),
            Ok(_) => Err(self.ended("a short write")),
            Err(error) => Err(self.over(&error)),
        }
    }

    fn over(&self, error: &io::Error) -> Closing {
        self.ended(&error.to_string())
    }

    fn ended(&self, reason: &str) -> Closing {
        let reason = format!("{reason} {}", self.complaint).trim().to_owned();
        Closing { code: None, phase: self.phase, reason }
    }
}

/// The id in a `pusher:connection_established`, whose data is JSON within JSON: digits and a dot.
fn socket_id(greeting: &[u8]) -> Box<str> {
    let rest = memmem::find(greeting, b"socket_id").map_or(&[][..], |at| &greeting[at..]);
    let is_id = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let id = rest.iter().skip_while(|byte| !is_id(byte)).take_while(|byte| is_id(byte));
    id.map(|&byte| char::from(byte)).collect()
}

/// Reads of one socket in a turn, each of a whole buffer.
const READS: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_id_is_found_whatever_stands_around_it() {
        let ours = br#"{"event":"e","data":"{\"socket_id\":\"12.345\",\"activity_timeout\":120}"}"#;
        let other = br#"{"data":"{\"activity_timeout\":120,\"socket_id\": \"12.345\"}"}"#;
        for greeting in [&ours[..], other] {
            assert_eq!(&*socket_id(greeting), "12.345");
        }
        assert_eq!(&*socket_id(b"{}"), "");
    }
}
