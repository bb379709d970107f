//! The raw client: one thread, one poll, one read buffer for every connection and publisher.

use std::os::fd::AsRawFd as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::net::Alarm;
use crate::publisher::Publisher;
use crate::socket::{Answer, Closing, Door, Endpoint, Hearer, Phase, Socket};
use crate::topics::Topics;

/// Every connection of a run. Sockets and publishers are named by the order they were added in.
#[derive(Debug)]
pub(crate) struct Client {
    /// Waits for all of them.
    poll: Poll,
    /// What the last wait brought.
    events: Events,
    /// Subscribers; `None` where one has closed.
    sockets: Vec<Option<Socket>>,
    /// Sockets that have had their share of the last turn and may hold more, and whether their end may
    /// be behind it.
    unread: Vec<(usize, bool)>,
    /// How many sockets are open, at whatever phase.
    open: usize,
    /// Keep-alive connections to the HTTP API, and where each goes if it must be made again.
    publishers: Vec<(Publisher, Door)>,
    /// How often sessions of the HTTP fallback have asked anew.
    asked_again: u64,
    /// Shared by every read.
    buffer: Box<[u8]>,
    /// Wakes the poll when the next publish is due.
    alarm: Alarm,
}

impl Client {
    /// # Errors
    /// When the kernel has no descriptor left.
    pub(crate) fn new() -> Result<Self> {
        let (poll, alarm) = (Poll::new()?, Alarm::new()?);
        let timer = alarm.as_file().as_raw_fd();
        poll.registry().register(&mut SourceFd(&timer), ALARM, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(4096),
            sockets: Vec::new(),
            unread: Vec::new(),
            open: 0,
            asked_again: 0,
            publishers: Vec::new(),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            alarm,
        })
    }

    /// How many sockets have been added, closed ones too.
    pub(crate) fn added(&self) -> usize {
        self.sockets.len()
    }

    /// How many sockets are open, at whatever phase.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// What the server calls a connection; empty until it has been greeted, and once it has closed.
    pub(crate) fn socket_id(&self, index: usize) -> &str {
        self.sockets.get(index).and_then(Option::as_ref).map_or("", |socket| &*socket.id)
    }

    /// Starts a new connection and tells its number.
    ///
    /// # Errors
    /// When the kernel refuses at once.
    pub(crate) fn add(
        &mut self,
        endpoint: &Rc<Endpoint>,
        topics: impl Into<Topics>,
    ) -> Result<usize> {
        self.sockets.push(None);
        let index = self.sockets.len() - 1;
        self.reopen(index, endpoint, topics)?;
        Ok(index)
    }

    /// Starts a connection under the number of one that has closed.
    ///
    /// # Errors
    /// When the kernel refuses at once.
    pub(crate) fn reopen(
        &mut self,
        index: usize,
        endpoint: &Rc<Endpoint>,
        topics: impl Into<Topics>,
    ) -> Result<()> {
        self.put(index, Socket::connect(endpoint, topics.into())?)?;
        self.open += 1;
        Ok(())
    }

    /// How often sessions of the HTTP fallback have asked anew.
    pub(crate) fn asked_again(&self) -> u64 {
        self.asked_again
    }

    /// Opens `count` connections, a few at a time, and waits until each is subscribed.
    ///
    /// # Errors
    /// When one is refused or closed, or nothing moves for half a minute.
    pub(crate) fn open_all<T: Into<Topics>>(
        &mut self,
        endpoint: &Rc<Endpoint>,
        count: usize,
        topics: impl Fn(usize) -> T,
    ) -> Result<()> {
        let mut opening = Opening::default();
        let mut moved = Instant::now();
        let mut added = 0;
        while opening.live < count {
            while added < count && added - opening.live < OPENING_AT_ONCE {
                self.add(endpoint, topics(added))?;
                added += 1;
            }
            let before = opening.live;
            self.turn(Duration::from_millis(100), &mut opening)?;
            if let Some(closing) = opening.failed.take() {
                bail!("connection {} of {count} failed: {closing:?}", opening.live + 1);
            }
            if opening.live > before {
                moved = Instant::now();
            }
            if moved.elapsed() > Duration::from_secs(30) {
                let (live, heard) = (opening.live, self.complaint());
                bail!("{live} of {count} connections opened, then nothing moved {heard}");
            }
        }
        Ok(())
    }

    /// Adds `count` keep-alive publishers.
    ///
    /// # Errors
    /// When the server does not take them.
    pub(crate) fn add_publishers(&mut self, door: &Door, count: usize) -> Result<()> {
        for _ in 0..count {
            let publisher = Publisher::connect(door)?;
            self.publishers.push((publisher, door.clone()));
            self.register_publisher(self.publishers.len() - 1)?;
        }
        Ok(())
    }

    /// A publisher with no request under way.
    pub(crate) fn free_publisher(&self) -> Option<usize> {
        self.free_publisher_from(0)
    }

    /// The same, leaving out those with lower numbers.
    pub(crate) fn free_publisher_from(&self, first: usize) -> Option<usize> {
        (first..self.publishers.len()).find(|&publisher| self.is_free(publisher))
    }

    /// Whether a publisher has no request under way.
    pub(crate) fn is_free(&self, publisher: usize) -> bool {
        self.publishers[publisher].0.is_free()
    }

    /// Sends a request through a free publisher, over a new connection if the old one has ended.
    ///
    /// # Errors
    /// When the server does not take the connection.
    pub(crate) fn publish(&mut self, publisher: usize, request: &[u8]) -> Result<()> {
        let (sender, door) = &mut self.publishers[publisher];
        if sender.send(request).is_ok() {
            return Ok(());
        }
        *sender = Publisher::connect(door)?;
        sender.send(request).context("sending a publish")?;
        self.register_publisher(publisher)
    }

    /// Makes the next turn end at `at` if nothing else happens before.
    ///
    /// # Errors
    /// When the kernel refuses the timer.
    pub(crate) fn wake_at(&self, at: Instant) -> Result<()> {
        Ok(self.alarm.set(at)?)
    }

    /// Waits for something to happen, at most `patience`, and deals with all of it.
    ///
    /// # Errors
    /// When the poll itself fails; failures of connections go to the hearer.
    pub(crate) fn turn<H: Hearer>(&mut self, patience: Duration, hearer: &mut H) -> Result<()> {
        let unread = std::mem::take(&mut self.unread);
        let patience = if unread.is_empty() { patience } else { Duration::ZERO };
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        let polled = self.poll.poll(&mut events, Some(patience));
        match polled {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => events.clear(),
            other => other?,
        }
        for event in &events {
            match event.token() {
                ALARM => {}
                Token(number) if number >= PUBLISHERS => {
                    self.on_publisher(number - PUBLISHERS, event, hearer);
                }
                Token(index) => self.on_socket(index, event, hearer),
            }
        }
        self.events = events;
        for (index, ended) in unread {
            self.read(index, ended, hearer);
        }
        Ok(())
    }

    /// Reads a connection whose events were ignored, to its end or for `patience`; true if it ended.
    /// For the scenario of a reader that stopped.
    pub(crate) fn drain_stopped(&mut self, index: usize, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while Instant::now() < until {
            let Some(socket) = &mut self.sockets[index] else {
                return true;
            };
            match socket.stream.read(&mut self.buffer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(_) => return true,
            }
        }
        false
    }

    /// Stops reading a connection: its events no longer arrive.
    ///
    /// # Errors
    /// When it is not open.
    pub(crate) fn stop_reading(&mut self, index: usize) -> Result<()> {
        let socket = self.sockets[index].as_mut().context("not open")?;
        self.unread.retain(|(unread, _)| *unread != index);
        Ok(self.poll.registry().deregister(&mut socket.stream.tcp)?)
    }

    /// Says frames on a live connection, in one write. A failure goes to the hearer, as the end of
    /// the connection.
    pub(crate) fn say<H: Hearer>(&mut self, index: usize, frames: &[u8], hearer: &mut H) {
        let Some(Some(socket)) = self.sockets.get_mut(index) else { return };
        if let Err(closing) = socket.say(frames) {
            self.close(index, closing, hearer);
        }
    }

    /// Closes one socket, without a word.
    pub(crate) fn hang_up_one(&mut self, index: usize) {
        if self.sockets[index].take().is_some() {
            self.open -= 1;
        }
    }

    /// Closes every socket, without a word.
    pub(crate) fn hang_up(&mut self) {
        self.sockets.clear();
        self.open = 0;
    }

    /// The first that the server has complained of to anybody.
    fn complaint(&self) -> &str {
        let mut complaints = self.sockets.iter().flatten().map(|socket| &*socket.complaint);
        complaints.find(|complaint| !complaint.is_empty()).unwrap_or_default()
    }

    fn on_socket<H: Hearer>(&mut self, index: usize, event: &Event, hearer: &mut H) {
        // A late event of a connection that closed earlier in this same turn.
        let Some(Some(socket)) = self.sockets.get_mut(index) else { return };
        let ended = event.is_read_closed() || event.is_error();
        let mut outcome = Ok(());
        if socket.phase == Phase::Connecting && (event.is_writable() || ended) {
            outcome = socket.connected();
            let quiet = self.poll.registry().reregister(
                &mut socket.stream.tcp,
                Token(index),
                Interest::READABLE,
            );
            debug_assert!(quiet.is_ok(), "an open descriptor is registered again");
        }
        match outcome {
            Ok(()) if event.is_readable() || ended => self.read(index, ended, hearer),
            Ok(()) => {}
            Err(closing) => self.close(index, closing, hearer),
        }
    }

    fn read<H: Hearer>(&mut self, index: usize, ended: bool, hearer: &mut H) {
        let Some(Some(socket)) = self.sockets.get_mut(index) else { return };
        let mut outcome = socket.read(index, &mut self.buffer, ended, hearer).map(|has_more| {
            if has_more {
                self.unread.push((index, ended));
            }
        });
        if outcome.is_ok()
            && let Some(next) = socket.again()
        {
            outcome = next
                .and_then(|next| self.put(index, next))
                .map_err(|error| Closing::failed(&error));
            self.asked_again += 1;
        }
        if let Err(closing) = outcome {
            self.close(index, closing, hearer);
        }
    }

    /// Begins to wait for a connection under this number; the one before it ends.
    fn put(&mut self, index: usize, mut socket: Socket) -> std::io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket.stream.tcp, Token(index), both)?;
        self.sockets[index] = Some(socket);
        Ok(())
    }

    fn close<H: Hearer>(&mut self, index: usize, closing: Closing, hearer: &mut H) {
        if let Some(mut socket) = self.sockets[index].take() {
            socket.farewell(closing.code);
            self.open -= 1;
            hearer.closed(index, closing);
        }
    }

    fn on_publisher<H: Hearer>(&mut self, index: usize, event: &Event, hearer: &mut H) {
        let Some((publisher, _)) = self.publishers.get_mut(index) else { return };
        let mut outcome = Ok(None);
        if event.is_writable() {
            outcome = publisher.flush().map(|()| None);
        }
        if outcome.is_ok() && event.is_readable() {
            outcome = publisher.read(index, &mut self.buffer);
        }
        let answer: Option<Answer> = outcome.unwrap_or_else(|_| publisher.give_up(index));
        if let Some(answer) = answer {
            hearer.answered(answer);
        }
    }

    fn register_publisher(&mut self, index: usize) -> Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let stream = &mut self.publishers[index].0.stream.tcp;
        Ok(self.poll.registry().register(stream, Token(PUBLISHERS + index), both)?)
    }
}

/// Follows connections until they are live.
#[derive(Default)]
struct Opening {
    /// How many are subscribed.
    live: usize,
    /// The first that failed.
    failed: Option<Closing>,
}

impl Hearer for Opening {
    fn live(&mut self, _socket: usize) {
        self.live += 1;
    }

    fn closed(&mut self, _socket: usize, closing: Closing) {
        self.failed.get_or_insert(closing);
    }
}

/// Tokens of publishers start here; sockets are below.
const PUBLISHERS: usize = 1 << 32;
/// The timer's token.
const ALARM: Token = Token(usize::MAX - 1);
/// Large enough that a reader that fell behind catches up in few reads.
const BUFFER_BYTES: usize = 256 * 1024;
/// Stays below the accept queue of a server with default settings.
const OPENING_AT_ONCE: usize = 100;
