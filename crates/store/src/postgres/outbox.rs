//! The outbox in PostgreSQL, as in [`crate::outbox`]: one connection of its own, one transaction a
//! commit.
//!
//! After an error nothing is known: the answer may have been lost and not the transaction. So the
//! connection is dropped, and when the same transaction is offered again, its number says whether it
//! had arrived. The row of `outbox` is locked from the first statement of a commit to its end, also
//! by the one whose answer was lost, so that nobody looks while it is not decided.

mod feeds;
mod fence;
mod read;
mod recover;
mod steps;
mod sweep;

use bellwire_webhooks::node::{NodeId, NodeState};
use bellwire_webhooks::outbox::{
    Announced, FeedRow, Found, Outbox, OutboxError, Read, Remains, Retention, Swept, Transaction,
};

use super::Postgres;
use super::address::Address;
use super::rows::number;
use super::session::Session;
use crate::StoreError;
use crate::outbox::Durability;
use fence::Fence;

/// The outbox of a cluster, for the node at the desk.
#[derive(Debug)]
pub struct PostgresOutbox {
    address: Address,
    durability: Durability,
    /// None after a failure: the next use opens another.
    session: Option<Session>,
    fence: Fence,
}

/// Plans are made once, and every one goes by an index: the tables grow and shrink faster than the
/// server looks at them. A desk that is stopped in the middle of a commit does not keep the next one
/// from taking over: it thinks for no moment between two statements.
const SETTINGS: &str = "SET idle_in_transaction_session_timeout = '2s'; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off;
    SET jit = off";

/// A run that is larger than all before it, also than those of which the database has lost sight
/// because a copy has taken its place: none of them is ever given again.
pub(super) const NEXT_RUN: &str = "run + 1 + floor(random() * 1048576)::bigint";

impl Postgres {
    /// Opens the outbox of a server that is alone. Whoever opened it before can write to it no more.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn outbox(&self, durability: Durability) -> Result<PostgresOutbox, StoreError> {
        let run = self.write(|session| {
            let sql = format!("UPDATE outbox SET run = {NEXT_RUN}, owner = NULL RETURNING run");
            session.one(&sql, &[], |row| number(row, 0))
        })?;
        let gone = || StoreError::Row { table: "outbox", why: "it is gone".into() };
        Ok(self.outbox_of(run.ok_or_else(gone)?, durability))
    }

    /// The outbox for the node that has taken the desk with this run. It keeps nothing more once
    /// another has.
    #[must_use]
    pub fn outbox_of(&self, run: u64, durability: Durability) -> PostgresOutbox {
        let address = self.address().clone();
        PostgresOutbox { address, durability, session: None, fence: Fence::of(run) }
    }
}

impl PostgresOutbox {
    fn connect(&self) -> Result<Session, StoreError> {
        let mut session = self.address.connect()?;
        let synchronous = match self.durability {
            Durability::Power => "on",
            Durability::Process => "off",
        };
        session.batch(&format!("{SETTINGS}; SET synchronous_commit = {synchronous}"))?;
        Ok(session)
    }

    /// Works with the connection, which is gone if that fails.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Session, &mut Fence) -> Result<T, StoreError>,
    ) -> Result<T, OutboxError> {
        self.try_with(work).map_err(OutboxError::from)
    }

    fn try_with<T>(
        &mut self,
        work: impl FnOnce(&mut Session, &mut Fence) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => {
                let mut session = self.connect()?;
                // Whoever answers now may be another server, and a copy of the one before.
                self.fence.check(&mut session)?;
                session
            }
        };
        let done = work(&mut session, &mut self.fence)?;
        self.session = Some(session);
        Ok(done)
    }
}

impl Outbox for PostgresOutbox {
    fn recover(&mut self, announced: &mut dyn FnMut(Announced)) -> Result<Remains, OutboxError> {
        self.with(|session, fence| {
            let remains = recover::recover(session, announced)?;
            fence.kept(remains.last_transaction);
            Ok(remains)
        })
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), OutboxError> {
        self.with(|session, fence| {
            if fence.admit(session, transaction)? {
                steps::apply(session, &transaction.steps)?;
                session.batch("COMMIT")?;
            }
            fence.kept(transaction.number);
            Ok(())
        })
    }

    fn read(&mut self, read: &Read) -> Result<Found, OutboxError> {
        self.with(|session, _| read::read(session, read))
    }

    fn sweep(&mut self, rules: &Retention, now_ms: u64) -> Result<Swept, OutboxError> {
        self.with(|session, fence| {
            fence.lock(session)?;
            let swept = sweep::sweep(session, rules, now_ms)?;
            session.batch("COMMIT")?;
            Ok(swept)
        })
    }

    fn feeds(&mut self, after: &[(NodeId, u64)], limit: u32) -> Result<Vec<FeedRow>, OutboxError> {
        self.with(|session, _| feeds::feeds(session, after, limit))
    }

    fn roll(&mut self) -> Result<Vec<(NodeId, NodeState)>, OutboxError> {
        self.with(|session, _| super::roll::states(session))
    }
}
