//! How requests are answered: well, badly, late or not at all.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::{Delivery, Shared};
use crate::PATIENCE;

/// One answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Behind it the request waits.
    gate: Option<Gate>,
    /// And then this long.
    delay: Duration,
    /// What comes then.
    pub(super) manner: Manner,
}

#[derive(Clone, Debug)]
pub(super) enum Manner {
    /// A complete response.
    Whole(Reply),
    /// The connection is reset.
    Reset,
    /// The connection is closed.
    Close,
    /// Nothing; the connection stays open.
    Silence,
    /// A head without an end, a byte at a time.
    SlowHead(Duration),
    /// A 200 whose body comes a byte at a time.
    SlowBody(Duration),
    /// A 200 whose body has no end.
    EndlessBody,
    /// A 200 with a body of so many bytes.
    LongBody(usize),
    /// No HTTP.
    Garbage,
}

#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// An empty 200.
    #[must_use]
    pub fn ok() -> Self {
        Self::status(200)
    }

    /// An empty response with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(Manner::Whole(Reply { status, headers: Vec::new(), body: Vec::new() }))
    }

    /// A 302 to a URL.
    #[must_use]
    pub fn redirect(url: &str) -> Self {
        Self::status(302).header("Location", url)
    }

    /// This status with a `Retry-After`.
    #[must_use]
    pub fn retry_after(status: u16, seconds: u32) -> Self {
        Self::status(status).header("Retry-After", &seconds.to_string())
    }

    /// A reset (RST) instead of an answer.
    #[must_use]
    pub fn reset() -> Self {
        Self::new(Manner::Reset)
    }

    /// The end of the connection instead of an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::new(Manner::Close)
    }

    /// A black hole: the request is read, nothing comes back, the connection stays.
    #[must_use]
    pub fn silence() -> Self {
        Self::new(Manner::Silence)
    }

    /// A head that never ends, a byte every so often.
    #[must_use]
    pub fn slow_head(every: Duration) -> Self {
        Self::new(Manner::SlowHead(every))
    }

    /// A 200 whose body drips, a byte every so often.
    #[must_use]
    pub fn slow_body(every: Duration) -> Self {
        Self::new(Manner::SlowBody(every))
    }

    /// A 200 whose body never ends, as fast as it is read.
    #[must_use]
    pub fn endless_body() -> Self {
        Self::new(Manner::EndlessBody)
    }

    /// A 200 with a body of so many bytes, announced by `Content-Length`.
    #[must_use]
    pub fn long_body(bytes: usize) -> Self {
        Self::new(Manner::LongBody(bytes))
    }

    /// Bytes that are no HTTP.
    #[must_use]
    pub fn garbage() -> Self {
        Self::new(Manner::Garbage)
    }

    fn new(manner: Manner) -> Self {
        Self { gate: None, delay: Duration::ZERO, manner }
    }

    /// Adds a header to a response.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.reply().headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body of a response.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.reply().body = body.into();
        self
    }

    /// Waits before anything is sent.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits for a gate to open before anything is sent.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    fn reply(&mut self) -> &mut Reply {
        match &mut self.manner {
            Manner::Whole(reply) => reply,
            manner => panic!("{manner:?} has no head and no body"),
        }
    }

    /// Waits for the gate, then as long as it takes.
    pub(super) fn wait(&self, shared: &Shared) {
        if let Some(gate) = &self.gate {
            gate.pass(shared);
        }
        thread::sleep(self.delay);
    }
}

/// Where requests wait until the test lets them pass.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Debug, Default)]
struct GateState {
    is_open: bool,
    waiting: usize,
}

impl Gate {
    /// A gate that is closed.
    #[must_use]
    pub fn closed() -> Self {
        Self::default()
    }

    /// Lets everything pass that waits or will come.
    pub fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().is_open = true;
        changed.notify_all();
    }

    /// Requests that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.0.lock().unwrap().waiting
    }

    /// Waits until at least so many requests wait.
    #[track_caller]
    pub fn expect_waiting(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.waiting() < count {
            assert!(Instant::now() < deadline, "{} of {count} wait", self.waiting());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn pass(&self, shared: &Shared) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.waiting += 1;
        while !state.is_open && !shared.is_over() {
            state = changed.wait_timeout(state, Duration::from_millis(100)).unwrap().0;
        }
        state.waiting -= 1;
    }
}

/// What comes to which path is answered how.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    by_path: HashMap<String, Script>,
}

/// The answers of one path: first those in the queue, then the last word.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) queue: VecDeque<Answer>,
    pub(super) then: Then,
}

/// What is said to everything that is left.
#[derive(Clone)]
pub(super) enum Then {
    Always(Answer),
    Decide(Arc<Decide>),
}

pub(super) type Decide = dyn Fn(&Delivery) -> Answer + Send + Sync;

impl Scripts {
    pub(super) fn of(&mut self, path: &str) -> &mut Script {
        self.by_path.entry(path.to_owned()).or_default()
    }

    pub(super) fn next(&mut self, delivery: &Delivery) -> Then {
        let script = self.of(delivery.path());
        script.queue.pop_front().map_or_else(|| script.then.clone(), Then::Always)
    }
}

impl Then {
    pub(super) fn answer(&self, delivery: &Delivery) -> Answer {
        match self {
            Self::Always(answer) => answer.clone(),
            Self::Decide(decide) => decide(delivery),
        }
    }
}

impl Default for Then {
    fn default() -> Self {
        Self::Always(Answer::ok())
    }
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(answer) => answer.fmt(f),
            Self::Decide(_) => f.write_str("Decide"),
        }
    }
}
