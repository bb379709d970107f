//! One connection of a worker: its transport, its session, and what waits for a slow reader.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bellwire_hub::{ChannelId, Conn, Session};
use bellwire_protocol::frame::FrameReader;
use bytes::Bytes;
use rustix::net::SendFlags;
use smallvec::SmallVec;

use super::admission::Seat;
use super::fanout::Chain;
use super::tally::Tally;
use super::transport::{Socket, Transport};
use super::witness::Story;

/// One connection of a worker.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Its name.
    pub(crate) conn: Conn,
    /// Where its bytes go.
    pub(crate) transport: Transport,
    /// What it may do and has done.
    pub(crate) session: Session,
    /// Whether its messages may be compressed.
    pub(crate) deflates: bool,
    /// What it must remember of a frame that arrived cut.
    pub(crate) reader: FrameReader,
    /// The rooms it is in.
    pub(crate) memberships: Vec<Membership>,
    /// What this turn has for it.
    pub(crate) chain: Chain,
    /// What waits until it reads; none for nearly everyone.
    pub(crate) backlog: Option<Box<Backlog>>,
    /// When it was accepted, in seconds of the worker's clock.
    pub(crate) accepted_s: u32,
    /// When it was last heard.
    pub(crate) heard_s: u32,
    /// When it was probed and has not answered since.
    pub(crate) probed_s: Option<u32>,
    /// Whether it keeps up with what it is sent.
    pub(crate) pace: Pace,
    /// Whether its socket has taken anything of the backlog since the last scan.
    pub(crate) took: bool,
    /// Set once the close frame is out.
    pub(crate) closing: Option<Closing>,
    /// Its place in the quotas.
    pub(crate) seat: Seat,
    /// Where it came from, for people.
    pub(crate) story: Story,
}

/// Whether a connection keeps up with what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Little or nothing waits for it.
    InStep,
    /// Much waits for it, and it reads.
    Behind,
    /// Much waits for it, and it does not read: nobody waits for that one.
    Stuck,
}

/// What a client may still do after its close frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing {
    /// Until when it has to answer, in seconds of the worker's clock.
    pub(crate) until_s: u32,
    /// Bytes that it may still send; they are thrown away.
    pub(crate) bytes_left: usize,
}

/// A connection's place in a room of its worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Membership {
    /// Which room.
    pub(crate) channel: ChannelId,
    /// Where in the room's list.
    pub(crate) seat: u32,
}

/// Frames that wait for a slow reader, shared with everyone else who waits for them.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    parts: VecDeque<Bytes>,
    /// Sum of the parts.
    pub(crate) bytes: usize,
}

/// How a write went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Sent, or kept for later.
    Well,
    /// More waits than the cap allows.
    TooSlow,
    /// The socket is broken.
    Broken,
}

/// What a waiting frame costs beside its bytes: its place in the list and its shared buffer.
pub(crate) const PART_BYTES: usize = 96;

/// Slices of one `writev(2)`.
pub(crate) const SLICES_MAX: usize = 64;

impl Connection {
    /// Whether bytes can go straight to a TCP socket.
    pub(crate) fn takes_at_once(&self) -> bool {
        let is_tcp = matches!(self.transport, Transport::Socket(Socket::Tcp(_)));
        is_tcp && self.is_in_step()
    }

    /// Whether nothing waits for it, and it was not behind.
    pub(crate) fn is_in_step(&self) -> bool {
        self.backlog.is_none() && self.pace == Pace::InStep
    }

    /// The shortest way out for one part: how many bytes of it the socket took, 0 also if it is
    /// broken. Only if [`takes_at_once`](Self::takes_at_once).
    #[inline]
    pub(crate) fn write_at_once(&mut self, part: &Bytes, tally: &mut Tally) -> usize {
        let Transport::Socket(Socket::Tcp(stream)) = &mut self.transport else { return 0 };
        tally.writes += 1;
        let written = rustix::net::send(&*stream, part, SendFlags::NOSIGNAL).unwrap_or(0);
        tally.bytes_out += written as u64;
        written
    }

    /// Writes parts in order; what the socket does not take waits in the backlog.
    pub(crate) fn write<'a>(
        &mut self,
        parts: impl Iterator<Item = &'a Bytes>,
        cap: usize,
        tally: &mut Tally,
    ) -> Sent {
        let Transport::Socket(socket) = &mut self.transport else {
            return Sent::Well;
        };
        let mut parts = parts.peekable();
        let mut batch: SmallVec<[&Bytes; SLICES_MAX]> = SmallVec::new();
        while self.backlog.is_none() && parts.peek().is_some() {
            batch.clear();
            batch.extend(parts.by_ref().take(SLICES_MAX));
            match write_some(socket, &batch, tally) {
                Ok(written) => keep_rest(&mut self.backlog, &batch, written, tally),
                Err(_) => return Sent::Broken,
            }
        }
        for part in parts {
            let backlog = self.backlog.get_or_insert_default();
            backlog.push(part.clone());
            tally.backlog_bytes += part.len() as i64;
        }
        let waiting = self.backlog.as_ref().map_or(0, |backlog| backlog.cost());
        if waiting > cap { Sent::TooSlow } else { Sent::Well }
    }

    /// The socket takes bytes again: sends what waits.
    pub(crate) fn resume(&mut self, tally: &mut Tally) -> Sent {
        let Transport::Socket(socket) = &mut self.transport else {
            return Sent::Well;
        };
        match socket.flush() {
            Ok(true) => {}
            Ok(false) => return Sent::Well,
            Err(_) => return Sent::Broken,
        }
        while let Some(backlog) = &mut self.backlog {
            let batch: SmallVec<[&Bytes; SLICES_MAX]> =
                backlog.parts.iter().take(SLICES_MAX).collect();
            let written = match write_some(socket, &batch, tally) {
                Ok(0) => return Sent::Well,
                Ok(written) => written,
                Err(_) => return Sent::Broken,
            };
            drop(batch);
            backlog.advance(written, tally);
            self.took = true;
            if backlog.parts.is_empty() {
                self.backlog = None;
            }
        }
        Sent::Well
    }

    /// How it keeps up now, with so many bytes as the cap of its backlog.
    pub(crate) fn pace_now(&self, cap: usize) -> Pace {
        let waiting = self.backlog.as_ref().map_or(0, |backlog| backlog.cost());
        match self.pace {
            Pace::InStep if waiting > cap / 4 => Pace::Behind,
            Pace::Behind | Pace::Stuck if waiting < cap / 8 => Pace::InStep,
            Pace::Stuck if self.took => Pace::Behind,
            pace => pace,
        }
    }

    /// Bytes that wait for it.
    pub(crate) fn backlog_bytes(&self) -> usize {
        self.backlog.as_ref().map_or(0, |backlog| backlog.bytes)
    }
}

impl Backlog {
    /// Memory that it takes.
    fn cost(&self) -> usize {
        self.bytes + self.parts.len() * PART_BYTES
    }

    fn push(&mut self, part: Bytes) {
        self.bytes += part.len();
        self.parts.push_back(part);
    }

    fn advance(&mut self, mut written: usize, tally: &mut Tally) {
        self.bytes -= written;
        tally.backlog_bytes -= written as i64;
        while let Some(part) = self.parts.front_mut() {
            if written < part.len() {
                bytes::Buf::advance(part, written);
                return;
            }
            written -= part.len();
            self.parts.pop_front();
        }
    }
}

/// Bytes that the socket took; 0 if it takes none now.
fn write_some(socket: &mut Socket, parts: &[&Bytes], tally: &mut Tally) -> io::Result<usize> {
    tally.writes += 1;
    let result = match parts {
        [one] => socket.write(&[IoSlice::new(one)]),
        many => {
            let slices: SmallVec<[IoSlice<'_>; SLICES_MAX]> =
                many.iter().map(|part| IoSlice::new(part)).collect();
            socket.write(&slices)
        }
    };
    match result {
        Ok(written) => {
            tally.bytes_out += written as u64;
            Ok(written)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            write_some(socket, parts, tally)
        }
        Err(error) => Err(error),
    }
}

fn keep_rest(
    backlog: &mut Option<Box<Backlog>>,
    parts: &[&Bytes],
    mut written: usize,
    tally: &mut Tally,
) {
    for part in parts {
        if written >= part.len() {
            written -= part.len();
            continue;
        }
        let rest = part.slice(written..);
        written = 0;
        tally.backlog_bytes += rest.len() as i64;
        backlog.get_or_insert_default().push(rest);
    }
}
