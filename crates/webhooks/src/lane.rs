//! One lane of one endpoint: the events of a 64th of all channels, in their order. One batch is on
//! its way at a time; what comes meanwhile waits here, or, if it is much, only in the store.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::batch::{Batch, Gap};
use crate::event::Event;

/// Most events of a POST.
pub(crate) const BATCH_EVENTS: usize = 100;
/// Most bytes of events of a POST, unless a single event is larger.
pub(crate) const BATCH_BYTES: usize = 256 * 1024;
/// Events that wait in memory for one lane; more are read from the store when it is their turn.
const WAITING_MAX: usize = 256;

/// A lane.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// What is in no batch yet, oldest first.
    waiting: VecDeque<Arc<Event>>,
    /// What else waits, in the store.
    backlog: Backlog,
    /// What was cut and has not ended; the first is on its way.
    pub(crate) parts: VecDeque<Part>,
    /// Everything up to this place was cut or is not for this endpoint.
    cursor: u64,
    /// The last place that was cut.
    pub(crate) previous: u64,
    /// What the receiver misses and has not been told of.
    pub(crate) owes: Option<Gap>,
    /// What the store knows of that.
    kept_owes: Option<Gap>,
    /// What the request under way names of that.
    named: Option<Gap>,
    /// Whether the store may hear later of what is missed now.
    may_wait: bool,
}

/// What waits in the store alone.
#[derive(Debug, Default)]
enum Backlog {
    /// Nothing.
    #[default]
    None,
    /// What follows the events that wait in memory.
    Stored,
    /// It is being read.
    Reading {
        /// What came since.
        late: Vec<Arc<Event>>,
        /// Whether more came than there was room for.
        has_more: bool,
    },
}

/// A batch of a lane.
#[derive(Debug)]
pub(crate) struct Part {
    /// What is sent.
    pub(crate) batch: Arc<Batch>,
    /// Attempts that were made.
    pub(crate) attempts: u32,
    /// Of these, how many were answered with 400, 413 or 422.
    pub(crate) refusals: u32,
    /// When its first attempt failed; 0: none has.
    pub(crate) failed_at_ms: u64,
    /// Where it is.
    pub(crate) stage: Stage,
}

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// On its way into the store: not to be sent before it is there.
    Cut,
    /// To be sent at this time.
    Due(u64),
    /// On its way to the receiver.
    Sent,
}

impl Part {
    pub(crate) fn new(batch: Arc<Batch>, stage: Stage) -> Self {
        Self { batch, attempts: 0, refusals: 0, failed_at_ms: 0, stage }
    }
}

impl Lane {
    /// An event for this endpoint. `in_memory`: there is room for it outside the store.
    pub(crate) fn push(&mut self, event: &Arc<Event>, in_memory: bool) {
        if self.is_caught_up() {
            self.cursor = event.seq - 1;
        }
        let fits = in_memory && self.waiting.len() < WAITING_MAX;
        match &mut self.backlog {
            Backlog::None if fits => self.waiting.push_back(Arc::clone(event)),
            Backlog::None => self.backlog = Backlog::Stored,
            Backlog::Stored => {}
            Backlog::Reading { late, has_more: false } if late.len() < WAITING_MAX => {
                late.push(Arc::clone(event));
            }
            Backlog::Reading { has_more, .. } => *has_more = true,
        }
    }

    /// The events of the next batch; they are cut from what waits.
    pub(crate) fn cut(&mut self, batching: bool) -> Vec<Arc<Event>> {
        let cut = gather(&mut self.waiting, batching);
        if let Some(last) = cut.last() {
            (self.cursor, self.previous) = (last.seq, last.seq);
        }
        cut
    }

    /// The place after which the store must be read now, if so.
    pub(crate) fn read(&mut self) -> Option<u64> {
        if !self.waiting.is_empty() || !matches!(self.backlog, Backlog::Stored) {
            return None;
        }
        self.backlog = Backlog::Reading { late: Vec::new(), has_more: false };
        Some(self.cursor)
    }

    /// The store's answer. `wanted` are those for this endpoint, `last` is the last place that was
    /// looked at, `is_all` says whether the store had no more.
    pub(crate) fn found(&mut self, wanted: Vec<Arc<Event>>, last: Option<u64>, is_all: bool) {
        let Backlog::Reading { late, has_more } = &mut self.backlog else {
            // The lane was cleared meanwhile.
            return;
        };
        let is_all = is_all && !*has_more;
        let late = if is_all { std::mem::take(late) } else { Vec::new() };
        self.backlog = if is_all { Backlog::None } else { Backlog::Stored };
        let last = last.unwrap_or(self.cursor);
        if wanted.is_empty() {
            self.cursor = self.cursor.max(last);
        }
        self.waiting.extend(wanted);
        self.waiting.extend(late.into_iter().filter(|event| event.seq > last));
    }

    /// When its batch is to be sent again, and for the last time.
    pub(crate) fn due(&self) -> Option<(u64, u64)> {
        let part = self.parts.front()?;
        match part.stage {
            Stage::Due(due_ms) => Some((due_ms, part.batch.deadline_ms)),
            Stage::Cut | Stage::Sent => None,
        }
    }

    /// Whether a batch could be cut now, or what is to be in it be read.
    pub(crate) fn is_idle(&self) -> bool {
        self.parts.is_empty() && (self.has_waiting() || matches!(self.backlog, Backlog::Stored))
    }

    /// Whether the store is being asked for what waits.
    pub(crate) fn is_reading(&self) -> bool {
        matches!(self.backlog, Backlog::Reading { .. })
    }

    /// Whether something can be cut.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Events in memory.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// When the oldest event in memory happened.
    pub(crate) fn oldest_ms(&self) -> Option<u64> {
        let waiting = self.waiting.front().map(|event| event.at_ms);
        waiting.into_iter().chain(self.parts.front().map(|part| part.batch.time_ms)).min()
    }

    /// The place after which something waits, if something does.
    pub(crate) fn behind(&self) -> Option<u64> {
        (!self.is_caught_up()).then_some(self.cursor)
    }

    /// What waits in memory is left to the store, until it can be sent.
    pub(crate) fn shed(&mut self) {
        if self.is_caught_up() {
            return;
        }
        self.waiting.clear();
        match &mut self.backlog {
            Backlog::Reading { late, has_more } => {
                late.clear();
                *has_more = true;
            }
            stored => *stored = Backlog::Stored,
        }
    }

    /// What the receiver misses, if the store does not know it already. Of what comes while the
    /// endpoint is disabled, the store knows the beginning; the rest when it is enabled.
    pub(crate) fn debt(&mut self, is_disabled: bool) -> Option<Option<Gap>> {
        if self.owes == self.kept_owes || self.tells_later() {
            return None;
        }
        self.kept_owes = self.owes;
        self.may_wait = is_disabled;
        Some(self.owes)
    }

    /// The endpoint is enabled: the store has to know all that was missed.
    pub(crate) fn wake(&mut self) {
        self.may_wait = false;
    }

    /// Whether the store need not hear yet of what is missed now.
    pub(crate) fn tells_later(&self) -> bool {
        self.may_wait && self.kept_owes.is_some()
    }

    /// What a request that goes now names: no more than the store knows, or a crash could undo it.
    pub(crate) fn name(&mut self) -> Option<Gap> {
        self.named = self.kept_owes;
        self.named
    }

    /// A request was accepted, and with it what it named. If more was lost meanwhile, the next one
    /// names it all.
    pub(crate) fn accepted(&mut self) {
        if self.owes == self.named {
            self.owes = None;
        }
    }

    /// What a former run has left unsaid.
    pub(crate) fn owed_before(&mut self, gap: Gap) {
        self.owes = Some(gap);
        self.kept_owes = Some(gap);
    }

    /// What a former run may have left waiting in the store.
    pub(crate) fn resume(&mut self, after: u64) {
        self.cursor = after.max(self.previous);
        self.backlog = Backlog::Stored;
    }

    /// Events up to this place are gone from the store.
    pub(crate) fn skip_to(&mut self, place: u64) {
        self.waiting.retain(|event| event.seq > place);
        self.cursor = self.cursor.max(place);
    }

    /// Lets go of everything that waits; what the receiver misses by it.
    pub(crate) fn clear(&mut self, last_seq: u64) -> Option<Gap> {
        let is_all = matches!(self.backlog, Backlog::None);
        let parts = self.parts.drain(..).filter_map(|part| part.batch.as_gap());
        let mut gap = parts.reduce(Gap::and);
        if let (Some(first), Some(last)) = (self.waiting.front(), self.waiting.back()) {
            let count = self.waiting.len() as u64;
            let last = if is_all { last.seq } else { last_seq };
            let waited = Gap { first: first.seq, last, count };
            gap = Some(gap.map_or(waited, |gap| gap.and(waited)));
        } else if !is_all && self.cursor < last_seq {
            let waited = Gap { first: self.cursor + 1, last: last_seq, count: 0 };
            gap = Some(gap.map_or(waited, |gap| gap.and(waited)));
        }
        self.waiting.clear();
        self.backlog = Backlog::None;
        gap
    }

    /// The receiver will not get this.
    pub(crate) fn misses(&mut self, gap: Gap) {
        self.sleeps_through(gap);
        self.may_wait = false;
    }

    /// The receiver does not get this, because it is disabled.
    pub(crate) fn sleeps_through(&mut self, gap: Gap) {
        self.owes = Some(self.owes.map_or(gap, |owed| owed.and(gap)));
    }

    fn is_caught_up(&self) -> bool {
        self.waiting.is_empty() && matches!(self.backlog, Backlog::None)
    }
}

/// Takes the events of one POST from the front.
pub(crate) fn gather(waiting: &mut VecDeque<Arc<Event>>, batching: bool) -> Vec<Arc<Event>> {
    let mut gathered: Vec<Arc<Event>> = Vec::new();
    let mut bytes = 0;
    while let Some(event) = waiting.front() {
        bytes += event.body.len();
        let fits = gathered.first().is_none_or(|first| {
            batching
                && gathered.len() < BATCH_EVENTS
                && bytes <= BATCH_BYTES
                && !travels_alone(first)
                && !travels_alone(event)
        });
        if !fits {
            break;
        }
        gathered.extend(waiting.pop_front());
    }
    gathered
}

/// Events on encrypted channels: PHP's and Go's SDKs decrypt every one of them and fail the whole
/// POST where there is nothing to decrypt (contract 16.10).
fn travels_alone(event: &Event) -> bool {
    #[cfg(test)]
    if crate::sabotage::sabotaged(crate::sabotage::Sabotage::EncryptedTogether) {
        return false;
    }
    event.channel.kind().is_encrypted()
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
