//! Everybody who is connected to the floor, who hears what, and the loop that sends it.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::rc::Rc;

use anyhow::{Context as _, Result, bail};
use rustix::io::Errno;
use rustix::net::RecvFlags;

use crate::floor::words::{self, Wish};
use crate::frame;

/// All connections and all channels.
#[derive(Default)]
pub(super) struct Crowd {
    /// Connections by number; `None` where one has ended.
    peers: Vec<Option<Peer>>,
    /// Numbers of those that have ended.
    free: Vec<usize>,
    /// Channels by name. Those that nobody is in any more stay.
    names: HashMap<Vec<u8>, usize>,
    /// By channel.
    rooms: Vec<Room>,
    /// Whether what is published waits for `send_joined`.
    joining: bool,
    /// Channels where something waits.
    unsent: Vec<usize>,
}

/// A connection.
struct Peer {
    /// The stream. It blocks when it is written and is read without waiting.
    stream: Rc<TcpStream>,
    /// The start of what has not arrived to its end.
    carry: Vec<u8>,
    /// Whether it says frames; requests otherwise.
    upgraded: bool,
    /// The channels it is in.
    rooms: Vec<usize>,
    /// Who it is in presence channels.
    member: Vec<u8>,
}

/// A channel.
struct Room {
    /// Its name.
    name: Vec<u8>,
    /// Those who hear it.
    hearers: Vec<Ear>,
    /// Whether they hear of each other.
    is_presence: bool,
    /// Frames for all of them, one after the other; empty unless the loop joins.
    joined: Vec<u8>,
}

/// One who hears a channel: all that the loop needs, side by side.
struct Ear {
    /// The number of the connection.
    number: usize,
    /// Its stream.
    stream: Rc<TcpStream>,
}

impl Crowd {
    /// Nobody yet. One that joins keeps what is published until it is told to send.
    pub(super) fn new(joining: bool) -> Self {
        Self { joining, ..Self::default() }
    }

    /// Takes a connection in and tells its number.
    pub(super) fn add(&mut self, stream: TcpStream) -> usize {
        let peer = Peer {
            stream: Rc::new(stream),
            carry: Vec::new(),
            upgraded: false,
            rooms: Vec::new(),
            member: Vec::new(),
        };
        if let Some(number) = self.free.pop() {
            self.peers[number] = Some(peer);
            return number;
        }
        self.peers.push(Some(peer));
        self.peers.len() - 1
    }

    /// Reads a connection until it is empty and does what it says. A short read empties it too, unless
    /// its end may be behind it (`ended`).
    ///
    /// # Errors
    /// When it is over.
    pub(super) fn hear(&mut self, number: usize, ended: bool, buffer: &mut [u8]) -> Result<()> {
        loop {
            // A late event of a connection that is gone.
            let Some(Some(peer)) = self.peers.get(number) else { return Ok(()) };
            let kept = peer.carry.len();
            buffer[..kept].copy_from_slice(&peer.carry);
            let read = rustix::net::recv(&peer.stream, &mut buffer[kept..], RecvFlags::DONTWAIT);
            let filled = match read {
                Ok((0, _)) => bail!("gone"),
                Ok((read, _)) => kept + read,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let used = self.take(number, &buffer[..filled])?;
            let peer = self.peer(number)?;
            peer.carry.clear();
            peer.carry.extend_from_slice(&buffer[used..filled]);
            if filled < buffer.len() && !ended {
                return Ok(());
            }
        }
    }

    /// Sends what was published since the last time: to each hearer of a channel all of it in one write.
    pub(super) fn send_joined(&mut self) {
        for room in std::mem::take(&mut self.unsent) {
            let frames = std::mem::take(&mut self.rooms[room].joined);
            self.to_others(room, NOBODY, &frames);
        }
    }

    /// Forgets a connection that is over.
    pub(super) fn remove(&mut self, number: usize) {
        let Some(Some(peer)) = self.peers.get_mut(number) else { return };
        for room in std::mem::take(&mut peer.rooms) {
            self.leave(number, room);
        }
        self.peers[number] = None;
        self.free.push(number);
    }

    /// Does all that `bytes` say to their end, and tells how many bytes that took.
    fn take(&mut self, number: usize, bytes: &[u8]) -> Result<usize> {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            let upgraded = self.peer(number)?.upgraded;
            let size =
                if upgraded { self.frame(number, rest)? } else { self.request(number, rest)? };
            if size == 0 {
                return Ok(used);
            }
            used += size;
        }
    }

    fn request(&mut self, number: usize, bytes: &[u8]) -> Result<usize> {
        let Some(request) = words::request(bytes)? else { return Ok(0) };
        if let Some(body) = request.published {
            self.publish(body)?;
            self.say(number, words::ACCEPTED)?;
        } else {
            self.peer(number)?.upgraded = true;
            self.say(number, words::UPGRADED)?;
            self.say(number, &words::established())?;
        }
        Ok(request.size)
    }

    fn frame(&mut self, number: usize, bytes: &[u8]) -> Result<usize> {
        let Some(frame) = frame::first(bytes) else { return Ok(0) };
        match words::wish(&frame)? {
            Wish::ClientEvent => self.client_event(number, frame.payload)?,
            Wish::Subscribe { channel, member } => self.enter(number, channel, member)?,
            Wish::Unsubscribe { channel } => {
                let room = *self.names.get(channel).context("a channel")?;
                self.peer(number)?.rooms.retain(|&other| other != room);
                self.leave(number, room);
            }
            Wish::Nothing => {}
        }
        Ok(frame.size)
    }

    fn publish(&mut self, body: &[u8]) -> Result<()> {
        // Nobody has ever subscribed: there is nothing to look for.
        if self.rooms.is_empty() {
            return Ok(());
        }
        let published = words::published(body)?;
        match self.names.get(published.channel) {
            Some(&room) if self.joining => self.join(room, &published.frame),
            Some(&room) => self.to_others(room, NOBODY, &published.frame),
            None => {}
        }
        Ok(())
    }

    fn join(&mut self, room: usize, frame: &[u8]) {
        let joined = &mut self.rooms[room].joined;
        if joined.is_empty() {
            self.unsent.push(room);
        }
        joined.extend_from_slice(frame);
    }

    /// To the others of the one channel that such a connection is in.
    fn client_event(&mut self, number: usize, payload: &[u8]) -> Result<()> {
        let room = *self.peer(number)?.rooms.first().context("a channel")?;
        self.to_others(room, number, &frame::unmasked(frame::TEXT, payload));
        Ok(())
    }

    fn enter(&mut self, number: usize, channel: &[u8], member: &[u8]) -> Result<()> {
        let room = self.room(channel);
        let peer = self.peer(number)?;
        let stream = Rc::clone(&peer.stream);
        peer.rooms.push(room);
        peer.member = member.to_vec();
        let Room { hearers, is_presence, .. } = &mut self.rooms[room];
        hearers.push(Ear { number, stream });
        let members = if *is_presence { hearers.len() } else { 0 };
        self.say(number, &words::succeeded(channel, members))?;
        if members > 0 {
            self.to_others(room, number, &words::member_added(channel, member));
        }
        Ok(())
    }

    fn leave(&mut self, number: usize, room: usize) {
        let hearers = &mut self.rooms[room].hearers;
        if let Some(place) = hearers.iter().position(|ear| ear.number == number) {
            hearers.swap_remove(place);
        }
        let (room_now, peer) = (&self.rooms[room], self.peers[number].as_ref());
        if let Some(peer) = peer.filter(|_| room_now.is_presence) {
            let frame = words::member_removed(&room_now.name, &peer.member);
            self.to_others(room, number, &frame);
        }
    }

    /// The loop that everything else is measured against.
    fn to_others(&self, room: usize, speaker: usize, frame: &[u8]) {
        for ear in &self.rooms[room].hearers {
            if ear.number != speaker {
                // One that is gone is removed when its end is read.
                let _ = ear.stream.as_ref().write_all(frame);
            }
        }
    }

    fn room(&mut self, channel: &[u8]) -> usize {
        if let Some(&room) = self.names.get(channel) {
            return room;
        }
        let is_presence = channel.starts_with(b"presence-");
        let name = channel.to_vec();
        self.rooms.push(Room { name, hearers: Vec::new(), is_presence, joined: Vec::new() });
        self.names.insert(channel.to_vec(), self.rooms.len() - 1);
        self.rooms.len() - 1
    }

    fn say(&self, number: usize, bytes: &[u8]) -> Result<()> {
        let peer = self.peers[number].as_ref().context("a connection")?;
        Ok(peer.stream.as_ref().write_all(bytes)?)
    }

    fn peer(&mut self, number: usize) -> Result<&mut Peer> {
        self.peers[number].as_mut().context("a connection")
    }
}

/// No connection has this number.
const NOBODY: usize = usize::MAX;

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::topics;

    const UPGRADE: &[u8] = b"GET /app/k HTTP/1.1\r\n\r\n";
    const PUBLISH: &[u8] = b"POST /e HTTP/1.1\r\nContent-Length: 36\r\n\r\n\
        {\"name\":\"e\",\"channel\":\"c\",\"data\":\"\"}";

    /// A connection of the crowd's, and its other end.
    fn connect(crowd: &mut Crowd) -> (usize, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let theirs = TcpStream::connect(listener.local_addr().expect("bound")).expect("a peer");
        theirs.set_nonblocking(true).expect("a socket");
        (crowd.add(listener.accept().expect("the peer").0), theirs)
    }

    fn waiting(stream: &mut TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        let ended = stream.read_to_end(&mut bytes).expect_err("still open");
        assert_eq!(ended.kind(), ErrorKind::WouldBlock);
        bytes
    }

    #[test]
    fn a_crowd_that_joins_sends_once_all_is_read_and_in_order() {
        let mut crowd = Crowd::new(true);
        let (hearer, mut heard) = connect(&mut crowd);
        let (publisher, _answers) = connect(&mut crowd);
        crowd.take(hearer, UPGRADE).expect("an upgrade");
        crowd.take(hearer, &topics::subscribe("c", "1.1", None)).expect("a subscription");
        assert!(!waiting(&mut heard).is_empty());
        let twice = [PUBLISH, PUBLISH].concat();
        assert_eq!(crowd.take(publisher, &twice).expect("publishes"), twice.len());
        assert!(waiting(&mut heard).is_empty());
        crowd.send_joined();
        let frame = words::published(&PUBLISH[PUBLISH.len() - 36..]).expect("a publish").frame;
        assert_eq!(waiting(&mut heard), frame.repeat(2));
        crowd.send_joined();
        assert!(waiting(&mut heard).is_empty());
    }
}
