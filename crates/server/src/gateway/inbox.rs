//! What others leave for a worker: a vector behind a short lock, a flag that says whether the
//! worker has to be woken, and one wake for it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bellwire_hub::{App, Message};
use mio::{Registry, Token, Waker};
use tokio::sync::Notify;

use super::admission::Seat;
use super::asking::Question;
use super::driving::Errands;
use super::mailbox::Mailbox;
use super::transport::Transport;
use super::witness::Story;
use super::worker::Worker;

/// A connection that has passed its door.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// Where its bytes go.
    pub(crate) transport: Transport,
    /// The app it belongs to.
    pub(crate) app: Arc<App>,
    /// Its place in the quotas, given back when dropped.
    pub(crate) seat: Seat,
    /// Whether it must prove itself within a time.
    pub(crate) must_authorize: bool,
    /// Where it came from.
    pub(crate) story: Story,
    /// Whether messages may be compressed both ways.
    pub(crate) deflates: bool,
    /// What the client sent right behind its request.
    pub(crate) leftover: Vec<u8>,
}

/// Something for a worker to do.
#[derive(Debug)]
pub(crate) enum Letter {
    /// From the hub.
    Hub(Message),
    /// A new connection.
    Accept(Box<Arrival>),
    /// Messages that came by `xhr_send`; none is a heartbeat.
    Heard {
        /// Of which session.
        mailbox: Arc<Mailbox>,
        /// In order.
        texts: Vec<String>,
    },
    /// Somebody asks about connections.
    Ask(Question),
    /// End all connections, spread over this time.
    Drain(Duration),
    /// End the thread.
    Stop,
}

impl Letter {
    /// What it costs while it waits.
    fn bytes(&self) -> usize {
        match self {
            Self::Hub(Message::Deliver { frame, .. } | Message::Say { frame, .. }) => {
                LETTER_BYTES + frame.bytes().len()
            }
            Self::Heard { texts, .. } => {
                LETTER_BYTES + texts.iter().map(String::len).sum::<usize>()
            }
            _ => LETTER_BYTES,
        }
    }

    /// How many deliveries it comes to, roughly; very many for what only the worker's thread should do.
    fn work(&self) -> u32 {
        match self {
            Self::Hub(Message::Deliver { hearers, .. }) => *hearers,
            Self::Hub(Message::Admit { .. } | Message::Dismiss { .. } | Message::Say { .. }) => 1,
            _ => MUCH,
        }
    }
}

/// The inbox of one worker.
#[derive(Debug)]
pub(crate) struct Inbox {
    pile: Mutex<Pile>,
    /// Bytes of the letters that wait.
    waiting: AtomicUsize,
    /// Bytes that may wait before publishers are held back.
    bytes_max: usize,
    /// Set while the worker runs: it will look by itself before it sleeps.
    awake: AtomicBool,
    waker: Waker,
    /// Told when there is room again.
    room: Notify,
    /// Whose inbox it is.
    worker: OnceLock<Weak<Mutex<Worker>>>,
}

/// What waits in an inbox.
#[derive(Debug, Default)]
struct Pile {
    letters: Vec<Letter>,
    /// Deliveries that the letters come to.
    work: u32,
}

/// The token of an inbox in its worker's poll.
pub(crate) const WAKE: Token = Token(usize::MAX);
/// What a letter costs beside its frame, roughly.
const LETTER_BYTES: usize = 64;
const MUCH: u32 = 1_000_000;

impl Inbox {
    pub(crate) fn new(registry: &Registry, bytes_max: usize) -> io::Result<Self> {
        Ok(Self {
            pile: Mutex::default(),
            waiting: AtomicUsize::new(0),
            bytes_max,
            awake: AtomicBool::new(false),
            waker: Waker::new(registry, WAKE)?,
            room: Notify::new(),
            worker: OnceLock::new(),
        })
    }

    /// Says whose inbox it is, once.
    pub(crate) fn belongs_to(&self, worker: Weak<Mutex<Worker>>) {
        let _ = self.worker.set(worker);
    }

    /// Whose inbox it is.
    pub(super) fn worker(&self) -> Option<Arc<Mutex<Worker>>> {
        self.worker.get()?.upgrade()
    }

    fn pile(&self) -> MutexGuard<'_, Pile> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the worker's thread.
    pub(super) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!(%error, "a gateway worker cannot be woken");
        }
    }

    /// Leaves a letter; wakes the worker only if it sleeps and nobody has woken it yet.
    pub(crate) fn push(self: &Arc<Self>, letter: Letter) {
        let bytes = letter.bytes();
        let mut pile = self.pile();
        pile.work = pile.work.saturating_add(letter.work());
        pile.letters.push(letter);
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        drop(pile);
        if !self.awake.swap(true, Ordering::SeqCst) && !Errands::take_on(self) {
            self.wake();
        }
    }

    /// Takes all letters into an empty vector, and leaves that one's room to be filled; none if they
    /// come to more deliveries than this. Whether there were any.
    pub(crate) fn take(&self, deliveries_max: u32, into: &mut Vec<Letter>) -> bool {
        let mut pile = self.pile();
        if pile.letters.is_empty() || pile.work > deliveries_max {
            return false;
        }
        std::mem::swap(&mut pile.letters, into);
        pile.work = 0;
        let was_full = self.waiting.swap(0, Ordering::Relaxed) >= self.bytes_max;
        drop(pile);
        if was_full {
            self.room.notify_waiters();
        }
        true
    }

    /// The worker is about to sleep; whether it may. After `false` it must look into the inbox.
    pub(crate) fn may_sleep(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        let empty = self.pile().letters.is_empty();
        if !empty {
            self.awake.store(true, Ordering::SeqCst);
        }
        empty
    }

    /// The worker runs: pushes need not wake it.
    pub(crate) fn stay_awake(&self) {
        self.awake.store(true, Ordering::SeqCst);
    }

    /// Waits until the inbox has room.
    pub(crate) async fn room(&self) {
        while self.waiting.load(Ordering::Relaxed) >= self.bytes_max {
            let room = self.room.notified();
            if self.waiting.load(Ordering::Relaxed) < self.bytes_max {
                break;
            }
            room.await;
        }
    }
}
