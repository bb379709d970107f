//! The thread that looks after the desk: takes it when nobody who lives is there, and gives it up when
//! this node drains or may not have it any more.

use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use bellwire_store::{Desk, PostgresRoll, StoreError};
use bellwire_webhooks::node::NodeId;
use bellwire_webhooks::service::{Fence, How};

use super::{LOOK, Shared, is_live};

/// Starts it.
pub(super) fn start(shared: &Arc<Shared>, roll: PostgresRoll) -> std::io::Result<JoinHandle<()>> {
    let keeper = Keeper { shared: Arc::clone(shared), roll, held: None, seen: 0, is_silent: false };
    std::thread::Builder::new().name("desk".into()).spawn(move || keeper.run())
}

struct Keeper {
    shared: Arc<Shared>,
    roll: PostgresRoll,
    /// The desk, if it is here: as which node it was taken, and its run.
    held: Option<(NodeId, u64)>,
    seen: u64,
    /// Whether what went wrong was told.
    is_silent: bool,
}

impl Keeper {
    fn run(mut self) {
        loop {
            let done = self.turn();
            if let Err(error) = &done
                && !self.is_silent
            {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the desk of webhooks cannot be looked after"
                );
            }
            self.is_silent = done.is_err();
            if self.shared.now().is_leaving {
                return;
            }
            self.shared.wait(&mut self.seen, LOOK / 2);
        }
    }

    fn turn(&mut self) -> anyhow::Result<()> {
        let is_draining = self.shared.now().is_draining;
        match self.held {
            Some((_, run)) if is_draining => self.hand_over(run),
            Some((node, run)) => self.check(node, run),
            None if is_draining => Ok(()),
            None => self.try_to_take(),
        }
    }

    /// Others take it over as soon as it is free.
    fn hand_over(&mut self, run: u64) -> anyhow::Result<()> {
        self.shared.service.give_up_desk(How::HandOver);
        let released = self.roll.release_desk(self.shared.lease.node(), run);
        self.lay_down();
        released?;
        tracing::info!(run, "the desk of webhooks is handed over");
        Ok(())
    }

    /// Whether it is still this node's. Nothing is kept or sent if not, even before this is noticed.
    fn check(&mut self, node: NodeId, run: u64) -> anyhow::Result<()> {
        if self.shared.service.is_desk_forgotten() {
            return self.drop_it(node, run);
        }
        let lease = &self.shared.lease;
        let is_mine = node == lease.node() && lease.holds();
        if is_mine && self.look()?.run == run {
            return Ok(());
        }
        self.shared.service.give_up_desk(How::Cut);
        self.lay_down();
        tracing::warn!(run, "the desk of webhooks is lost to another node");
        Ok(())
    }

    /// What it was about is not in the database any more. Whoever takes it next begins with what is
    /// there, and asks every node who is there.
    fn drop_it(&mut self, node: NodeId, run: u64) -> anyhow::Result<()> {
        self.shared.service.give_up_desk(How::Cut);
        self.lay_down();
        tracing::error!(
            run,
            "the desk of webhooks is lost: the database has gone back behind what it had kept; some \
             webhooks may come twice, and some are forgotten"
        );
        self.roll.release_desk(node, run)?;
        Ok(())
    }

    /// Who is there.
    fn look(&mut self) -> Result<Desk, StoreError> {
        let desk = self.roll.desk()?;
        self.shared.see_desk(desk.owner);
        Ok(desk)
    }

    fn try_to_take(&mut self) -> anyhow::Result<()> {
        let owner = self.look()?.owner;
        let Shared { lease, nodes, .. } = &*self.shared;
        let (me, nodes) = (lease.node(), nodes.load());
        let is_taken = owner.is_some_and(|owner| owner != me && is_live(&nodes, owner));
        if is_taken || !lease.holds() {
            return Ok(());
        }
        let Some(run) = self.roll.take_desk(me)? else { return Ok(()) };
        self.sit_down(me, run).inspect_err(|_| {
            // Somebody else may do better.
            let _ = self.roll.release_desk(me, run);
        })
    }

    fn sit_down(&mut self, me: NodeId, run: u64) -> anyhow::Result<()> {
        let Shared { workshop, service, database, lease, durability, .. } = &*self.shared;
        let parts = workshop.desk(Box::new(database.outbox_of(run, *durability)))?;
        let fence = Arc::clone(lease) as Arc<dyn Fence>;
        service.take_desk(parts, me, fence).context("the desk of webhooks cannot start")?;
        self.held = Some((me, run));
        self.shared.change(|now| now.desk = Some(run));
        self.shared.see_desk(Some(me));
        tracing::info!(run, "the desk of webhooks is here");
        Ok(())
    }

    fn lay_down(&mut self) {
        self.held = None;
        self.shared.change(|now| now.desk = None);
    }
}
