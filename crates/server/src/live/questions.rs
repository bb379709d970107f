//! Questions to the gateway's workers about their connections.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bellwire_hub::{App, Conn, Hub, Message, Outlet as _};
use bellwire_protocol::{SocketId, close};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::gateway::asking::{Found, Question, Seen};
use crate::gateway::{Letter, Switchboard};

/// Asks workers.
pub(crate) struct Questions {
    switchboard: Arc<Switchboard>,
    hub: Arc<Hub>,
}

/// A part of an app's connections.
#[derive(Debug)]
pub(crate) struct ConnectionPage {
    /// In the order of their places.
    pub(crate) seen: Vec<Seen>,
    /// Where the next page begins; none: there is none.
    pub(crate) next: Option<Place>,
}

/// A place among the connections of this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    worker: u8,
    slot: usize,
}

impl Questions {
    /// Asks these workers.
    pub(crate) fn new(switchboard: Arc<Switchboard>, hub: Arc<Hub>) -> Self {
        Self { switchboard, hub }
    }

    /// The connections of an app that have `q`, in lower case, in what is known of them: so many from
    /// a place on.
    pub(crate) async fn connections(
        &self,
        app: &Arc<App>,
        q: &str,
        from: Place,
        limit: usize,
    ) -> ConnectionPage {
        let (mut seen, mut place) = (Vec::new(), Some(from));
        // One more, to learn where the next page begins.
        while let Some(at) = place.filter(|_| seen.len() <= limit) {
            let found = self.some(app, q, at, limit + 1 - seen.len()).await;
            seen.extend(found.seen);
            place = self.after(at, found.next);
        }
        let next = if seen.len() > limit { seen.pop() } else { None };
        ConnectionPage { seen, next: next.as_ref().map(Place::of) }
    }

    /// The number with which the names of connections of this node begin.
    pub(crate) fn node(&self) -> u64 {
        self.hub.node()
    }

    /// How many connections of an app have `q` in what is known of them.
    pub(crate) async fn count(&self, app: &Arc<App>, q: &str) -> usize {
        if q.is_empty() {
            return app.usage.connections.load(Ordering::Relaxed);
        }
        let (mut count, mut place) = (0, Some(Place::default()));
        while let Some(at) = place {
            let found = self.some(app, q, at, 0).await;
            count += found.more;
            place = self.after(at, found.next);
        }
        count
    }

    /// Looks at a part of a worker's slots. A worker that has ended has none.
    async fn some(&self, app: &Arc<App>, q: &str, from: Place, limit: usize) -> Found {
        if from.worker >= self.switchboard.workers() {
            return Found::default();
        }
        let (answer, answered) = oneshot::channel();
        let (app, q) = (Arc::clone(app), q.to_owned());
        let question = Question::Some { app, q, from: from.slot, limit, answer };
        self.switchboard.send(from.worker, Letter::Ask(question));
        answered.await.unwrap_or_default()
    }

    /// Where to go on after a part whose worker goes on at this slot.
    fn after(&self, at: Place, next: Option<usize>) -> Option<Place> {
        let worker = at.worker;
        match next {
            Some(slot) => Some(Place { worker, slot }),
            None => {
                let worker = worker.checked_add(1)?;
                (worker < self.switchboard.workers()).then_some(Place { worker, slot: 0 })
            }
        }
    }

    /// One connection of an app.
    pub(crate) async fn connection(&self, app: &Arc<App>, socket: SocketId) -> Option<Seen> {
        let conn = Conn::of(socket, self.hub.node())?;
        if conn.worker() >= self.switchboard.workers() {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        self.switchboard.send(conn.worker(), Letter::Ask(Question::One { conn, answer }));
        answered.await.ok().flatten().filter(|seen| Arc::ptr_eq(&seen.app, app))
    }

    /// Ends a connection of an app; whether it was there.
    pub(crate) async fn disconnect(&self, app: &Arc<App>, socket: SocketId) -> bool {
        let Some(Seen { conn, .. }) = self.connection(app, socket).await else { return false };
        let close = close::TERMINATED;
        self.switchboard.push(conn.worker(), Message::Close { conn, close });
        true
    }
}

impl Place {
    /// Where a connection is.
    pub(crate) fn of(seen: &Seen) -> Self {
        Self { worker: seen.conn.worker(), slot: seen.conn.slot() }
    }
}

/// Two numbers, for cursors.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.worker, self.slot)
    }
}

/// Not the place that the text should be.
#[derive(Debug)]
pub(crate) struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (worker, slot) = text.split_once('-').ok_or(NoPlace)?;
        let worker = worker.parse().map_err(|_| NoPlace)?;
        Ok(Self { worker, slot: slot.parse().map_err(|_| NoPlace)? })
    }
}
