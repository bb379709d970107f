//! The one store of all nodes: the disk of the desk, the feeds, the roll, and who has the desk. It
//! has a clock of its own, which is the only one that counts for leases.

use std::collections::BTreeMap;

use bellwire_hub::fact::What;

use crate::feed::{Entry, Row, decode};
use crate::node::{NodeId, NodeState};
use crate::outbox::{FeedRow, Outbox, Step, Transaction};
use crate::simulation::disk::{Disk, Named};
use crate::simulation::laws::{Law, Lawful};

/// The store.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) disk: Disk,
    feeds: BTreeMap<NodeId, Shelf>,
    roll: BTreeMap<NodeId, Line>,
    /// The number of the last desk.
    pub(super) run: u64,
    /// Who has it.
    holder: Option<NodeId>,
    /// Rows so far.
    rows: u64,
    /// The number of the last transaction.
    last: u64,
}

/// What a transaction has done.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Whether it was not there before.
    pub(super) is_new: bool,
    /// What was heard by it.
    pub(super) heard: BTreeMap<NodeId, Vec<Row>>,
}

/// A row of a feed.
#[derive(Debug)]
struct Said {
    /// Its place among those of all nodes.
    order: u64,
    came_ms: u64,
    body: Vec<u8>,
}

/// One feed.
#[derive(Debug, Default)]
struct Shelf {
    rows: BTreeMap<u64, Said>,
    last: u64,
    heard: u64,
}

/// A line of the roll.
#[derive(Debug)]
struct Line {
    ends_ms: u64,
    is_draining: bool,
    has_left: bool,
}

/// How long a lease is.
pub(super) const LEASE_MS: u64 = 15_000;
/// How long who is gone stays on the roll.
const REAP_MS: u64 = 60_000;

impl Records {
    pub(super) fn new(disk: Disk) -> Self {
        let (feeds, roll) = (BTreeMap::new(), BTreeMap::new());
        Self { disk, feeds, roll, run: 0, holder: None, rows: 0, last: 0 }
    }

    pub(super) fn join(&mut self, now_ms: u64, node: NodeId) {
        let line = Line { ends_ms: now_ms + LEASE_MS, is_draining: false, has_left: false };
        self.roll.insert(node, line);
        self.roll.retain(|_, line| line.ends_ms + REAP_MS > now_ms);
    }

    /// Whether a node may write.
    pub(super) fn is_live(&self, now_ms: u64, node: NodeId) -> bool {
        self.roll.get(&node).is_some_and(|line| line.ends_ms > now_ms && !line.has_left)
    }

    /// A node lives on; whether it may.
    pub(super) fn beat(&mut self, now_ms: u64, node: NodeId) -> bool {
        let is_live = self.is_live(now_ms, node);
        if let Some(line) = self.roll.get_mut(&node).filter(|_| is_live) {
            line.ends_ms = now_ms + LEASE_MS;
        }
        is_live
    }

    pub(super) fn drain(&mut self, node: NodeId) {
        if let Some(line) = self.roll.get_mut(&node) {
            line.is_draining = true;
        }
    }

    pub(super) fn leave(&mut self, node: NodeId) {
        self.release(node);
        if let Some(line) = self.roll.get_mut(&node) {
            line.has_left = true;
        }
    }

    /// A node takes the desk, if it is free: the number of the new one.
    pub(super) fn take(&mut self, now_ms: u64, node: NodeId) -> Option<u64> {
        let is_taken = self.holder.is_some_and(|holder| self.is_live(now_ms, holder));
        if is_taken || !self.is_live(now_ms, node) {
            return None;
        }
        (self.holder, self.run) = (Some(node), self.run + 1);
        Some(self.run)
    }

    pub(super) fn release(&mut self, node: NodeId) {
        self.holder = self.holder.filter(|holder| *holder != node);
    }

    pub(super) fn roll(&self, now_ms: u64) -> Vec<(NodeId, NodeState)> {
        let state = |line: &Line| match line {
            Line { has_left: true, .. } => NodeState::Left,
            Line { ends_ms, .. } if *ends_ms <= now_ms => NodeState::Gone,
            Line { is_draining: true, .. } => NodeState::Draining,
            Line { .. } => NodeState::Up,
        };
        self.roll.iter().map(|(node, line)| (*node, state(line))).collect()
    }

    /// A row arrives; whether it may.
    pub(super) fn append(&mut self, now_ms: u64, node: NodeId, n: u64, body: &[u8]) -> bool {
        if !self.is_live(now_ms, node) {
            return false;
        }
        let shelf = self.feeds.entry(node).or_default();
        if n == shelf.last + 1 {
            self.rows += 1;
            shelf.last = n;
            let said = Said { order: self.rows, came_ms: now_ms, body: body.to_vec() };
            shelf.rows.insert(n, said);
        }
        true
    }

    pub(super) fn heard(&self, node: NodeId) -> u64 {
        self.feeds.get(&node).map_or(0, |shelf| shelf.heard)
    }

    /// What waits to be heard.
    pub(super) fn feeds(&self, after: &[(NodeId, u64)], limit: usize) -> Vec<FeedRow> {
        let after =
            |node: &NodeId| after.iter().find(|(other, _)| other == node).map_or(0, |a| a.1);
        let mut rows = Vec::new();
        for (node, shelf) in &self.feeds {
            for (n, said) in shelf.rows.iter().filter(|(n, _)| **n > after(node)) {
                let row = FeedRow { node: *node, n: *n, body: said.body.clone() };
                rows.push((said.order, row));
            }
        }
        rows.sort_by_key(|(order, _)| *order);
        rows.into_iter().take(limit).map(|(_, row)| row).collect()
    }

    /// Whether rows of a node that came before a time say last of somebody that it is there.
    pub(super) fn says_here(&self, node: NodeId, before_ms: u64, thing: &Named) -> bool {
        let rows = self.feeds.get(&node).into_iter().flat_map(|shelf| shelf.rows.values());
        let rows = rows.filter(|said| said.came_ms < before_ms);
        let entries = rows.flat_map(|said| decode(&said.body).unwrap().entries);
        let words = entries.filter_map(|entry| says(&entry, thing));
        words.last().unwrap_or(false)
    }

    pub(super) fn has_rows(&self) -> bool {
        self.feeds.values().any(|shelf| !shelf.rows.is_empty())
    }

    /// A desk keeps something; nothing if it is not the desk any more.
    pub(super) fn commit(&mut self, run: u64, transaction: &Transaction) -> Lawful<Option<Kept>> {
        if run != self.run {
            return Ok(None);
        }
        if transaction.steps.is_empty() {
            return Ok(Some(Kept::default()));
        }
        let is_new = self.last != transaction.number;
        self.last = transaction.number;
        let result = self.disk.commit(transaction);
        self.disk.broken.take().map_or(Ok(()), Err)?;
        Law::Committed.holds(result.is_ok(), || format!("{result:?}"))?;
        let mut heard: BTreeMap<NodeId, Vec<Row>> = BTreeMap::new();
        for step in &transaction.steps {
            let Step::Heard { node, n } = step else { continue };
            let shelf = self.feeds.entry(*node).or_default();
            shelf.heard = (*n).max(shelf.heard);
            let rest = shelf.rows.split_off(&(n + 1));
            let rows = std::mem::replace(&mut shelf.rows, rest).into_values();
            let rows = rows.map(|said| decode(&said.body).unwrap());
            heard.entry(*node).or_default().extend(rows);
        }
        Ok(Some(Kept { is_new, heard }))
    }

    /// A fault: rows are taken away when they are read.
    pub(super) fn forget(&mut self, rows: &[FeedRow]) {
        for row in rows {
            self.feeds.entry(row.node).or_default().rows.remove(&row.n);
        }
    }
}

/// What an entry says of somebody, if anything: whether it is there.
fn says(entry: &Entry, thing: &Named) -> Option<bool> {
    let (app, channel, user) = thing;
    let fact = match entry {
        Entry::Fact { fact, .. } => fact,
        Entry::Anew { app: other } => return (other == app).then_some(false),
        _ => return None,
    };
    let word = match (&fact.what, user) {
        (What::Occupied, None) => Some(true),
        (What::Vacated, None) => Some(false),
        (What::MemberAdded(other), Some(user)) => (other == user).then_some(true),
        (What::MemberRemoved(other), Some(user)) => (other == user).then_some(false),
        _ => None,
    };
    word.filter(|_| fact.app == *app && fact.channel.as_str() == channel)
}
