//! Who drives a worker: its own thread; or, if that sleeps and there is little to do, whoever has just
//! left it something. Waking a thread on another core costs as much as ten deliveries, and far more on
//! a virtual machine.

use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use mio::{Events, Poll};
use smallvec::SmallVec;

use super::inbox::Inbox;
use super::worker::Worker;

/// Events that one look at the sockets takes.
const EVENTS: usize = 1024;
/// Deliveries that are not worth a wake.
pub(super) const LITTLE: u32 = 16;
/// A worker with fewer events than this in a turn has time for others.
const FEW_EVENTS: usize = 3;
/// A worker that has been driven so recently is busy: what it is left had better gather.
pub(super) const RESTED: Duration = Duration::from_micros(250);

/// What a worker's thread sleeps in, and what woke it.
pub(super) struct Watch {
    poll: Poll,
    pub(super) events: Events,
}

impl Watch {
    /// Waits for events.
    pub(super) fn wait(&mut self, rest: Duration) {
        match self.poll.poll(&mut self.events, Some(rest)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                tracing::error!(%error, "a gateway worker cannot poll");
            }
            _ => {}
        }
    }
}

/// The life of a worker's thread: until the worker is told to stop.
pub(crate) fn run(worker: &Mutex<Worker>, poll: Poll) {
    let _end = EndWithTheServer;
    let mut watch = Watch { poll, events: Events::with_capacity(EVENTS) };
    let mut rest = Duration::ZERO;
    let mut turned_at = Instant::now();
    loop {
        watch.wait(rest);
        if turned_at.elapsed() < RESTED {
            // Where cores are short, publishers go first: what they leave meanwhile goes out together.
            std::thread::yield_now();
        }
        let mut worker = lock(worker);
        worker.begin_turn();
        let errands = (watch.events.iter().count() < FEW_EVENTS).then(Errands::begin);
        worker.look(&watch.events);
        drop(errands);
        worker.read_mail(&mut watch);
        worker.pass_time();
        worker.end_turn();
        turned_at = worker.active_at;
        match worker.rest() {
            Some(next) => rest = next,
            None => return,
        }
    }
}

/// Does what little there is to do for a worker that sleeps, or wakes it.
fn see_to(inbox: &Inbox) {
    if let Some(worker) = inbox.worker()
        && let Some(mut worker) = try_lock(&worker)
        && worker.active_at.elapsed() >= RESTED
    {
        let _end = EndWithTheServer;
        worker.begin_turn();
        worker.read_little(LITTLE);
        worker.end_turn();
        if worker.rest() == Some(Worker::LONG_REST) {
            return;
        }
    }
    inbox.wake();
}

pub(super) fn lock(worker: &Mutex<Worker>) -> MutexGuard<'_, Worker> {
    worker.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock(worker: &Mutex<Worker>) -> Option<MutexGuard<'_, Worker>> {
    match worker.try_lock() {
        Ok(worker) => Some(worker),
        Err(TryLockError::Poisoned(worker)) => Some(worker.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

thread_local! {
    /// Workers that slept when this thread left them something, while it runs errands.
    static OWED: RefCell<Option<SmallVec<[Arc<Inbox>; 2]>>> = const { RefCell::new(None) };
}

/// While it lives, this thread wakes no worker; when it ends, it sees to those that it would have
/// woken. Nothing may lock out a worker at that moment that waits for this thread: so not inside the
/// hub, but around a call of it.
pub(crate) struct Errands {
    /// Belongs to one thread.
    here: PhantomData<*const ()>,
}

impl Errands {
    /// Begins. One within another ends both, which is early and loses nothing.
    pub(crate) fn begin() -> Self {
        OWED.with_borrow_mut(|owed| {
            owed.get_or_insert_default();
        });
        Self { here: PhantomData }
    }

    /// Whether this thread will see to the worker of this inbox.
    pub(super) fn take_on(inbox: &Arc<Inbox>) -> bool {
        OWED.with_borrow_mut(|owed| {
            owed.as_mut().map(|owed| owed.push(Arc::clone(inbox))).is_some()
        })
    }
}

impl Drop for Errands {
    fn drop(&mut self) {
        let owed = OWED.with_borrow_mut(Option::take);
        for inbox in owed.into_iter().flatten() {
            // Whoever is on the way out because of a fault of its own touches no worker.
            if std::thread::panicking() { inbox.wake() } else { see_to(&inbox) }
        }
    }
}

/// Ends the process if a worker's turn panics: a server that lost a worker would strand a share of
/// its clients, a restarted one has them all back within seconds.
struct EndWithTheServer;

impl Drop for EndWithTheServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a gateway worker panicked; the server ends");
            std::process::abort();
        }
    }
}
