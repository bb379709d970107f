//! Webhooks at work, as the server knows them: on one node the desk alone, in a cluster a feed on
//! every node and the desk on one of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use bellwire_hub::fact::Held;
use bellwire_hub::interest::Listener;
use bellwire_hub::{Apps, Fact, FactSink};
use bellwire_protocol::AppId;
use hashbrown::HashSet;
use tokio::runtime::Handle;

use crate::desk::{Desk, Place};
use crate::endpoint::Endpoint;
use crate::event::Kind;
use crate::feed::Feed;
use crate::feed::shell::Feeding;
use crate::mail::Mailbox;
use crate::node::NodeId;
use crate::observer::Observer;
use crate::outbox::{Outbox, OutboxError, Retention};
use crate::post::Poster;
use crate::replay::Replay;
use crate::settle::SettleRules;
use crate::turn::DeliveryRules;

pub(crate) type Wanted = HashSet<AppId, foldhash::fast::RandomState>;

/// What a desk is made of.
pub struct DeskParts {
    /// Where webhooks are kept.
    pub outbox: Box<dyn Outbox>,
    /// What people have written down.
    pub written: ReadWritten,
    /// The apps: their keys sign, their settings say whether they want batches.
    pub apps: Arc<Apps>,
    /// What sends.
    pub poster: Arc<Poster>,
    /// Where sending runs.
    pub runtime: Handle,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// How facts settle.
    pub settle: SettleRules,
    /// How batches are delivered.
    pub delivery: DeliveryRules,
    /// How long things are kept.
    pub retention: Retention,
    /// For chance.
    pub seed: u64,
}

/// What ties webhooks to the hub of this node.
pub struct Ties {
    /// Asks for the present state of an app as facts, through [`Service::quiet_sink`].
    pub retell: Box<dyn Fn(&AppId) + Send>,
    /// Lets in those who waited for what was told of their channel to be kept.
    pub release: Box<dyn Fn(&Held) + Send>,
}

/// What a feed is made of.
pub struct FeedParts {
    /// Where it goes.
    pub feed: Box<dyn Feed>,
    /// What people have written down.
    pub written: ReadWritten,
    /// The hub.
    pub ties: Ties,
    /// The apps.
    pub apps: Arc<Apps>,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
}

/// Reads what is written down: every endpoint, and the replays that run or were cancelled.
pub type ReadWritten = Box<dyn FnMut() -> Result<Written, String> + Send>;

/// What is written down by people.
#[derive(Debug, Default)]
pub struct Written {
    /// Every endpoint.
    pub endpoints: Vec<Endpoint>,
    /// Replays.
    pub replays: Vec<Replay>,
}

/// Says whether this node may still send what it believes to be its to send. Asked right before
/// every POST; it must not wait for anything.
pub trait Fence: Send + Sync {
    /// Whether the lease of this node holds, by a clock that only goes forward.
    fn may_send(&self) -> bool;
}

/// How the desk is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Nothing new is sent, answers that have come are kept, then it ends.
    HandOver,
    /// At once: it is somebody else's already.
    Cut,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What is written down.
    #[error("endpoints cannot be read: {0}")]
    Written(String),
    /// The system.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The service while it runs.
pub struct Service {
    /// Where facts go: to the desk of a single node, or to the feed.
    facts: Arc<Mailbox>,
    wanted: Arc<ArcSwap<Wanted>>,
    /// By whom all is sent.
    poster: Arc<Poster>,
    /// POSTs under way.
    under_way: Arc<AtomicUsize>,
    /// The feed, in a cluster.
    feed: Mutex<Option<Feeding>>,
    /// Whether the store has lost rows of the feed.
    is_feed_forgotten: Arc<AtomicBool>,
    /// The desk, if it is here.
    desk: Mutex<Option<Desk>>,
}

impl Service {
    /// Takes over what a former run has left, and starts, on a node that is alone.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn start(parts: DeskParts, ties: Ties) -> Result<Self, StartError> {
        let facts = Arc::new(Mailbox::default());
        let wanted = Arc::new(ArcSwap::from_pointee(Wanted::default()));
        let (poster, under_way) = (Arc::clone(&parts.poster), Arc::new(AtomicUsize::new(0)));
        let place = Place::Alone { ties, wanted: Arc::clone(&wanted) };
        let desk = Desk::start(parts, place, Arc::clone(&facts), Arc::clone(&under_way))?;
        let (feed, desk) = (Mutex::new(None), Mutex::new(Some(desk)));
        let is_feed_forgotten = Arc::default();
        Ok(Self { facts, wanted, poster, under_way, feed, is_feed_forgotten, desk })
    }

    /// Starts the feed of a node of a cluster. The desk is wherever [`Service::take_desk`] is called.
    ///
    /// # Errors
    /// When what is written down cannot be read.
    pub fn join(parts: FeedParts, poster: Arc<Poster>) -> Result<Self, StartError> {
        let facts = Arc::new(Mailbox::of_a_feed());
        let wanted = Arc::new(ArcSwap::from_pointee(Wanted::default()));
        let is_feed_forgotten = Arc::<AtomicBool>::default();
        let (mine, its) = (Arc::clone(&facts), Arc::clone(&wanted));
        let feed = Feeding::start(parts, mine, its, Arc::clone(&is_feed_forgotten))?;
        let under_way = Arc::new(AtomicUsize::new(0));
        let (feed, desk) = (Mutex::new(Some(feed)), Mutex::new(None));
        Ok(Self { facts, wanted, poster, under_way, feed, is_feed_forgotten, desk })
    }

    /// Whether the store has lost rows of this node's feed that it had kept. Nothing more is said
    /// before the node comes back as another one, by [`Service::rejoin`].
    #[must_use]
    pub fn is_feed_forgotten(&self) -> bool {
        self.is_feed_forgotten.load(Ordering::Acquire)
    }

    /// Whether the desk is here and has ended, because the store has lost what it had kept. It has to
    /// be given up; the next one goes on with what is there.
    #[must_use]
    pub fn is_desk_forgotten(&self) -> bool {
        lock(&self.desk).as_ref().is_some_and(Desk::is_over)
    }

    /// This node has lost its lease or its feed and has joined again, as another one with a feed of
    /// its own. Its desk has to be given up first.
    pub fn rejoin(&self, feed: Box<dyn Feed>) {
        self.is_feed_forgotten.store(false, Ordering::Release);
        self.facts.leave(|mail| mail.feed = Some(feed));
    }

    /// The desk is here from now on: it takes over what a former one has left. `me` is this node.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn take_desk(
        &self,
        parts: DeskParts,
        me: NodeId,
        fence: Arc<dyn Fence>,
    ) -> Result<(), StartError> {
        let place = Place::Cluster { me, fence };
        let mailbox = Arc::new(Mailbox::default());
        let desk = Desk::start(parts, place, mailbox, Arc::clone(&self.under_way))?;
        let former = lock(&self.desk).replace(desk);
        if let Some(former) = former {
            former.stop(How::Cut);
        }
        Ok(())
    }

    /// The desk is here no more. Waits for its threads if it is handed over.
    pub fn give_up_desk(&self, how: How) {
        let desk = lock(&self.desk).take();
        if let Some(desk) = desk {
            desk.stop(how);
        }
    }

    /// Something was said in some feed, or heard of this one.
    pub fn hint(&self) {
        if let Some(desk) = &*lock(&self.desk) {
            desk.leave(|mail| mail.has_news = true);
        }
        if lock(&self.feed).is_some() {
            self.facts.leave(|mail| mail.has_news = true);
        }
    }

    /// Where the hub leaves facts.
    #[must_use]
    pub fn sink(&self) -> Sink {
        let (mailbox, wanted) = (Arc::clone(&self.facts), Arc::clone(&self.wanted));
        Sink { mailbox, wanted, quietly: false }
    }

    /// Where the hub leaves the present state of an app.
    #[must_use]
    pub fn quiet_sink(&self) -> Sink {
        Sink { quietly: true, ..self.sink() }
    }

    /// Why nothing would ever be sent to a URL, if so. Asks for the address of a name.
    pub async fn refusal(&self, url: &str) -> Option<String> {
        self.poster.refusal(url).await
    }

    /// Endpoints, replays or apps have changed.
    pub fn changed(&self) {
        if let Some(desk) = &*lock(&self.desk) {
            desk.leave(|mail| mail.is_changed = true);
        }
        if lock(&self.feed).is_some() {
            self.facts.leave(|mail| mail.is_changed = true);
        }
    }

    /// The server goes down: whoever leaves from now on was told to come back. The desk of a cluster
    /// goes on: others have not gone down.
    pub fn close(&self) {
        self.facts.leave(|mail| mail.is_closing = true);
    }

    /// POSTs under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Sends nothing more from here. What is not delivered will be when the server is started again,
    /// or by whoever has the desk next.
    pub fn park(&self) {
        if let Some(desk) = &*lock(&self.desk) {
            desk.leave(|mail| mail.is_parking = true);
        }
    }

    /// Ends the threads and waits for that. Answers that have come, and what is to be told, are kept
    /// first, unless the store fails.
    pub fn stop(&self) {
        self.give_up_desk(How::HandOver);
        let feed = lock(&self.feed).take();
        if let Some(feed) = feed {
            self.facts.leave(|mail| mail.is_stopping = true);
            feed.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The hub's facts on their way to the engine.
#[derive(Clone)]
pub struct Sink {
    mailbox: Arc<Mailbox>,
    /// The apps of which somebody wants to hear.
    wanted: Arc<ArcSwap<Wanted>>,
    quietly: bool,
}

impl FactSink for Sink {
    fn take(&self, fact: Fact) {
        if self.wanted.load().contains(&fact.app) {
            self.mailbox.fact(fact, self.quietly);
        }
    }

    fn hold(&self, held: Held) {
        self.mailbox.leave(|mail| mail.held.push(held));
    }
}

/// Tells apps whether client events are wanted of them. A disabled endpoint counts: what it misses is
/// named when it is enabled again.
pub(crate) fn interest(apps: &Apps, endpoints: &[Endpoint]) {
    let wants = |endpoint: &&Endpoint| endpoint.terms.wants_any(Kind::ClientEvent);
    let wanted: Wanted = endpoints.iter().filter(wants).map(|e| e.app.clone()).collect();
    for app in apps.all() {
        app.interest.set(Listener::ClientEvents, wanted.contains(&app.id));
    }
}

pub(crate) fn batching(apps: &Apps) -> impl Fn(&AppId) -> Option<bool> {
    |id| {
        let app = apps.by_id(id.as_str())?;
        let settings = &app.live().settings;
        settings.enabled.then_some(settings.batch_webhooks)
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
