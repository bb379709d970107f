//! The link between this node's hub and the other nodes: what happens here goes out over the bus,
//! what happens elsewhere comes in. It holds no state of channels; that is in the hub.
//!
//! Events go out and come in on the thread that brings them. Everything else passes through one
//! thread, which tells the others who is where, in groups, and takes in what they tell.

mod asking;
mod hearing;
mod looking;
#[cfg(test)]
mod looking_tests;
mod neighbour;
mod openings;
mod telling;
#[cfg(test)]
mod tests;
mod tray;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bellwire_hub::{Apps, Hub};
use bytes::Bytes;

pub use self::asking::{Answers, Asked};
pub use self::looking::Consoles;

use self::asking::Asking;
use self::hearing::Hearing;
use self::looking::Looks;
use self::openings::Openings;
use self::telling::Telling;
use self::tray::Tray;
use crate::bus::{Bus, Figures};
use crate::envelope::{Envelope, Payload};
use crate::roster::Word;
use crate::sequence::{Losses, Sequences};
use crate::subject::{Subject, Subjects};

/// The link of one node.
pub struct Link {
    /// This node, as the others know it.
    me: AtomicU64,
    subjects: Subjects,
    apps: Arc<Apps>,
    /// Set once, right after the hub was made, which needs the link.
    hub: OnceLock<Arc<Hub>>,
    /// Set once, right after the bus was made, which needs the link.
    bus: OnceLock<Arc<dyn Bus>>,
    sequences: Sequences,
    /// Held while a message for all is numbered and handed over, so that numbers go out in order.
    all: Mutex<()>,
    /// Held while a word for one is numbered and handed over.
    words: Mutex<()>,
    losses: Losses,
    /// The subjects of channels that are open here.
    openings: Mutex<Openings>,
    /// The consoles at which somebody looks here.
    looks: Mutex<Looks>,
    /// Set once, before it begins, if there are any.
    consoles: OnceLock<Arc<dyn Consoles>>,
    /// What was asked and is not answered yet.
    asking: Asking,
    /// Set once, if this node knows answers.
    answers: OnceLock<Arc<dyn Answers>>,
    /// What waits for the thread.
    tray: Tray,
    counts: Counts,
}

/// What the link has seen so far.
#[derive(Debug, Default)]
struct Counts {
    damaged: AtomicU64,
    newer: AtomicU64,
    in_vain: AtomicU64,
    unheard: AtomicU64,
    again: AtomicU64,
    consoles: AtomicU64,
    lines: AtomicU64,
    neighbours: AtomicU64,
    is_whole: AtomicBool,
}

/// What the link has seen so far, for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinkFigures {
    /// What the bus has done.
    pub bus: Figures,
    /// Whether messages go out and come in.
    pub is_up: bool,
    /// Messages of other nodes that did not come.
    pub lost: u64,
    /// Messages that could not be read.
    pub damaged: u64,
    /// Messages of newer nodes that are not understood here.
    pub newer: u64,
    /// Events for channels to which nobody here listens.
    pub in_vain: u64,
    /// First subscriptions that were admitted although the bus had not answered.
    pub unheard: u64,
    /// How often another node was asked to tell everything again.
    pub again: u64,
    /// Consoles at which somebody looks on other nodes.
    pub consoles: u64,
    /// Messages with lines of consoles that went out.
    pub lines: u64,
    /// Other nodes that are there.
    pub neighbours: u64,
    /// Whether every other node has told everything.
    pub is_whole: bool,
}

/// How often a node says that it is there.
const PULSE: Duration = Duration::from_millis(500);
/// After many items, others may gather for so long.
const PAUSE: Duration = Duration::from_millis(3);

impl Link {
    /// The link of a node to those who share `subjects`.
    #[must_use]
    pub fn new(me: u64, subjects: Subjects, apps: Arc<Apps>) -> Arc<Self> {
        Arc::new(Self {
            me: AtomicU64::new(me),
            subjects,
            apps,
            hub: OnceLock::new(),
            bus: OnceLock::new(),
            sequences: Sequences::default(),
            all: Mutex::default(),
            words: Mutex::default(),
            losses: Losses::default(),
            openings: Mutex::default(),
            looks: Mutex::default(),
            consoles: OnceLock::new(),
            asking: Asking::default(),
            answers: OnceLock::new(),
            tray: Tray::default(),
            counts: Counts::default(),
        })
    }

    /// Begins: from now on this node tells and hears. Before, nothing may be said to the hub.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        self: &Arc<Self>,
        hub: Arc<Hub>,
        bus: Arc<dyn Bus>,
    ) -> std::io::Result<std::thread::JoinHandle<()>> {
        bus.subscribe(&self.subjects.all());
        bus.subscribe(&self.subjects.node(self.me()));
        // A link is started once.
        let _ = (self.hub.set(hub), self.bus.set(bus));
        let link = Arc::clone(self);
        std::thread::Builder::new().name("cluster".into()).spawn(move || link.run())
    }

    /// The other nodes that are there. What was heard of others is taken back.
    pub fn set_neighbours(&self, nodes: Vec<u64>) {
        self.tray.leave(|waiting| waiting.nodes = Some(nodes));
    }

    /// The others know this node by another number from now on.
    pub fn rename(&self, me: u64) {
        let former = self.me.swap(me, Ordering::Relaxed);
        if let Some(bus) = self.bus.get() {
            bus.unsubscribe(&self.subjects.node(former));
            bus.subscribe(&self.subjects.node(me));
        }
    }

    /// Ends the thread.
    pub fn stop(&self) {
        self.tray.leave(|waiting| waiting.is_stopping = true);
    }

    /// What was seen so far.
    #[must_use]
    pub fn figures(&self) -> LinkFigures {
        let counts = &self.counts;
        let Counts { damaged, newer, in_vain, unheard, again, neighbours, is_whole, .. } = counts;
        let neighbours = neighbours.load(Ordering::Acquire);
        LinkFigures {
            bus: self.bus.get().map(|bus| bus.figures()).unwrap_or_default(),
            is_up: self.is_up(),
            lost: self.losses.total(),
            damaged: damaged.load(Ordering::Relaxed),
            newer: newer.load(Ordering::Relaxed),
            in_vain: in_vain.load(Ordering::Relaxed),
            unheard: unheard.load(Ordering::Relaxed),
            again: again.load(Ordering::Relaxed),
            consoles: counts.consoles.load(Ordering::Relaxed),
            lines: counts.lines.load(Ordering::Relaxed),
            neighbours,
            is_whole: is_whole.load(Ordering::Relaxed),
        }
    }

    fn is_up(&self) -> bool {
        self.bus.get().is_some_and(|bus| bus.is_up())
    }

    /// The thread's life.
    fn run(&self) {
        let (mut telling, mut hearing) = (Telling::default(), Hearing::default());
        let mut pulse = Instant::now();
        loop {
            let mut waiting = self.tray.fetch(pulse.saturating_duration_since(Instant::now()));
            if waiting.is_stopping {
                return;
            }
            self.release(&std::mem::take(&mut waiting.releases));
            hearing.take_in(self, &mut waiting);
            let is_due = pulse <= Instant::now();
            if is_due {
                pulse = Instant::now() + PULSE;
                self.open_late();
                hearing.look_after(self);
                telling.count(self);
            }
            if telling.tell(self, waiting, is_due) {
                std::thread::sleep(PAUSE);
            }
        }
    }

    fn me(&self) -> u64 {
        self.me.load(Ordering::Relaxed)
    }

    fn hub(&self) -> Option<&Arc<Hub>> {
        self.hub.get()
    }

    /// Sends to everybody, in the order of the numbers.
    fn send_to_all(&self, payload: Payload) -> bool {
        let _in_order = lock(&self.all);
        self.send(&self.subjects.all(), payload)
    }

    /// Sends to one node, in the order of the numbers.
    fn send_word(&self, node: u64, word: &Word) -> bool {
        let _in_order = lock(&self.words);
        self.send(&self.subjects.node(node), Payload::Word(word.encode()))
    }

    fn send(&self, subject: &Subject, payload: Payload) -> bool {
        let Some(bus) = self.bus.get() else { return false };
        let sequence = self.sequences.next(subject, now_ms());
        let message: Bytes = Envelope { sender: self.me(), sequence, payload }.encode();
        bus.publish(subject, message)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("me", &self.me).finish_non_exhaustive()
    }
}

/// State is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Milliseconds since the epoch.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
