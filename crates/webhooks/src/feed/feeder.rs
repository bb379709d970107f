//! What a node has to tell and has not told yet. While the store is away it keeps so much; above
//! that it only counts what is lost, and says its whole state anew when the store is back. It knows
//! no clock, no thread and no store: `shell` has those.

use std::collections::VecDeque;

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::AppId;
use hashbrown::HashMap;

use super::{Entry, Row, decode, encode};
use crate::event::lane_of;
use crate::hashing::Hashing;
use crate::mail::weight;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};

/// One node's end of its feed. `W` is who waits for what was said to be heard.
#[derive(Debug)]
pub(crate) struct Feeder<W> {
    rules: FeedRules,
    /// What waits, each with what it weighs.
    entries: VecDeque<(Entry, usize)>,
    bytes: usize,
    /// The row that is offered until it is kept.
    row: Option<(u64, Vec<u8>)>,
    last_n: u64,
    /// What there was no room for, by app and lane.
    lost: HashMap<(AppId, u8), u64, Hashing>,
    /// The run of the desk that has been told who is here.
    run: Option<u64>,
    /// Whether the store was away when it was needed last.
    is_failing: bool,
    /// Whether something was let go without which nobody knows who is here.
    is_incomplete: bool,
    is_closing: bool,
    /// Entries that were taken so far, and those that are in rows.
    taken: u64,
    in_rows: u64,
    /// Who waits for entries up to this one; `u64::MAX`: for the end of the next retelling.
    waiting: VecDeque<(u64, W)>,
    /// Who waits for this row to be heard.
    placed: VecDeque<(u64, W)>,
}

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeedRules {
    /// A row has no more bytes, but for its last entry.
    pub(crate) row_bytes_max: usize,
    /// Bytes that wait while the store is away.
    pub(crate) waiting_bytes_max: usize,
}

impl Default for FeedRules {
    fn default() -> Self {
        Self { row_bytes_max: 256 << 10, waiting_bytes_max: 64 << 20 }
    }
}

impl<W> Feeder<W> {
    pub(crate) fn new(rules: FeedRules) -> Self {
        Self {
            rules,
            entries: VecDeque::new(),
            bytes: 0,
            row: None,
            last_n: 0,
            lost: HashMap::default(),
            run: None,
            is_failing: false,
            is_incomplete: false,
            is_closing: false,
            taken: 0,
            in_rows: 0,
            waiting: VecDeque::new(),
            placed: VecDeque::new(),
        }
    }

    /// Something happened here.
    pub(crate) fn take(&mut self, fact: Fact, quietly: bool) {
        #[cfg(test)]
        let is_closing = self.is_closing && !sabotaged(Sabotage::DrainLeaves);
        #[cfg(not(test))]
        let is_closing = self.is_closing;
        if is_closing && matches!(fact.what, What::Vacated | What::MemberRemoved(_)) {
            return;
        }
        self.push(Entry::Fact { fact, quietly });
    }

    /// Something was let go before it came here.
    pub(crate) fn lost(&mut self, app: AppId, lane: u8, count: u64) {
        *self.lost.entry((app, lane)).or_default() += count;
    }

    /// So much was let go before it came here that nobody knows who is here.
    pub(crate) fn is_confused(&mut self) {
        self.is_incomplete = true;
    }

    /// What is here of an app is said anew, if anybody still wants to know.
    pub(crate) fn anew(&mut self, app: AppId) {
        self.push(Entry::Anew { app });
    }

    /// From now on whoever leaves was told to come back.
    pub(crate) fn close(&mut self) {
        self.is_closing = true;
        self.push(Entry::Drains);
    }

    /// Somebody waits for all that was taken so far to be heard.
    pub(crate) fn hold(&mut self, who: W) {
        if self.is_incomplete {
            self.waiting.push_back((u64::MAX, who));
        } else if self.taken > self.in_rows {
            self.waiting.push_back((self.taken, who));
        } else {
            self.placed.push_back((self.last_n, who));
        }
    }

    /// Whether anybody waits for something to be heard.
    pub(crate) fn has_held(&self) -> bool {
        !self.placed.is_empty()
    }

    /// All rows up to one are heard; those who need not wait any more.
    pub(crate) fn heard(&mut self, n: u64) -> Vec<W> {
        let mut free = Vec::new();
        while let Some((_, who)) = self.placed.pop_front_if(|(last, _)| *last <= n) {
            free.push(who);
        }
        free
    }

    /// The run of whoever has the desk. Whether the whole state is to be said now: the caller says
    /// it between [`Feeder::begin_retelling`] and [`Feeder::end_retelling`].
    pub(crate) fn wants_retelling(&self, run: u64) -> bool {
        !self.is_failing && (self.is_incomplete || self.run != Some(run))
    }

    /// The whole state follows.
    pub(crate) fn begin_retelling(&mut self, run: u64) {
        self.run = Some(run);
        self.is_incomplete = false;
        if self.is_closing {
            // Before anything is not named that was: a new desk has not heard of it.
            self.push(Entry::Drains);
        }
        self.push(Entry::RetellBegins);
    }

    /// That was the whole state.
    pub(crate) fn end_retelling(&mut self) {
        if self.is_incomplete {
            return;
        }
        self.push(Entry::RetellEnds);
        for (last, _) in &mut self.waiting {
            *last = self.taken.min(*last);
        }
    }

    /// The row to be kept now, with its number: the same one until it is.
    pub(crate) fn row(&mut self, now_ms: u64) -> Option<(u64, &[u8])> {
        if self.row.is_none() {
            for ((app, lane), count) in self.lost.drain() {
                self.entries.push_back((Entry::Lost { app, lane, count }, 0));
                self.taken += 1;
            }
            let entries = self.cut();
            if entries.is_empty() {
                return None;
            }
            self.last_n += 1;
            self.row = Some((self.last_n, encode(&Row { said_ms: now_ms, entries })));
            self.place();
        }
        self.row.as_ref().map(|(n, body)| (*n, body.as_slice()))
    }

    /// The row is kept.
    pub(crate) fn kept(&mut self) {
        self.row = None;
        self.is_failing = false;
    }

    /// The store is away.
    pub(crate) fn failed(&mut self) {
        self.is_failing = true;
        self.check_room();
    }

    /// The store has answered.
    pub(crate) fn answered(&mut self) {
        self.is_failing = false;
    }

    /// The node has lost its lease and is another one from now on: its feed begins anew. Who is here
    /// is said anew too; of what waits only the rest goes with the new feed. Whether the row on its
    /// way has arrived nobody knows: what it said is counted as lost.
    pub(crate) fn begin_anew(&mut self) {
        let row = self.row.take().and_then(|(_, body)| decode(&body).ok());
        row.into_iter().flat_map(|row| row.entries).for_each(|entry| self.let_go(entry));
        (self.last_n, self.run) = (0, None);
        for (_, who) in self.placed.drain(..).rev() {
            self.waiting.push_front((u64::MAX, who));
        }
        for (last, _) in &mut self.waiting {
            *last = u64::MAX;
        }
        self.entries.retain(|(entry, _)| match entry {
            Entry::Fact { fact, .. } => weight(fact).1 || fact.what == What::CacheFilled,
            Entry::Lost { .. } => true,
            Entry::RetellBegins | Entry::RetellEnds | Entry::Drains | Entry::Anew { .. } => false,
        });
        self.bytes = self.entries.iter().map(|(_, bytes)| bytes).sum();
        self.taken = self.in_rows + self.entries.len() as u64;
    }

    /// Whether something waits to be kept.
    pub(crate) fn has_more(&self) -> bool {
        self.row.is_some() || !self.entries.is_empty() || !self.lost.is_empty()
    }

    fn push(&mut self, entry: Entry) {
        if self.is_incomplete {
            self.let_go(entry);
            return;
        }
        let bytes = bytes(&entry);
        self.bytes += bytes;
        self.taken += 1;
        self.entries.push_back((entry, bytes));
        self.check_room();
    }

    /// Above the bound, nothing of what waits is kept but how much is lost. While the store takes
    /// what it is given, it will soon have all of it.
    fn check_room(&mut self) {
        if !self.is_failing || self.bytes <= self.rules.waiting_bytes_max {
            return;
        }
        #[cfg(test)]
        let is_silent = sabotaged(Sabotage::SilentOverflow);
        #[cfg(not(test))]
        let is_silent = false;
        self.is_incomplete = !is_silent;
        for (entry, _) in std::mem::take(&mut self.entries) {
            self.let_go(entry);
        }
        (self.bytes, self.taken) = (0, self.in_rows);
        for (last, _) in &mut self.waiting {
            *last = u64::MAX;
        }
    }

    /// Only what happened and is over is lost; who is here will be said anew.
    fn let_go(&mut self, entry: Entry) {
        match entry {
            Entry::Fact { fact, .. } if weight(&fact).1 => {
                self.lost(fact.app, lane_of(fact.channel.as_str()), 1);
            }
            Entry::Lost { app, lane, count } => self.lost(app, lane, count),
            Entry::Fact { .. } | Entry::Anew { .. } => {}
            Entry::RetellBegins | Entry::RetellEnds | Entry::Drains => {}
        }
    }

    /// What goes into the next row.
    fn cut(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut size = 0;
        while size < self.rules.row_bytes_max {
            let Some((entry, bytes)) = self.entries.pop_front() else { break };
            self.bytes -= bytes;
            size += bytes;
            entries.push(entry);
        }
        self.in_rows += entries.len() as u64;
        entries
    }

    /// Says to those who wait for what is in the row which one it is.
    fn place(&mut self) {
        let in_rows = self.in_rows;
        while let Some((_, who)) = self.waiting.pop_front_if(|(last, _)| *last <= in_rows) {
            self.placed.push_back((self.last_n, who));
        }
    }
}

/// What an entry weighs, roughly: in memory, and so more than in its row.
fn bytes(entry: &Entry) -> usize {
    match entry {
        Entry::Fact { fact, .. } => weight(fact).0,
        _ => 32,
    }
}

#[cfg(test)]
#[path = "feeder_tests.rs"]
mod tests;
