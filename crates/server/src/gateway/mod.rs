//! The door for clients: one plain thread per core, each with its own poll and its own sockets.
//!
//! Connections arrive here after their HTTP upgrade (or as a session of the HTTP fallbacks) and
//! never leave their worker. Workers talk to each other only through the hub and their inboxes.

pub(crate) mod admission;
pub(crate) mod asking;
mod congestion;
mod connection;
mod driving;
pub(crate) mod fallback;
mod fanout;
pub(crate) mod inbox;
mod lifecycle;
pub(crate) mod mailbox;
mod reading;
mod rooms;
mod settings;
mod slots;
mod tally;
pub(crate) mod transport;
pub(crate) mod upgrade;
pub(crate) mod witness;
mod worker;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bellwire_hub::{Hub, Message, Outlet};

pub(crate) use congestion::Congestion;
pub(crate) use driving::Errands;
pub(crate) use inbox::{Arrival, Letter};
pub(crate) use settings::GatewaySettings;

use inbox::Inbox;
use witness::Witness;
use worker::Worker;

/// The inboxes of all workers: where the hub's messages and new connections go.
#[derive(Debug)]
pub(crate) struct Switchboard {
    inboxes: Vec<Arc<Inbox>>,
    /// Whose turn it is to get a connection.
    next: AtomicUsize,
    /// Channels whose readers cannot keep up.
    pub(crate) congestion: Arc<Congestion>,
}

impl Switchboard {
    /// As many inboxes as there will be workers, and the polls that wake them.
    pub(crate) fn new(
        workers: u8,
        settings: GatewaySettings,
    ) -> io::Result<(Arc<Self>, Vec<mio::Poll>)> {
        let mut inboxes = Vec::new();
        let mut polls = Vec::new();
        for _ in 0..workers.max(1) {
            let poll = mio::Poll::new()?;
            inboxes.push(Arc::new(Inbox::new(poll.registry(), settings.backlog_bytes_max / 4)?));
            polls.push(poll);
        }
        Ok((
            Arc::new(Self { inboxes, next: AtomicUsize::new(0), congestion: Arc::default() }),
            polls,
        ))
    }

    /// Hands a new connection to the next worker.
    pub(crate) fn accept(&self, arrival: Arrival) {
        self.send(self.choose(), Letter::Accept(Box::new(arrival)));
    }

    /// The worker whose turn it is to get a connection.
    pub(crate) fn choose(&self) -> u8 {
        (self.next.fetch_add(1, Ordering::Relaxed) % self.inboxes.len()) as u8
    }

    /// Hands something to a certain worker.
    pub(crate) fn send(&self, worker: u8, letter: Letter) {
        self.inboxes[usize::from(worker)].push(letter);
    }

    /// Waits until every inbox has room: publishers are slowed, memory does not grow.
    pub(crate) async fn room(&self) {
        for inbox in &self.inboxes {
            inbox.room().await;
        }
    }

    /// Ends every connection, spread over the window.
    pub(crate) fn drain(&self, window: Duration) {
        for inbox in &self.inboxes {
            inbox.push(Letter::Drain(window));
        }
    }

    /// Ends the workers.
    pub(crate) fn stop(&self) {
        for inbox in &self.inboxes {
            inbox.push(Letter::Stop);
        }
    }
}

impl Outlet for Switchboard {
    fn workers(&self) -> u8 {
        self.inboxes.len() as u8
    }

    fn push(&self, worker: u8, message: Message) {
        self.inboxes[usize::from(worker)].push(Letter::Hub(message));
    }
}

/// A worker for every inbox, not yet driven.
fn workers(
    switchboard: &Switchboard,
    polls: &[mio::Poll],
    hub: &Arc<Hub>,
    witness: &Arc<dyn Witness>,
    settings: GatewaySettings,
) -> io::Result<Vec<Arc<Mutex<Worker>>>> {
    let pairs = switchboard.inboxes.iter().zip(polls).enumerate();
    pairs
        .map(|(number, (inbox, poll))| {
            let worker = Arc::new(Mutex::new(Worker::new(
                number as u8,
                poll.registry().try_clone()?,
                Arc::clone(inbox),
                Arc::clone(hub),
                Arc::clone(&switchboard.congestion),
                Arc::clone(witness),
                settings,
            )));
            inbox.belongs_to(Arc::downgrade(&worker));
            Ok(worker)
        })
        .collect()
}

/// Starts a thread for every worker.
pub(crate) fn start(
    switchboard: &Switchboard,
    polls: Vec<mio::Poll>,
    hub: &Arc<Hub>,
    witness: &Arc<dyn Witness>,
    settings: GatewaySettings,
) -> io::Result<Vec<JoinHandle<()>>> {
    let workers = workers(switchboard, &polls, hub, witness, settings)?;
    let pairs = workers.into_iter().zip(polls).enumerate();
    pairs
        .map(|(number, (worker, poll))| {
            let thread = std::thread::Builder::new().name(format!("gateway-{number}"));
            thread.spawn(move || driving::run(&worker, poll))
        })
        .collect()
}

#[cfg(test)]
mod driving_tests;
