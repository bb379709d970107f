//! The connection of an HTTP fallback: frames wait here until a receive call of the client fetches
//! them. The worker puts in, the body of the HTTP answer takes out (contract, part B).

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bellwire_hub::Conn;
use bellwire_protocol::{Close, Frame, json};
use bytes::Bytes;

use super::connection::PART_BYTES;

/// Which fallback a session uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One long answer.
    Streaming,
    /// One answer for each batch of frames.
    Polling,
}

impl Kind {
    /// The name that pusher-js has for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Streaming => "xhr_streaming",
            Self::Polling => "xhr_polling",
        }
    }
}

/// A session of an HTTP fallback.
#[derive(Debug)]
pub(crate) struct Mailbox {
    kind: Kind,
    /// The connection's name once its worker has accepted it.
    conn: AtomicU64,
    /// The worker that owns the connection.
    pub(crate) worker: u8,
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Frames that no receive call has fetched yet.
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    /// Whether `o` has been sent.
    opened: bool,
    /// An `a[]` is owed: the answer to the client's own heartbeat.
    beat: bool,
    /// An `h` is owed: the client is asked whether it lives.
    probe: bool,
    end: End,
    /// Which receive call counts: the newest (B5.4).
    receiver: u64,
    /// Since when no receive call is open.
    alone_since: Option<Instant>,
    waker: Option<Waker>,
}

/// How a session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// Not yet.
    Open,
    /// By a `c` frame that a receive call has yet to fetch.
    Closing(Close),
    /// For good.
    Over,
}

/// What a receive call gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// Text for the client.
    Chunk(String),
    /// Text for the client, and then the end of the answer.
    Last(String),
    /// Another call has taken over, or the session is over.
    Superseded,
}

/// How long a session lives without a receive call (B6.3).
const ALONE_MAX: Duration = Duration::from_secs(10);

impl Mailbox {
    pub(crate) fn new(kind: Kind, worker: u8, bytes_max: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            opened: false,
            beat: false,
            probe: false,
            end: End::Open,
            receiver: 0,
            alone_since: Some(Instant::now()),
            waker: None,
        };
        Self { kind, conn: AtomicU64::new(u64::MAX), worker, bytes_max, state: Mutex::new(state) }
    }

    /// Which fallback it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Names the connection, once.
    pub(crate) fn name(&self, conn: Conn) {
        self.conn.store(conn.number(), Ordering::Release);
    }

    /// The connection, once its worker has accepted it.
    pub(crate) fn conn(&self) -> Option<Conn> {
        let number = self.conn.load(Ordering::Acquire);
        (number != u64::MAX).then(|| Conn::from_number(number))
    }

    /// Keeps a frame for the client; whether there was room for it.
    pub(crate) fn put(&self, frame: &Frame) -> bool {
        let mut state = self.lock();
        let payload = frame.bytes().slice_ref(frame.payload());
        state.waiting_bytes += payload.len() + PART_BYTES;
        state.waiting.push_back(payload);
        state.wake();
        state.waiting_bytes <= self.bytes_max
    }

    /// Answers the client's heartbeat (B4.6, B5.3).
    pub(crate) fn beat(&self) {
        let mut state = self.lock();
        state.beat = true;
        state.wake();
    }

    /// Asks whether the client lives (B4.5). A polling client shows it by its next poll.
    pub(crate) fn probe(&self) {
        let mut state = self.lock();
        state.probe = true;
        state.wake();
    }

    /// Ends the session with a `c` frame.
    pub(crate) fn close(&self, close: &Close) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = End::Closing(close.clone());
        }
        state.wake();
    }

    /// Ends the session without a word.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        if state.end == End::Open {
            state.end = End::Over;
            state.waiting.clear();
        }
        state.wake();
    }

    /// Whether the session is over and its close frame fetched.
    pub(crate) fn is_over(&self) -> bool {
        self.lock().end == End::Over
    }

    /// Whether nobody needs the session any more: it is over, or its client has gone without
    /// fetching the close frame.
    pub(crate) fn is_finished(&self) -> bool {
        let state = self.lock();
        match state.end {
            End::Open => false,
            End::Closing(_) => state.is_alone_too_long(),
            End::Over => true,
        }
    }

    /// Whether the client has gone: no receive call for too long.
    pub(crate) fn is_alone_too_long(&self) -> bool {
        self.lock().is_alone_too_long()
    }

    /// A new receive call takes over; the number it fetches with.
    pub(crate) fn attach(&self) -> u64 {
        let mut state = self.lock();
        state.receiver += 1;
        state.alone_since = None;
        state.wake();
        state.receiver
    }

    /// A receive call has ended.
    pub(crate) fn detach(&self, receiver: u64) {
        let mut state = self.lock();
        if state.receiver == receiver {
            state.alone_since = Some(Instant::now());
        }
    }

    /// What there is for a receive call now.
    pub(crate) fn poll_fetch(&self, receiver: u64, cx: &mut Context<'_>) -> Poll<Fetched> {
        let mut state = self.lock();
        if state.receiver != receiver || state.end == End::Over {
            return Poll::Ready(Fetched::Superseded);
        }
        let first = !state.opened;
        let text = state.take_text(self.kind);
        if text.is_empty() {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // The first poll only opens (B5.1); the client comes back at once.
        let ends = state.end == End::Over || self.kind == Kind::Polling;
        let prelude = if first && self.kind == Kind::Streaming { PRELUDE } else { "" };
        let text = format!("{prelude}{text}");
        Poll::Ready(if ends { Fetched::Last(text) } else { Fetched::Chunk(text) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_alone_too_long(&self) -> bool {
        self.alone_since.is_some_and(|since| since.elapsed() >= ALONE_MAX)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// How many of the waiting frames go together; their bytes wait no longer.
    fn frames_of_a_chunk(&mut self) -> usize {
        let (mut count, mut bytes) = (0, 0);
        for frame in &self.waiting {
            if count > 0 && bytes + frame.len() > CHUNK_BYTES {
                break;
            }
            count += 1;
            bytes += frame.len();
        }
        self.waiting_bytes -= bytes + count * PART_BYTES;
        count
    }

    /// The frames of contract B3 that are due.
    fn take_text(&mut self, kind: Kind) -> String {
        let mut text = String::new();
        if !self.opened {
            self.opened = true;
            text.push_str("o\n");
            if kind == Kind::Polling && self.end == End::Open {
                return text;
            }
        }
        if !self.waiting.is_empty() || std::mem::take(&mut self.beat) {
            self.beat = false;
            let count = self.frames_of_a_chunk();
            push_array(&mut text, self.waiting.drain(..count));
        }
        if std::mem::take(&mut self.probe) && kind == Kind::Streaming {
            text.push_str("h\n");
        }
        if let End::Closing(close) = &self.end
            && self.waiting.is_empty()
        {
            push_close(&mut text, close);
            self.end = End::Over;
        }
        text
    }
}

/// Bytes of frames that one chunk takes, unless a single frame is larger.
const CHUNK_BYTES: usize = 65_536;

fn push_array(text: &mut String, frames: impl Iterator<Item = Bytes>) {
    let mut array = b"a[".to_vec();
    for (at, frame) in frames.enumerate() {
        if at > 0 {
            array.push(b',');
        }
        json::push_string(&mut array, std::str::from_utf8(&frame).unwrap_or_default());
    }
    array.extend_from_slice(b"]\n");
    text.push_str(std::str::from_utf8(&array).unwrap_or_default());
}

/// The `c` frame of a close.
pub(crate) fn push_close(text: &mut String, close: &Close) {
    let mut reason = Vec::new();
    json::push_string(&mut reason, &close.reason);
    let reason = String::from_utf8_lossy(&reason);
    let _ = writeln!(text, "c[{},{reason}]", close.code);
}

/// Defeats buffering in browsers and proxies: before `o`, `h` means nothing (B3.1).
pub(crate) const PRELUDE: &str = const {
    const BYTES: [u8; 2049] = {
        let mut bytes = [b'h'; 2049];
        bytes[2048] = b'\n';
        bytes
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => panic!("ASCII is UTF-8"),
    }
};

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch(mailbox: &Mailbox, receiver: u64) -> Poll<Fetched> {
        mailbox.poll_fetch(receiver, &mut Context::from_waker(Waker::noop()))
    }

    fn chunk(text: &str) -> Poll<Fetched> {
        Poll::Ready(Fetched::Chunk(text.into()))
    }

    fn last(text: &str) -> Poll<Fetched> {
        Poll::Ready(Fetched::Last(text.into()))
    }

    // contract: B3.1, B4.1, B4.5, B4.6
    #[test]
    fn a_stream_opens_with_the_prelude_and_goes_on() {
        let mailbox = Mailbox::new(Kind::Streaming, 0, 1000);
        let receiver = mailbox.attach();
        mailbox.put(&Frame::text(r#"{"a":1}"#));
        let opening = format!("{PRELUDE}o\na[\"{{\\\"a\\\":1}}\"]\n");
        assert_eq!(fetch(&mailbox, receiver), chunk(&opening));
        assert_eq!(fetch(&mailbox, receiver), Poll::Pending);
        mailbox.beat();
        assert_eq!(fetch(&mailbox, receiver), chunk("a[]\n"));
        mailbox.probe();
        assert_eq!(fetch(&mailbox, receiver), chunk("h\n"));
    }

    // contract: B5.1, B5.2, B5.3
    #[test]
    fn the_first_poll_only_opens() {
        let mailbox = Mailbox::new(Kind::Polling, 0, 1000);
        mailbox.put(&Frame::text("x"));
        assert_eq!(fetch(&mailbox, mailbox.attach()), last("o\n"));
        let second = mailbox.attach();
        assert_eq!(fetch(&mailbox, second), last("a[\"x\"]\n"));
        let third = mailbox.attach();
        assert_eq!(fetch(&mailbox, third), Poll::Pending);
        mailbox.beat();
        assert_eq!(fetch(&mailbox, third), last("a[]\n"));
    }

    // contract: B5.4, B4.3
    #[test]
    fn the_newer_call_wins_and_continues_without_o() {
        let mailbox = Mailbox::new(Kind::Streaming, 0, 1000);
        let first = mailbox.attach();
        assert!(fetch(&mailbox, first).is_ready());
        let second = mailbox.attach();
        mailbox.put(&Frame::text("x"));
        assert_eq!(fetch(&mailbox, first), Poll::Ready(Fetched::Superseded));
        assert_eq!(fetch(&mailbox, second), chunk("a[\"x\"]\n"));
    }

    // contract: B6.7
    #[test]
    fn a_close_is_the_last_word() {
        let mailbox = Mailbox::new(Kind::Streaming, 0, 1000);
        let receiver = mailbox.attach();
        let _ = fetch(&mailbox, receiver);
        mailbox.put(&Frame::text("x"));
        mailbox.close(&bellwire_protocol::close::OVER_QUOTA);
        let end = "a[\"x\"]\nc[4004,\"Account over quota\"]\n";
        assert_eq!(fetch(&mailbox, receiver), last(end));
        assert!(mailbox.is_over());
    }

    // contract: B6.4
    #[test]
    fn a_mailbox_that_nobody_empties_is_full_at_some_point() {
        let mailbox = Mailbox::new(Kind::Polling, 0, 10 + PART_BYTES);
        assert!(mailbox.put(&Frame::text("0123456789")));
        assert!(!mailbox.put(&Frame::text("x")));
    }
}
