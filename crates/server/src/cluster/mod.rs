//! This node among others: its place on the roll, its lease, the desk of webhooks when it is here, and
//! the link to the other nodes. The list of nodes and who is at the desk are PostgreSQL's; messages
//! are the bus's.

mod desk;
mod herald;
mod lease;
mod pulse;
mod standing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use bellwire_cluster::{BusConfig, Link, Subjects};
use bellwire_hub::{Apps, Hub};
use bellwire_store::{
    Durability as Kept, Hint, Listener, NodeRow, Postgres, PostgresRoll, StoreError,
};
use bellwire_webhooks::node::{NodeId, NodeState};
use bellwire_webhooks::service::Service;
use tokio::runtime::Handle;

use crate::config::{Address, Cluster as Wanted, Config};
use crate::ops::webhooks::Workshop;
use herald::Herald;
use lease::Lease;
pub(crate) use standing::{Nodes, Standing, Trouble};

/// A node that has its number and does not serve yet.
pub(crate) struct Newcomer {
    wanted: Wanted,
    database: Arc<Postgres>,
    roll: PostgresRoll,
    lease: Arc<Lease>,
    /// To the other nodes; none without a bus.
    link: Option<Arc<Link>>,
}

/// A node of a cluster while it runs.
pub(crate) struct Cluster {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Ends when it is dropped.
    _hints: Listener,
}

/// What the threads share.
struct Shared {
    wanted: Wanted,
    address: String,
    database: Arc<Postgres>,
    lease: Arc<Lease>,
    link: Option<Arc<Link>>,
    service: Arc<Service>,
    workshop: Workshop,
    durability: Kept,
    /// The roll, as it was last read.
    nodes: ArcSwap<Vec<NodeRow>>,
    /// Who is at the desk, as it was last read; 0 is nobody.
    desk: AtomicU64,
    now: Mutex<Now>,
    /// Rung when `now` changes.
    bell: Condvar,
}

/// What changes while a node runs.
#[derive(Debug, Default)]
struct Now {
    /// The run of the desk, if it is here.
    desk: Option<u64>,
    /// Whether the database has not answered lately.
    is_lost: bool,
    is_draining: bool,
    is_leaving: bool,
    /// How often there was a reason to look.
    hints: u64,
}

/// Nodes of a cluster.
const NODES_MAX: usize = 32;
/// How often the roll is read at least.
const LOOK: Duration = Duration::from_secs(1);

impl Newcomer {
    /// Takes a number on the roll. Without a bus there may be no other node.
    pub(crate) fn join(
        config: &Config,
        database: &Arc<Postgres>,
        apps: &Arc<Apps>,
    ) -> anyhow::Result<Self> {
        let (wanted, mut roll) = (config.cluster.clone(), database.roll());
        if wanted.bus.is_none() {
            be_alone(&mut roll)?;
        }
        let nodes = roll.nodes()?;
        if nodes.iter().filter(|node| node.state.is_live()).count() >= NODES_MAX {
            bail!("there are {NODES_MAX} nodes already, as many as a cluster may have");
        }
        let asked = Instant::now();
        let node = join(&mut roll, &wanted, &address(config))?;
        let lease = Arc::new(Lease::new(node, asked, wanted.node_lease));
        let subjects = Subjects::of(&wanted.bus_prefix)?;
        let link =
            wanted.bus.is_some().then(|| Link::new(node.number(), subjects, Arc::clone(apps)));
        Ok(Self { wanted, database: Arc::clone(database), roll, lease, link })
    }

    /// Its number, with which its socket ids begin.
    pub(crate) fn node(&self) -> NodeId {
        self.lease.node()
    }

    /// What the hub has to tell others through, if there may be any.
    pub(crate) fn link(&self) -> Option<&Arc<Link>> {
        self.link.as_ref()
    }

    /// Starts what a node of a cluster has: the feed and the link, and the desk when it is free.
    pub(crate) fn start(
        self,
        config: &Config,
        hub: &Arc<Hub>,
        workshop: Workshop,
        runtime: &Handle,
    ) -> anyhow::Result<(Arc<Service>, Cluster)> {
        let Self { wanted, database, roll, lease, link } = self;
        let mut threads = Vec::new();
        if let Some((link, bus)) = link.as_ref().zip(wanted.bus.as_ref()) {
            let bus = BusConfig {
                prefix: wanted.bus_prefix.clone(),
                authorities: wanted.bus_authorities.clone(),
                ..BusConfig::of(bus.reveal())
            };
            let bus = bellwire_cluster::connect(&bus, Herald::of(link), runtime.clone())
                .context("[cluster] bus")?;
            threads.push(link.start(Arc::clone(hub), bus)?);
        }
        let service = workshop.join(hub, Box::new(database.feed(lease.node())))?;
        let shared = Arc::new(Shared {
            address: address(config),
            database: Arc::clone(&database),
            lease,
            link,
            service: Arc::clone(&service),
            workshop,
            durability: config.webhooks.durability.into(),
            nodes: ArcSwap::default(),
            desk: AtomicU64::new(0),
            now: Mutex::default(),
            bell: Condvar::new(),
            wanted,
        });
        threads.extend([pulse::start(&shared, roll)?, desk::start(&shared, database.roll())?]);
        let hints = listen(&shared)?;
        Ok((service, Cluster { shared, threads: Mutex::new(threads), _hints: hints }))
    }
}

impl Cluster {
    /// How this node is.
    pub(crate) fn standing(&self) -> Standing {
        let Shared { lease, nodes, link, desk, .. } = &*self.shared;
        let desk = desk.load(Ordering::Relaxed);
        let now = self.shared.now();
        Standing {
            me: lease.node(),
            nodes: nodes.load_full(),
            desk: (desk != 0).then(|| NodeId::of(desk)),
            has_desk: now.desk.is_some(),
            has_lease: lease.holds(),
            // One that stalls tells of no error; the lease runs out.
            has_database: !now.is_lost && lease.holds(),
            link: link.as_ref().map(|link| link.figures()),
        }
    }

    /// Waits until the others have told who is there, so that the first clients find everybody; not
    /// for long, as one of them may be frozen.
    pub(crate) fn settle_in(&self) {
        const PATIENCE: Duration = Duration::from_secs(3);
        let begun = Instant::now();
        let is_whole = || match &self.shared.link {
            Some(link) => {
                let nodes = self.shared.nodes.load();
                let figures = link.figures();
                let is_there = |row: &&NodeRow| row.state.is_live();
                // This node is one of them.
                figures.is_whole
                    && figures.neighbours + 1 == nodes.iter().filter(is_there).count() as u64
            }
            None => true,
        };
        while !is_whole() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Clients are told to go elsewhere: the desk is handed over first.
    pub(crate) fn drain(&self) {
        self.shared.change(|now| {
            now.is_draining = true;
            now.hints += 1;
        });
        self.shared.service.close();
        let released = |now: &mut Now| now.desk.is_some();
        let patience = self.shared.wanted.node_lease;
        let now = self.shared.now();
        drop(self.shared.bell.wait_timeout_while(now, patience, released));
    }

    /// The node ends in order. The feed has to be stopped before.
    pub(crate) fn leave(&self) {
        self.shared.change(|now| now.is_leaving = true);
        if let Some(link) = &self.shared.link {
            link.stop();
        }
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the cluster panicked");
            }
        }
    }
}

impl Shared {
    fn now(&self) -> MutexGuard<'_, Now> {
        lock(&self.now)
    }

    fn change(&self, change: impl FnOnce(&mut Now)) {
        change(&mut self.now());
        self.bell.notify_all();
    }

    /// Waits for a reason to look, or for so long. `seen`: the reasons that are known.
    fn wait(&self, seen: &mut u64, longest: Duration) {
        let is_idle = |now: &mut Now| now.hints == *seen && !now.is_leaving;
        let now = self.now();
        let now = self.bell.wait_timeout_while(now, longest, is_idle);
        *seen = now.unwrap_or_else(PoisonError::into_inner).0.hints;
    }

    /// Who is at the desk, as the database says.
    fn see_desk(&self, owner: Option<NodeId>) {
        self.desk.store(owner.map_or(0, NodeId::number), Ordering::Relaxed);
    }

    fn hint(&self) {
        self.change(|now| now.hints += 1);
    }
}

/// Hears what other nodes hint at.
fn listen(shared: &Arc<Shared>) -> anyhow::Result<Listener> {
    let hearer = Arc::clone(shared);
    let hear = move |hint| match hint {
        Hint::Desk => hearer.service.hint(),
        Hint::Change => hearer.service.changed(),
        Hint::Nodes => hearer.hint(),
    };
    let hints = [Hint::Desk, Hint::Change, Hint::Nodes];
    shared.database.listen(&hints, hear).context("hints cannot be heard")
}

/// Waits until no node is there any more: one that was killed a moment ago, this one itself perhaps,
/// counts as there until its lease is over. One that lives lets its lease go on.
fn be_alone(roll: &mut PostgresRoll) -> anyhow::Result<()> {
    const LOOK: Duration = Duration::from_millis(100);
    let mut seen: Option<NodeRow> = None;
    loop {
        let Some(other) = roll.nodes()?.into_iter().find(|node| node.state.is_live()) else {
            return Ok(());
        };
        let (name, address) = (&other.name, &other.address);
        match &seen {
            Some(seen) if seen.id == other.id && seen.lease_left_ms < other.lease_left_ms => {
                bail!(
                    "the node {name} ({address}) uses this database; several nodes need [cluster] \
                     bus, the same for all of them"
                );
            }
            Some(seen) if seen.id == other.id => {}
            _ => tracing::info!(name, address, "waiting whether this node still lives"),
        }
        seen = Some(other);
        std::thread::sleep(LOOK);
    }
}

fn join(roll: &mut PostgresRoll, wanted: &Wanted, address: &str) -> Result<NodeId, StoreError> {
    let version = env!("CARGO_PKG_VERSION");
    roll.join(&wanted.node_name, address, version, wanted.node_lease)
}

/// Where a node listens, for people.
fn address(config: &Config) -> String {
    match config.listen.first() {
        Some(Address::Tcp(address)) => address.to_string(),
        Some(Address::Unix(path)) => format!("unix:{}", path.display()),
        None => String::new(),
    }
}

/// The states of a node that others count on.
fn is_live(nodes: &[NodeRow], node: NodeId) -> bool {
    nodes.iter().any(|row| row.id == node && row.state.is_live())
}

/// State is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What this node says of itself when it beats.
fn state(now: &Now) -> NodeState {
    if now.is_draining { NodeState::Draining } else { NodeState::Up }
}
