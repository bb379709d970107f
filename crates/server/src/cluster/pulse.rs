//! The thread that beats: it keeps the lease, and reads who else is there. If the lease is lost, or
//! the database has lost what the node had said, it comes back as another one.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bellwire_store::{NodeRow, PostgresRoll, StoreError};
use bellwire_webhooks::node::NodeState;
use bellwire_webhooks::service::How;

use super::{LOOK, Shared, join, state};

/// Starts it.
pub(super) fn start(shared: &Arc<Shared>, roll: PostgresRoll) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let pulse = Pulse { shared, roll, next: Instant::now(), told: NodeState::Up, seen: 0 };
    std::thread::Builder::new().name("pulse".into()).spawn(move || pulse.run())
}

struct Pulse {
    shared: Arc<Shared>,
    roll: PostgresRoll,
    /// When to beat again.
    next: Instant,
    /// What was said of this node last.
    told: NodeState,
    seen: u64,
}

impl Pulse {
    fn run(mut self) {
        loop {
            let done = self.turn();
            self.note(done.err().as_ref());
            let longest = LOOK.min(self.every());
            self.shared.wait(&mut self.seen, longest);
            if self.shared.now().is_leaving {
                break;
            }
        }
        if let Err(error) = self.roll.leave(self.shared.lease.node()) {
            tracing::warn!(%error, "the others notice only when the lease is over that this node is gone");
        }
        self.shared.lease.end();
    }

    /// Beats several times a lease: one that is lost is no harm.
    fn every(&self) -> Duration {
        self.shared.wanted.node_lease / 5
    }

    fn turn(&mut self) -> Result<(), StoreError> {
        if self.shared.service.is_feed_forgotten() {
            let former = self.shared.lease.node();
            self.come_back("the database has gone back behind what this node had said")?;
            // So that nobody waits for its lease; and as it has left, who was there has the time to
            // return in which the new one tells that they are here. Without it the lease ends.
            let _ = self.roll.leave(former);
        }
        let state = state(&self.shared.now());
        if self.next <= Instant::now() || state != self.told {
            self.beat(state)?;
            self.told = state;
            self.next = Instant::now() + self.every();
        }
        let nodes = self.roll.nodes()?;
        self.look(nodes);
        Ok(())
    }

    fn beat(&mut self, state: NodeState) -> Result<(), StoreError> {
        let Shared { lease, wanted, .. } = &*self.shared;
        let asked = Instant::now();
        if self.roll.beat(lease.node(), state, wanted.node_lease)? {
            lease.extend(asked, wanted.node_lease);
            return Ok(());
        }
        self.come_back("the lease of this node was over")
    }

    /// This node cannot go on as what it was. It comes back as another one, and tells anew who is
    /// here.
    fn come_back(&mut self, why: &str) -> Result<(), StoreError> {
        let Shared { lease, wanted, address, service, link, database, .. } = &*self.shared;
        lease.end();
        service.give_up_desk(How::Cut);
        let asked = Instant::now();
        let former = lease.node();
        let node = join(&mut self.roll, wanted, address)?;
        tracing::warn!(
            former = former.number(),
            node = node.number(),
            why,
            "this node has joined again as another one"
        );
        lease.renew(node, asked, wanted.node_lease);
        if let Some(link) = link {
            link.rename(node.number());
        }
        service.rejoin(Box::new(database.feed(node)));
        Ok(())
    }

    fn look(&self, nodes: Vec<NodeRow>) {
        let Shared { lease, link, .. } = &*self.shared;
        let me = lease.node();
        let live = nodes.iter().filter(|node| node.state.is_live() && node.id != me);
        if let Some(link) = link {
            link.set_neighbours(live.map(|node| node.id.number()).collect());
        }
        self.shared.nodes.store(Arc::new(nodes));
    }

    fn note(&self, error: Option<&StoreError>) {
        let is_lost = error.is_some();
        let was_lost = std::mem::replace(&mut self.shared.now().is_lost, is_lost);
        match error {
            Some(error) if !was_lost => {
                tracing::error!(%error, "the database does not answer; clients are served all the same");
            }
            None if was_lost => tracing::info!("the database answers again"),
            _ => {}
        }
    }
}
