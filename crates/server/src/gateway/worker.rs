//! A worker: one thread, one poll, a share of the sockets. Each turn it reads what came, takes its
//! inbox, and sends every connection all that the turn has for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwire_hub::outlet::Traffic;
use bellwire_hub::statistics::Counted;
use bellwire_hub::{App, Conn, Hub, Message};
use bellwire_protocol::deflate::{Deflater, Inflater};
use bellwire_protocol::{Frame, frame};
use bytes::BytesMut;
use mio::{Events, Registry, Token};

use super::GatewaySettings;
use super::congestion::Congestion;
use super::connection::{Pace, Sent};
use super::driving::Watch;
use super::fanout::{Chain, Delivery, Turn};
use super::inbox::{Inbox, Letter, WAKE};
use super::mailbox::Mailbox;
use super::rooms::Rooms;
use super::slots::Slots;
use super::tally::{Ledger, Tally};
use super::transport::Transport;
use super::witness::Witness;
use crate::ops::clock::now_ms;

/// A worker's state; its methods are spread over the modules of the gateway by what they are about.
pub(crate) struct Worker {
    pub(super) number: u8,
    pub(super) registry: Registry,
    inbox: Arc<Inbox>,
    letters: Vec<Letter>,
    pub(super) hub: Arc<Hub>,
    /// Told of what people look at.
    pub(super) witness: Arc<dyn Witness>,
    pub(super) settings: GatewaySettings,
    pub(super) slots: Slots,
    pub(super) rooms: Rooms,
    turn: Turn,
    pub(super) tally: Tally,
    ledger: Ledger,
    /// The one read buffer.
    pub(super) buffer: Vec<u8>,
    /// For connections that take compressed messages.
    deflater: Option<Box<Deflater>>,
    /// For messages that come compressed.
    pub(super) inflater: Option<Box<Inflater>>,
    /// The connection whose bytes are being decoded: what it is told meanwhile goes out together.
    pub(super) collects: Option<usize>,
    /// What it is told.
    collected: BytesMut,
    /// Sockets that had more to read than one turn allows.
    pub(super) unread: Vec<Token>,
    /// The start of the worker's clock of seconds.
    started: Instant,
    /// Seconds since the start, as of this turn.
    pub(super) now_s: u32,
    /// Milliseconds since the Unix epoch, as of this turn.
    pub(super) now_ms: u64,
    scanned_s: u32,
    /// While the node drains: who is to be sent away and when.
    pub(super) leaving: VecDeque<(Instant, Conn)>,
    /// Set once the node drains: whoever arrives after that is sent away at once.
    pub(super) drains: bool,
    stopping: bool,
    /// When it was last driven.
    pub(super) active_at: Instant,
}

/// What deliveries count as.
const COUNTED: [(Traffic, Counted); 3] = [
    (Traffic::Broadcast, Counted::Broadcast),
    (Traffic::Client, Counted::ClientOut),
    (Traffic::Presence, Counted::Presence),
];
/// Connections that are written to before the worker looks for something to read.
const WRITES_BETWEEN_READS: usize = 512;
/// Letters for which room is kept from turn to turn.
const LETTERS: usize = 256;
/// How often a draining worker looks for who has to go.
const DRAIN_STEP: Duration = Duration::from_millis(20);
/// Bytes that one socket may bring in one turn. Most messages fit, others take a few turns; a flood of
/// the smallest frames does not hold up the others.
pub(super) const READ_BYTES: usize = 16_384;

impl Worker {
    pub(crate) fn new(
        number: u8,
        registry: Registry,
        inbox: Arc<Inbox>,
        hub: Arc<Hub>,
        congestion: Arc<Congestion>,
        witness: Arc<dyn Witness>,
        settings: GatewaySettings,
    ) -> Self {
        Self {
            number,
            registry,
            inbox,
            letters: Vec::new(),
            hub,
            witness,
            settings,
            slots: Slots::default(),
            rooms: Rooms::new(congestion),
            leaving: VecDeque::new(),
            drains: false,
            turn: Turn::default(),
            tally: Tally::default(),
            ledger: Ledger::new(),
            buffer: vec![0; READ_BYTES],
            deflater: None,
            inflater: None,
            collects: None,
            collected: BytesMut::new(),
            unread: Vec::new(),
            started: Instant::now(),
            now_s: 0,
            now_ms: 0,
            scanned_s: 0,
            stopping: false,
            active_at: Instant::now(),
        }
    }

    /// How long a worker sleeps that has nothing to do.
    pub(super) const LONG_REST: Duration = Duration::from_secs(1);

    /// From here on the inbox is looked at before the next sleep: what is left there needs no wake.
    pub(super) fn begin_turn(&mut self) {
        self.inbox.stay_awake();
        self.read_clock();
    }

    /// Does what time brings. Left to the worker's own thread, which wakes often enough for it.
    pub(super) fn pass_time(&mut self) {
        self.send_away();
        self.scan_if_due();
    }

    /// Does what has to be done once a turn.
    pub(super) fn end_turn(&mut self) {
        self.ledger.enter(&mut self.tally);
        self.active_at = Instant::now();
    }

    /// How long the thread may sleep now; none once the worker has stopped.
    pub(super) fn rest(&self) -> Option<Duration> {
        match self.unread.is_empty() && self.inbox.may_sleep() {
            _ if self.stopping => None,
            true if self.leaving.is_empty() => Some(Self::LONG_REST),
            true => Some(DRAIN_STEP),
            false => Some(Duration::ZERO),
        }
    }

    fn read_clock(&mut self) {
        self.now_s = self.started.elapsed().as_secs() as u32;
        self.now_ms = now_ms();
    }

    /// Reads what the events announce.
    pub(super) fn look(&mut self, events: &Events) {
        for token in std::mem::take(&mut self.unread) {
            self.readable(token.0, true);
        }
        for event in events {
            let Token(slot) = event.token();
            if event.token() == WAKE {
                continue;
            }
            if event.is_writable() {
                self.writable(slot);
            }
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                self.readable(slot, event.is_read_closed() || event.is_error());
            }
        }
    }

    /// Takes the inbox until it is empty. What the worker itself leaves there meanwhile is done in
    /// the same turn.
    pub(super) fn read_mail(&mut self, watch: &mut Watch) {
        while self.read_letters(u32::MAX, Some(watch)) {}
    }

    /// Takes the inbox once, if it comes to at most so many deliveries.
    pub(super) fn read_little(&mut self, deliveries_max: u32) {
        self.read_letters(deliveries_max, None);
    }

    fn read_letters(&mut self, deliveries_max: u32, mut watch: Option<&mut Watch>) -> bool {
        // A reader with an empty backlog must have room for a whole turn.
        let turn_bytes_max = self.settings.backlog_bytes_max / 4;
        let mut letters = std::mem::take(&mut self.letters);
        let any = self.inbox.take(deliveries_max, &mut letters);
        for letter in letters.drain(..) {
            self.read_letter(letter);
            if self.turn.is_large(turn_bytes_max) {
                self.send_turn(watch.as_deref_mut());
            }
        }
        self.send_turn(watch);
        letters.shrink_to(LETTERS);
        self.letters = letters;
        any
    }

    fn read_letter(&mut self, letter: Letter) {
        match letter {
            Letter::Hub(message) => self.obey(message),
            Letter::Accept(arrival) => self.accept(*arrival),
            Letter::Heard { mailbox, texts } => self.heard(&mailbox, &texts),
            Letter::Ask(question) => self.answer(question),
            Letter::Drain(window) => self.drain(window),
            Letter::Stop => self.stopping = true,
        }
    }

    fn obey(&mut self, message: Message) {
        match message {
            Message::Deliver { channel, frame, except: None, traffic, .. } => {
                if !self.turn.joins(channel, &frame) {
                    self.end_run();
                }
                self.turn.join(channel, frame, traffic);
            }
            Message::Deliver { channel, frame, except, traffic, .. } => {
                self.end_run();
                let delivery = self.turn.alone(channel, frame, traffic, except);
                self.link_members(&delivery);
            }
            Message::Admit { conn, channel, app, frames } => {
                self.end_run();
                let Some(slot) = self.slots.find(conn) else { return };
                self.rooms.enter(&mut self.slots, slot, channel, app);
                frames.into_iter().for_each(|frame| self.link_one(slot, frame));
            }
            Message::Dismiss { conn, channel } => {
                self.end_run();
                if let Some(slot) = self.slots.find(conn) {
                    self.rooms.leave(&mut self.slots, slot, channel);
                }
            }
            Message::Say { conn, frame } => {
                self.end_run();
                if let Some(slot) = self.slots.find(conn) {
                    self.link_one(slot, frame);
                }
            }
            Message::Close { conn, close } => {
                self.end_run();
                if let Some(slot) = self.slots.find(conn) {
                    self.close(slot, &close);
                }
            }
            Message::CloseApp { app, close } => self.close_app(&app, &close),
        }
    }

    fn end_run(&mut self) {
        if let Some(delivery) = self.turn.end_run() {
            self.link_members(&delivery);
        }
    }

    /// Links a delivery to all members of its channel.
    fn link_members(&mut self, delivery: &Delivery) {
        let Some(room) = self.rooms.room(delivery.channel) else { return };
        let left_out = delivery.except.and_then(|conn| self.slots.find(conn));
        let left_out = left_out.map_or(u32::MAX, |slot| slot as u32);
        let mut members = 0;
        for member in room.members.iter().filter(|member| member.slot != left_out) {
            if let Some(connection) = self.slots.at(member.slot as usize) {
                self.turn.link(&mut connection.chain, member.slot, delivery.parcel);
                members += 1;
            }
        }
        for (count, frames) in self.tally.delivered.iter_mut().zip(delivery.traffic) {
            *count += frames * members;
        }
        count(&room.app, delivery.traffic, members);
    }

    fn link_one(&mut self, slot: usize, frame: Frame) {
        let parcel = self.turn.single(frame);
        if let Some(connection) = self.slots.at(slot) {
            self.turn.link(&mut connection.chain, slot as u32, parcel);
            self.tally.said += 1;
        }
    }

    /// Gives every connection what the turn has for it. Between pieces of a large turn the worker
    /// reads, so that clients do not wait behind ten thousand others.
    fn send_turn(&mut self, mut watch: Option<&mut Watch>) {
        self.end_run();
        if self.turn.is_empty() {
            return;
        }
        let dirty = std::mem::take(&mut self.turn.dirty);
        for (at, slot) in dirty.iter().enumerate() {
            if at % WRITES_BETWEEN_READS == WRITES_BETWEEN_READS - 1
                && let Some(watch) = &mut watch
            {
                watch.wait(Duration::ZERO);
                self.read_clock();
                self.look(&watch.events);
            }
            self.send_chain(*slot as usize);
        }
        self.turn.dirty = dirty;
        self.turn.clear();
    }

    fn send_chain(&mut self, slot: usize) {
        let Some(connection) = self.slots.at(slot) else { return };
        let chain = std::mem::replace(&mut connection.chain, Chain::EMPTY);
        if chain.is_empty() || connection.closing.is_some() {
            return;
        }
        let mut rest = None;
        let one = if !connection.takes_at_once() {
            None
        } else if connection.deflates {
            self.turn.only_squeezed(chain, self.deflater.get_or_insert_default())
        } else {
            self.turn.only(chain)
        };
        if let Some(one) = one {
            // So it is for nearly everyone, nearly always.
            match connection.write_at_once(one, &mut self.tally) {
                written if written == one.len() => return,
                0 => {}
                written => rest = Some(one.slice(written..)),
            }
        }
        let cap = self.settings.backlog_bytes_max;
        let sent = match &connection.transport {
            Transport::Socket(_) if let Some(rest) = &rest => {
                connection.write(std::iter::once(rest), cap, &mut self.tally)
            }
            Transport::Socket(_) if connection.deflates => {
                let deflater = self.deflater.get_or_insert_default();
                let bytes = self.turn.squeezed(chain, deflater);
                connection.write(bytes, cap, &mut self.tally)
            }
            Transport::Socket(_) => connection.write(self.turn.bytes(chain), cap, &mut self.tally),
            Transport::Mailbox(mailbox) => put_all(mailbox, self.turn.frames(chain)),
        };
        self.settle(slot, sent);
    }

    /// Sends a frame to one connection at once.
    pub(super) fn say(&mut self, slot: usize, frame: &Frame) {
        let Some(connection) = self.slots.at(slot) else { return };
        self.tally.said += u64::from(frame.is_text());
        if self.collects == Some(slot) && matches!(connection.transport, Transport::Socket(_)) {
            self.collected.extend_from_slice(frame.bytes());
            return;
        }
        let cap = self.settings.backlog_bytes_max;
        let sent = match &connection.transport {
            Transport::Socket(_) => {
                connection.write(std::iter::once(frame.bytes()), cap, &mut self.tally)
            }
            Transport::Mailbox(mailbox) => put_all(mailbox, std::iter::once(frame)),
        };
        self.settle(slot, sent);
    }

    /// Answers a ping, the cheapest thing that a client can ask for many times.
    pub(super) fn answer_ping(&mut self, slot: usize, payload: &[u8]) {
        if self.collects == Some(slot) {
            frame::put_pong(&mut self.collected, payload);
        } else {
            self.say(slot, &Frame::pong(payload));
        }
    }

    /// Sends what was said to the connection while its bytes were decoded.
    pub(super) fn say_collected(&mut self) {
        let Some(slot) = self.collects.take() else { return };
        if self.collected.is_empty() {
            return;
        }
        let collected = self.collected.split().freeze();
        let Some(connection) = self.slots.at(slot) else { return };
        let cap = self.settings.backlog_bytes_max;
        let sent = connection.write(std::iter::once(&collected), cap, &mut self.tally);
        self.settle(slot, sent);
    }

    fn writable(&mut self, slot: usize) {
        let Some(connection) = self.slots.at(slot) else { return };
        let sent = connection.resume(&mut self.tally);
        let finished = connection.closing.is_some() && connection.backlog.is_none();
        if finished && let Transport::Socket(socket) = &mut connection.transport {
            socket.finish();
        }
        self.settle(slot, sent);
    }

    /// Notes how the connection keeps up, or ends it if its write went wrong.
    fn settle(&mut self, slot: usize, sent: Sent) {
        match sent {
            Sent::Well => self.keep_pace(slot),
            Sent::TooSlow => {
                self.tally.slow_closed += 1;
                self.drop_slow(slot);
            }
            Sent::Broken => self.drop_connection(slot),
        }
    }

    /// Notes whether a connection has fallen behind or caught up.
    fn keep_pace(&mut self, slot: usize) {
        let cap = self.settings.backlog_bytes_max;
        let Some(connection) = self.slots.at(slot) else { return };
        if connection.is_in_step() {
            return;
        }
        let pace = connection.pace_now(cap);
        self.set_pace(slot, pace);
    }

    pub(super) fn set_pace(&mut self, slot: usize, pace: Pace) {
        let Some(connection) = self.slots.at(slot) else { return };
        let before = std::mem::replace(&mut connection.pace, pace);
        let (was_behind, is_behind) = (before == Pace::Behind, pace == Pace::Behind);
        if was_behind != is_behind {
            self.rooms.keep_pace(&connection.memberships, is_behind);
        }
    }

    fn scan_if_due(&mut self) {
        if self.now_s != self.scanned_s {
            self.scanned_s = self.now_s;
            self.scan();
        }
    }
}

/// Counts what so many members get. Apart from the loop that links them, which it would make longer.
#[inline(never)]
fn count(app: &App, traffic: [u64; 4], members: u64) {
    let mut messages = 0;
    for (kind, counted) in COUNTED {
        let count = traffic[kind as usize] * members;
        app.usage.statistics.count(counted, count);
        messages += count;
    }
    app.usage.count_messages(messages);
}

/// Leaves frames in a mailbox, as long as it has room.
fn put_all<'a>(mailbox: &Mailbox, mut frames: impl Iterator<Item = &'a Frame>) -> Sent {
    if frames.all(|frame| mailbox.put(frame)) { Sent::Well } else { Sent::TooSlow }
}
