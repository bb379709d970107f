//! A node of the simulation: its clients, its feed, its clock, and the desk while it is here.

use std::collections::{BTreeSet, HashMap};

use bellwire_protocol::{AppId, ChannelName};

use crate::engine::Engine;
use crate::feed::feeder::Feeder;
use crate::node::NodeId;
use crate::outbox::{Read, Transaction};
use crate::simulation::world::World;
use crate::turn::Asker;

/// A node.
#[derive(Debug)]
pub(super) struct Node {
    /// Its name in this life.
    pub(super) id: NodeId,
    /// Counts its processes: what was under way for a former one is nothing to this one.
    pub(super) process: u64,
    pub(super) world: World,
    /// Who waits has waited since its channel was occupied for the so many-th time.
    pub(super) feeder: Feeder<(AppId, ChannelName, u64)>,
    /// How often each channel was occupied here.
    pub(super) lives: HashMap<(AppId, ChannelName), u64>,
    /// Apps of which it tells.
    pub(super) wanted: BTreeSet<AppId>,
    /// What its clock is ahead of true time, in milliseconds.
    pub(super) ahead_ms: u64,
    /// Until when it may send, by true time.
    pub(super) lease_ms: u64,
    /// The desk of which it has heard.
    pub(super) known_run: Option<u64>,
    pub(super) is_appending: bool,
    pub(super) state: State,
    /// Until when nothing of it runs.
    pub(super) frozen_ms: u64,
    /// Until when it cannot reach the store.
    pub(super) cut_off_ms: u64,
    pub(super) desk: Option<Desk>,
}

/// What a node is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Up,
    Draining,
    Down,
}

/// The desk on a node.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) run: u64,
    pub(super) engine: Engine,
    pub(super) job: Option<Job>,
    pub(super) is_listening: bool,
    pub(super) next_listen_ms: u64,
    /// When it asked for the rest of what nodes had said, and got it.
    pub(super) heard_ms: u64,
    /// When it ordered the last transaction, and when that was kept.
    pub(super) ordered_ms: u64,
    pub(super) kept_ms: u64,
    /// Nothing new is sent: it is handed over.
    pub(super) is_parking: bool,
    pub(super) under_way: usize,
}

/// What the store is about to keep and to answer.
#[derive(Debug)]
pub(super) struct Job {
    /// When the first of it can have been decided.
    pub(super) from_ms: u64,
    pub(super) ordered_ms: u64,
    /// When the desk had asked for all, and got it.
    pub(super) heard_ms: u64,
    pub(super) transaction: Transaction,
    pub(super) reads: Vec<(Asker, Read)>,
}

impl Node {
    /// What its clock shows.
    pub(super) fn clock(&self, now_ms: u64) -> u64 {
        now_ms + self.ahead_ms
    }

    pub(super) fn is_running(&self, now_ms: u64) -> bool {
        self.state != State::Down && self.frozen_ms <= now_ms
    }

    pub(super) fn reaches_store(&self, now_ms: u64) -> bool {
        self.cut_off_ms <= now_ms
    }
}
