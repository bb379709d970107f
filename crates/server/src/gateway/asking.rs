//! What people ask of a worker about its connections: letters like any other, answered in between,
//! a part of the slots at a time, so that nobody waits long behind a question.

use std::sync::Arc;

use bellwire_hub::{App, Conn};
use bellwire_protocol::{ChannelName, SocketId, UserId};
use tokio::sync::oneshot;

use super::connection::Connection;
use super::witness::Story;
use super::worker::Worker;

/// A question to a worker.
#[derive(Debug)]
pub(crate) enum Question {
    /// The connections of an app in a part of the slots.
    Some {
        /// Whose connections.
        app: Arc<App>,
        /// Only those that have this in what is known of them, in lower case.
        q: String,
        /// The first slot to look at.
        from: usize,
        /// How many to show; the others are counted.
        limit: usize,
        /// To whom.
        answer: oneshot::Sender<Found>,
    },
    /// One connection.
    One {
        /// Which.
        conn: Conn,
        /// To whom: nothing if it is not there.
        answer: oneshot::Sender<Option<Seen>>,
    },
}

/// What a look at a part of the slots has found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In the order of their slots.
    pub(crate) seen: Vec<Seen>,
    /// Those that were asked for but not shown.
    pub(crate) more: usize,
    /// The slot to go on with; none: that was all.
    pub(crate) next: Option<usize>,
}

/// A connection as people see it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Its name on this node.
    pub(crate) conn: Conn,
    /// Its name for everybody.
    pub(crate) socket_id: SocketId,
    /// Whose it is.
    pub(crate) app: Arc<App>,
    /// What it speaks.
    pub(crate) transport: &'static str,
    /// Where it came from.
    pub(crate) story: Story,
    /// Who it signed in as.
    pub(crate) user: Option<UserId>,
    /// What it listens to, the first of them.
    pub(crate) subscriptions: Vec<(ChannelName, Option<UserId>)>,
    /// How many subscriptions it has.
    pub(crate) subscription_count: usize,
    /// Bytes that wait for it.
    pub(crate) backlog_bytes: usize,
}

/// Slots that are looked at for one letter.
const SLOTS_AT_ONCE: usize = 10_000;
/// Subscriptions that are shown of a connection in a list, and of one that was asked for.
const SUBSCRIPTIONS: (usize, usize) = (100, 1_000);

impl Worker {
    /// Answers, unless nobody waits for it any more.
    pub(super) fn answer(&mut self, question: Question) {
        match question {
            Question::Some { app, q, from, limit, answer } => {
                let _ = answer.send(self.find(&app, &q, from, limit));
            }
            Question::One { conn, answer } => {
                let slot = self.slots.find(conn);
                let connection = slot.and_then(|slot| self.slots.at(slot));
                let seen = connection.filter(|connection| connection.closing.is_none());
                let _ = answer.send(seen.map(|connection| see(connection, SUBSCRIPTIONS.1)));
            }
        }
    }

    fn find(&mut self, app: &Arc<App>, q: &str, from: usize, limit: usize) -> Found {
        let end = self.slots.len().min(from.saturating_add(SLOTS_AT_ONCE));
        let mut found = Found { seen: Vec::new(), more: 0, next: None };
        for slot in from..end {
            let Some(connection) = self.slots.at(slot) else { continue };
            let is_theirs = Arc::ptr_eq(&connection.session.app, app);
            if !is_theirs || connection.closing.is_some() || !fits(connection, q) {
                continue;
            }
            if found.seen.len() < limit {
                found.seen.push(see(connection, SUBSCRIPTIONS.0));
            } else {
                found.more += 1;
            }
        }
        found.next = (end < self.slots.len()).then_some(end);
        found
    }
}

fn fits(connection: &Connection, q: &str) -> bool {
    let (session, story) = (&connection.session, &connection.story);
    let has = |text: &str| text.to_lowercase().contains(q);
    q.is_empty()
        || has(&session.socket_id.to_string())
        || session.user().is_some_and(|user| has(user.as_str()))
        || story.address.is_some_and(|address| has(&address.to_string()))
        || story.visitor.origin.as_deref().is_some_and(has)
        || story.visitor.client.as_deref().is_some_and(has)
}

fn see(connection: &Connection, subscriptions_max: usize) -> Seen {
    let session = &connection.session;
    let subscriptions = session.subscriptions();
    Seen {
        conn: connection.conn,
        socket_id: session.socket_id,
        app: Arc::clone(&session.app),
        transport: connection.transport.name(),
        story: connection.story.clone(),
        user: session.user().cloned(),
        subscription_count: subscriptions.len(),
        subscriptions: subscriptions
            .take(subscriptions_max)
            .map(|subscription| (subscription.channel.clone(), subscription.user.clone()))
            .collect(),
        backlog_bytes: connection.backlog_bytes(),
    }
}
