//! What others leave for the engine's thread: facts from the hub, answers from receivers, the store's
//! word. Whoever leaves something never waits.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwire_hub::Fact;
use bellwire_hub::fact::{Held, What};
use bellwire_protocol::AppId;
use hashbrown::HashMap;

use crate::engine::{Answered, Overheard};
use crate::event::lane_of;
use crate::feed::Feed;
use crate::outbox::{Found, Swept};
use crate::turn::Asker;

/// The letter box.
#[derive(Default)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    bell: Condvar,
    /// Whether what is here can be said anew, so that even transitions may be let go.
    is_of_a_feed: bool,
}

/// What lies in it.
#[derive(Default)]
pub(crate) struct Mail {
    /// What happened; true: before anybody wanted to know.
    pub(crate) facts: Vec<(Fact, bool)>,
    /// Who waits for all facts up to here to be kept.
    pub(crate) held: Vec<Held>,
    /// Attempts that have ended.
    pub(crate) answers: Vec<Answered>,
    /// The store has done its job.
    pub(crate) done: Option<Vec<(Asker, Found)>>,
    /// The store has swept.
    pub(crate) swept: Option<Swept>,
    /// What the feeds have brought; nothing, if they could not be read.
    pub(crate) overheard: Option<Option<Overheard>>,
    /// The feed of a node that has lost its lease and is another one from now on.
    pub(crate) feed: Option<Box<dyn Feed>>,
    /// The store has gone back behind what it had kept: nothing more will be.
    pub(crate) is_forgotten: bool,
    /// Something may be in the feeds, or was heard.
    pub(crate) has_news: bool,
    /// Transitions were let go.
    pub(crate) is_incomplete: bool,
    /// Endpoints or replays have changed.
    pub(crate) is_changed: bool,
    /// The server goes down: from now on nobody leaves.
    pub(crate) is_closing: bool,
    /// Nothing new is sent any more.
    pub(crate) is_parking: bool,
    /// The threads end.
    pub(crate) is_stopping: bool,
    /// Events that there was no room for, by app and lane.
    pub(crate) lost: HashMap<(AppId, u8), u64, foldhash::fast::RandomState>,
    /// Bytes of the facts, roughly.
    bytes: usize,
    /// Whether the engine wants to be woken by facts. While the store is busy it does not: nothing
    /// could be kept before that is done, and waking a thread is dear.
    wants_facts: bool,
    /// Whether somebody has rung already.
    has_rung: bool,
}

/// Bytes of facts above which client events, cache misses and counts are let go. Transitions never
/// are, but on the way to a feed: what is here could not be known without them.
const BYTES_MAX: usize = 64 << 20;

impl Mailbox {
    /// The one of a feed.
    pub(crate) fn of_a_feed() -> Self {
        Self { is_of_a_feed: true, ..Self::default() }
    }

    /// Leaves a fact.
    pub(crate) fn fact(&self, fact: Fact, quietly: bool) {
        let mut mail = self.lock();
        let (bytes, may_go) = weight(&fact);
        if mail.bytes + bytes > BYTES_MAX && may_go {
            *mail.lost.entry((fact.app, lane_of(fact.channel.as_str()))).or_default() += 1;
            return;
        }
        if mail.bytes + bytes > BYTES_MAX && self.is_of_a_feed && !quietly {
            mail.is_incomplete = true;
            return;
        }
        // What is said anew is as much as there is, and fetched by whoever has asked for it.
        mail.bytes += if quietly { 0 } else { bytes };
        mail.facts.push((fact, quietly));
        if mail.wants_facts {
            self.ring(&mut mail);
        }
    }

    /// Leaves anything else.
    pub(crate) fn leave(&self, put: impl FnOnce(&mut Mail)) {
        let mut mail = self.lock();
        put(&mut mail);
        self.ring(&mut mail);
    }

    /// Takes everything; if there is nothing, waits for something or for so long.
    pub(crate) fn fetch(&self, longest: Duration, wants_facts: bool) -> Mail {
        let mut mail = self.lock();
        let has_facts = wants_facts && !mail.facts.is_empty();
        if !mail.has_rung && !has_facts {
            mail.wants_facts = wants_facts;
            let waited = self.bell.wait_timeout_while(mail, longest, |mail| !mail.has_rung);
            mail = waited.unwrap_or_else(PoisonError::into_inner).0;
            mail.wants_facts = false;
        }
        std::mem::take(&mut mail)
    }

    fn ring(&self, mail: &mut Mail) {
        if !std::mem::replace(&mut mail.has_rung, true) {
            self.bell.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a fact weighs, and whether it may be let go.
pub(crate) fn weight(fact: &Fact) -> (usize, bool) {
    const FACT: usize = 128;
    match &fact.what {
        What::ClientEvent { event, data, .. } => (FACT + event.len() + data.len(), true),
        What::CacheMiss | What::SubscriptionCount(_) => (FACT, true),
        What::Occupied
        | What::Vacated
        | What::MemberAdded(_)
        | What::MemberRemoved(_)
        | What::CacheFilled => (FACT, false),
    }
}
