//! A publisher: one keep-alive HTTP connection, one request at a time, answers read no further than
//! their status and length. A server that ends each connection gets another for each request.

use std::io;
use std::time::Instant;

use anyhow::{Context as _, Result};
use memchr::memmem;
use mio::net::TcpStream;

use crate::socket::{Answer, Door};
use crate::tls::Stream;

/// One keep-alive connection to the HTTP API.
#[derive(Debug)]
pub(crate) struct Publisher {
    /// The stream, non-blocking.
    pub(crate) stream: Stream,
    /// When the request under way was sent; `None` while free.
    sent: Option<Instant>,
    /// What the kernel did not take of the request.
    rest: Vec<u8>,
    /// What has arrived of the answer.
    answer: Vec<u8>,
    /// The server has ended the connection: the next request needs another.
    ended: bool,
}

impl Publisher {
    /// # Errors
    /// When the server does not take the connection.
    pub(crate) fn connect(door: &Door) -> Result<Self> {
        let stream =
            std::net::TcpStream::connect(door.address).context("connecting a publisher")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: Stream::new(TcpStream::from_std(stream), door.trust.as_ref())?,
            sent: None,
            rest: Vec::new(),
            answer: Vec::new(),
            ended: false,
        })
    }

    pub(crate) fn is_free(&self) -> bool {
        self.sent.is_none()
    }

    /// Sends a whole request. Only for a free publisher.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.sent = Some(Instant::now());
        if self.ended {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.write(request)
    }

    /// The stream takes bytes again: sends what was left.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()?;
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() { Ok(()) } else { self.write(&rest) }
    }

    /// Reads what there is; an answer if it is whole now, an error if the connection is over.
    /// `number` is its own, for the answer.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) fn read(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<Option<Answer>> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => self.answer.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let Some(Whole { status, last }) = whole_answer(&self.answer) else {
            let cut = self.ended && self.sent.is_some();
            return if cut { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(None) };
        };
        self.answer.clear();
        // What is sent now might still be taken by the kernel, and never be read.
        self.ended |= last;
        let at = Instant::now();
        Ok(self.sent.take().map(|sent| Answer { publisher: number, status, sent, at }))
    }

    /// The connection is gone: the outcome of the request that was under way, if one was.
    pub(crate) fn give_up(&mut self, number: usize) -> Option<Answer> {
        self.answer.clear();
        self.rest.clear();
        self.ended = true;
        let at = Instant::now();
        self.sent.take().map(|sent| Answer { publisher: number, status: 0, sent, at })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = match self.stream.write(bytes) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        self.rest.extend_from_slice(&bytes[written..]);
        Ok(())
    }
}

/// An answer that has arrived to its end.
#[derive(Debug, PartialEq, Eq)]
struct Whole {
    /// Its status.
    status: u16,
    /// The server says that no other comes on this connection.
    last: bool,
}

fn whole_answer(bytes: &[u8]) -> Option<Whole> {
    let head_end = memmem::find(bytes, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..head_end]).ok()?;
    let body = &bytes[head_end..];
    let whole = match header(head, "content-length") {
        Some(length) => body.len() >= length.parse().unwrap_or(0),
        None if header(head, "transfer-encoding").is_some() => body.ends_with(b"0\r\n\r\n"),
        None => true,
    };
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    let last = header(head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    whole.then_some(Whole { status, last })
}

/// The value of a header, named in lower case.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_length_is_there() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(whole_answer(answer), Some(Whole { status: 200, last: false }));
        assert_eq!(whole_answer(&answer[..answer.len() - 1]), None);
        assert_eq!(whole_answer(&answer[..20]), None);
    }

    #[test]
    fn a_chunked_answer_is_whole_at_its_last_chunk() {
        let answer =
            b"HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
        assert_eq!(whole_answer(answer), Some(Whole { status: 413, last: false }));
        assert_eq!(whole_answer(&answer[..answer.len() - 5]), None);
    }

    /// Sends a request to a server that answers so and ends the connection.
    fn answered(answer: &[u8]) -> (Publisher, io::Result<Option<Answer>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let door = Door { address: listener.local_addr().expect("bound"), trust: None };
        let mut publisher = Publisher::connect(&door).expect("a connection");
        let (mut server, _) = listener.accept().expect("the publisher");
        publisher.send(b"POST").expect("sent");
        assert_eq!(server.read(&mut [0; 4]).expect("the request"), 4);
        server.write_all(answer).expect("answered");
        drop(server);
        let mut buffer = [0; 1024];
        loop {
            match publisher.read(0, &mut buffer) {
                Ok(None) => thread::yield_now(),
                outcome => return (publisher, outcome),
            }
        }
    }

    #[test]
    fn after_the_last_answer_of_a_connection_nothing_is_sent_on_it() {
        let last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
        let (mut publisher, outcome) = answered(last);
        assert_eq!(outcome.expect("answered").expect("whole").status, 200);
        assert!(publisher.is_free());
        assert!(publisher.send(b"POST").is_err());
    }

    #[test]
    fn a_connection_that_ends_within_an_answer_is_a_failure_and_not_waited_for() {
        let (mut publisher, outcome) = answered(b"HTTP/1.1 200 OK\r\nContent-Le");
        assert!(outcome.is_err());
        assert_eq!(publisher.give_up(0).expect("a request was under way").status, 0);
    }
}
