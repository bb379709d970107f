//! What others leave for the link's thread. Whoever leaves something never waits.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use bellwire_hub::fact::Held;

use super::lock;
use crate::roster::{Item, Roster, Word};

/// The tray.
#[derive(Debug, Default)]
pub(super) struct Tray {
    waiting: Mutex<Waiting>,
    bell: Condvar,
}

/// What lies in it.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// To be told to the others, in order.
    pub(super) lines: Vec<Line>,
    /// Who need not wait for other nodes.
    pub(super) releases: Vec<Held>,
    /// What others have said, in order.
    pub(super) heard: VecDeque<(u64, Heard)>,
    /// The other nodes that are there, if that has changed.
    pub(super) nodes: Option<Vec<u64>>,
    /// The bus has come back: nobody knows what was missed.
    pub(super) is_back: bool,
    /// The thread ends.
    pub(super) is_stopping: bool,
    has_rung: bool,
}

/// A line of what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// Here begins everything.
    Begins,
    /// Something.
    Item(Item),
    /// There ends everything.
    Ends,
}

/// What another node has said.
#[derive(Debug)]
pub(super) enum Heard {
    /// Something before this did not come.
    Gap,
    /// Who is where.
    Roster(Roster),
    /// A word to this node.
    Word(Word),
}

/// Messages that may wait. What comes above that is missed, as if the bus had lost it, and is told
/// again.
const HEARD_MAX: usize = 20_000;

impl Tray {
    /// Leaves something.
    pub(super) fn leave(&self, put: impl FnOnce(&mut Waiting)) {
        let mut waiting = lock(&self.waiting);
        put(&mut waiting);
        if !std::mem::replace(&mut waiting.has_rung, true) {
            self.bell.notify_one();
        }
    }

    /// Leaves what another node has said.
    pub(super) fn hear(&self, sender: u64, heard: Heard) {
        self.leave(|waiting| {
            let is_full = waiting.heard.len() >= HEARD_MAX;
            let heard = if is_full { Heard::Gap } else { heard };
            let is_known =
                |(node, last): &(u64, Heard)| *node == sender && matches!(last, Heard::Gap);
            if !is_full || !waiting.heard.back().is_some_and(is_known) {
                waiting.heard.push_back((sender, heard));
            }
        });
    }

    /// Takes everything; if there is nothing, waits for something or for so long.
    pub(super) fn fetch(&self, longest: Duration) -> Waiting {
        let mut waiting = lock(&self.waiting);
        if !waiting.has_rung {
            let waited = self.bell.wait_timeout_while(waiting, longest, |w| !w.has_rung);
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::take(&mut waiting)
    }
}
