//! What will happen in a run, and when.

use std::collections::BTreeMap;
use std::collections::btree_map::OccupiedEntry;

use crate::engine::Answered;
use crate::ids::EndpointId;

/// What will happen; the second number keeps the order of what happens at the same time.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    acts: BTreeMap<(u64, u64), Act>,
    count: u64,
}

/// Something that will happen.
#[derive(Debug)]
pub(super) enum Act {
    /// The store is done with the job.
    Kept,
    /// A POST ends.
    Ends(Box<Answered>),
    /// A client comes.
    Arrives(usize),
    /// The engine hears of what people have written down.
    Configured,
    /// Somebody disables or enables an endpoint.
    Switched(EndpointId, bool),
}

impl Agenda {
    pub(super) fn add(&mut self, at_ms: u64, act: Act) {
        self.count += 1;
        self.acts.insert((at_ms, self.count), act);
    }

    /// When something happens next.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.acts.first_key_value().map(|((at_ms, _), _)| *at_ms)
    }

    /// What happens now.
    pub(super) fn due(&mut self, now_ms: u64) -> Option<Act> {
        let first = self.acts.first_entry().filter(|entry| entry.key().0 <= now_ms);
        first.map(OccupiedEntry::remove)
    }

    /// The process is gone, and with it all but what people do.
    pub(super) fn crash(&mut self) {
        self.acts.retain(|_, act| matches!(act, Act::Arrives(_)));
    }
}
