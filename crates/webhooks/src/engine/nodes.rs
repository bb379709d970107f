//! The nodes of a cluster and what they say: who sits where, how far each feed is heard, and who has
//! ended.

use std::collections::{BTreeMap, BTreeSet};

use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_protocol::AppId;

use super::{Desk, Engine};
use crate::feed::{self, Entry, Row};
use crate::node::{NodeId, NodeState};
use crate::outbox::{FeedRow, Step};
use crate::seat::{SEATS, Seat};
use crate::settle::{Announce, Settle};
use crate::turn::Notice;

/// The nodes that this desk hears; none where there is no cluster.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    known: BTreeMap<NodeId, Node>,
    /// Live nodes that have yet to say who is there, while nobody leaves for certain.
    expected: BTreeSet<NodeId>,
    /// Whether the desk waits for those, and how much longer than the grace returns take then.
    hearing: Option<u64>,
    /// Whether a node was lost of which the former desk may have been the only one to know.
    has_lost: bool,
    /// Nodes for which there is no seat yet: their rows stay where they are.
    waiting: BTreeSet<NodeId>,
}

/// A node.
#[derive(Debug)]
struct Node {
    /// Where it sits, until all who were there have left.
    seat: Option<Seat>,
    /// The last row that was heard.
    n: u64,
    /// Whether it says its state anew.
    is_retelling: bool,
    /// Whether it has said all of it to this desk.
    has_told: bool,
    /// Whether it has sent its clients elsewhere.
    is_draining: bool,
    /// Whether it will say no more.
    has_ended: bool,
    /// The transaction with which all that it said is heard.
    promised: u64,
}

/// What a look at the store has brought.
#[derive(Debug, Default)]
pub struct Overheard {
    /// When it was asked for, by the clock of the desk.
    pub asked_ms: u64,
    /// How the nodes were before their feeds were read.
    pub roll: Vec<(NodeId, NodeState)>,
    /// What they said.
    pub rows: Vec<FeedRow>,
    /// Whether there may be more.
    pub has_more: bool,
}

impl Engine {
    /// After [`Engine::begin`], where there is a cluster. `roll`: the nodes as they are now; `me`: the
    /// one on which this desk is. What a former desk has told is not taken back before every live
    /// node has said who is there.
    pub fn begin_hearing(&mut self, now_ms: u64, me: NodeId, roll: &[(NodeId, NodeState)]) {
        self.desk.turn.now_ms = now_ms;
        let all = |state| roll.iter().filter(move |(_, other)| *other == state).count();
        let is_alone = !roll.iter().any(|(node, state)| *node != me && *state == NodeState::Up);
        let has_drained = all(NodeState::Draining) + all(NodeState::Left) > 0;
        let reconnects = is_alone || has_drained;
        let live = roll.iter().filter(|(_, state)| state.is_live());
        self.nodes = Nodes {
            expected: live.map(|(node, _)| *node).collect(),
            hearing: Some(if reconnects { self.settle.rules().reconnect_ms } else { 0 }),
            has_lost: all(NodeState::Gone) > 0,
            ..Nodes::default()
        };
        self.settle.begin_hearing();
    }

    /// Nodes have said something, or are not as they were.
    pub fn hear(&mut self, now_ms: u64, overheard: Overheard) {
        let Self { nodes, settle, desk, .. } = self;
        desk.turn.now_ms = now_ms;
        let Overheard { asked_ms, roll, rows, has_more } = overheard;
        let mut heard = BTreeMap::new();
        for row in rows {
            if nodes.hear(now_ms, &row, settle, desk) {
                heard.insert(row.node, row.n);
            }
        }
        #[cfg(test)]
        let is_late = crate::sabotage::sabotaged(crate::sabotage::Sabotage::NeverHeard);
        #[cfg(not(test))]
        let is_late = false;
        let steps = heard.iter().map(|(node, n)| Step::Heard { node: *node, n: *n });
        desk.turn.steps.extend(steps.filter(|_| !is_late));
        let promised = self.promised();
        let kept = self.last_kept();
        let Self { nodes, settle, desk, .. } = self;
        let has_said = |node: &NodeId| has_more || heard.contains_key(node);
        nodes.call(now_ms, &roll, has_said, settle);
        nodes.note(promised, kept, &heard, settle);
        if !has_more {
            settle.has_heard(asked_ms);
            nodes.end_hearing(now_ms, settle, desk);
        }
    }

    /// How far each feed was read: what to ask for next is what comes after.
    #[must_use]
    pub fn places(&self) -> Vec<(NodeId, u64)> {
        let known = self.nodes.known.iter().map(|(id, node)| (*id, node.n));
        known.chain(self.nodes.waiting.iter().map(|id| (*id, u64::MAX))).collect()
    }

    /// Whether there is room for more from the feeds: what is not read yet is safe where it is.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.in_job.is_none() && self.desk.has_room()
    }
}

impl Nodes {
    /// Hears a row; whether that is done with.
    fn hear(&mut self, now_ms: u64, row: &FeedRow, settle: &mut Settle, desk: &mut Desk) -> bool {
        let Some(node) = self.node(row.node) else { return false };
        if row.n <= node.n {
            return false;
        }
        node.n = row.n;
        let said = match feed::decode(&row.body) {
            Ok(said) => said,
            Err(why) => {
                node.has_told = true;
                let (node, n, why) = (row.node, row.n, why.to_string());
                desk.turn.notice(Notice::Unreadable { node, n, why });
                // What it says of itself may have been in there: nobody waits for it.
                self.expected.remove(&node);
                return true;
            }
        };
        let Row { said_ms, entries } = said;
        for entry in entries {
            // Its clock need not be ours: what counts is how long ago something was.
            let here_ms = |at_ms: u64| now_ms.saturating_sub(said_ms.saturating_sub(at_ms));
            let entry = match entry {
                Entry::Fact { fact, quietly } => {
                    let at_ms = here_ms(fact.at_ms);
                    Entry::Fact { fact: Fact { at_ms, ..fact }, quietly }
                }
                other => other,
            };
            self.entry(now_ms, row.node, entry, settle, desk);
        }
        true
    }

    fn entry(
        &mut self,
        now_ms: u64,
        id: NodeId,
        entry: Entry,
        settle: &mut Settle,
        desk: &mut Desk,
    ) {
        let Some(node) = self.known.get_mut(&id) else { return };
        let Some(seat) = &mut node.seat else { return };
        match entry {
            Entry::Fact { fact, quietly } if desk.wants(&fact.app) || is_transition(&fact.what) => {
                settle.take(now_ms, *seat, fact, quietly, desk);
            }
            Entry::Lost { app, lane, count } if desk.wants(&app) => {
                desk.lose_places(&app, lane, count);
            }
            Entry::Fact { .. } | Entry::Lost { .. } => {}
            Entry::Anew { app } => settle.anew(now_ms, *seat, &app),
            Entry::RetellBegins => {
                if std::mem::replace(&mut node.is_retelling, true) {
                    // It had begun before, and begins again.
                    settle.turn_back(*seat);
                } else {
                    *seat = seat.turned();
                }
            }
            Entry::RetellEnds => {
                // Without its beginning, which a former desk has heard, it is not the whole state.
                if std::mem::replace(&mut node.is_retelling, false) {
                    self.expected.remove(&id);
                    node.has_told = true;
                    if !node.is_draining {
                        settle.retold(now_ms, *seat, desk);
                    }
                }
            }
            // Whoever it had then stays until it ends, and has the time to return.
            Entry::Drains => node.is_draining = true,
        }
    }

    /// The node with a name, known or new; nothing, if there is no seat for it yet.
    fn node(&mut self, id: NodeId) -> Option<&mut Node> {
        if !self.known.contains_key(&id) {
            let seats = self.known.values().filter_map(|node| node.seat);
            let taken = seats.fold(0_u64, |taken, seat| taken | seat.both());
            let mut seats = (0..SEATS).map(Seat::new);
            let Some(seat) = seats.find(|seat| taken & seat.both() == 0) else {
                self.waiting.insert(id);
                return None;
            };
            let node = Node {
                seat: Some(seat),
                n: 0,
                is_retelling: false,
                has_told: false,
                is_draining: false,
                has_ended: false,
                promised: 0,
            };
            self.known.insert(id, node);
        }
        self.known.get_mut(&id)
    }

    /// Lets those go who have ended and of whom nothing is left to be heard.
    fn call(
        &mut self,
        now_ms: u64,
        roll: &[(NodeId, NodeState)],
        has_said: impl Fn(&NodeId) -> bool,
        settle: &mut Settle,
    ) {
        let state = |id: &NodeId| {
            let row = roll.iter().find(|(node, _)| node == id);
            row.map_or(NodeState::Gone, |(_, state)| *state)
        };
        for (id, node) in self.known.iter_mut().filter(|(_, node)| !node.has_ended) {
            let state = state(id);
            node.is_draining |= matches!(state, NodeState::Draining | NodeState::Left);
            let Some(seat) = node.seat.filter(|_| !state.is_live() && !has_said(id)) else {
                continue;
            };
            node.has_ended = true;
            // Who was sent elsewhere has the time to get there.
            let longer_ms = if node.is_draining { settle.rules().reconnect_ms } else { 0 };
            settle.departs(now_ms + longer_ms, seat);
            self.has_lost |= !node.is_draining;
        }
        if self.hearing.is_some() {
            // Who joins meanwhile may be one of those with another name.
            let live = roll.iter().filter(|(_, state)| state.is_live()).map(|(id, _)| *id);
            let has_told = |id: &NodeId| self.known.get(id).is_some_and(|node| node.has_told);
            let silent = live.filter(|id| !has_told(id) && !self.waiting.contains(id));
            self.expected.extend(silent);
        }
        self.expected.retain(|id| state(id).is_live() || has_said(id));
        let drains = |state| matches!(state, NodeState::Draining | NodeState::Left);
        if self.hearing.is_some() && roll.iter().any(|(_, state)| drains(*state)) {
            // Some who were told before are on their way elsewhere.
            self.hearing = Some(settle.rules().reconnect_ms);
        }
    }

    /// Notes what is kept, and forgets who has ended and of whom nothing is left at all.
    fn note(&mut self, promised: u64, kept: u64, heard: &BTreeMap<NodeId, u64>, settle: &Settle) {
        for id in heard.keys() {
            if let Some(node) = self.known.get_mut(id) {
                node.promised = promised;
            }
        }
        for node in self.known.values_mut().filter(|node| node.has_ended) {
            node.seat = node.seat.filter(|seat| settle.is_departing(*seat));
        }
        let count = self.known.len();
        self.known.retain(|_, node| !node.has_ended || node.seat.is_some() || node.promised > kept);
        if self.known.len() < count {
            self.waiting.clear();
        }
    }

    /// Once everybody has said who is there, the others have their time to return.
    fn end_hearing(&mut self, now_ms: u64, settle: &mut Settle, desk: &mut Desk) {
        #[cfg(test)]
        if crate::sabotage::sabotaged(crate::sabotage::Sabotage::NoHearing) {
            self.expected.clear();
        }
        if !self.expected.is_empty() {
            return;
        }
        if let Some(longer_ms) = self.hearing.take() {
            settle.all_heard(now_ms, longer_ms, self.has_lost, desk);
        }
    }
}

impl Desk {
    fn wants(&self, app: &AppId) -> bool {
        self.logs.get(app).is_some_and(|log| !log.endpoints.is_empty())
    }
}

/// Whether what is here can only be known with it.
fn is_transition(what: &What) -> bool {
    match what {
        What::Occupied
        | What::Vacated
        | What::MemberAdded(_)
        | What::MemberRemoved(_)
        | What::CacheFilled => true,
        What::ClientEvent { .. } | What::CacheMiss | What::SubscriptionCount(_) => false,
    }
}

#[cfg(test)]
#[path = "nodes_tests.rs"]
mod tests;
