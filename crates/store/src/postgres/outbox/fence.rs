//! Who may keep something, and what has been kept already.

use bellwire_webhooks::outbox::{Step, Transaction};

use crate::StoreError;
use crate::postgres::rows::number;
use crate::postgres::session::Session;
use crate::rows::int;

/// What an outbox knows of itself.
#[derive(Debug)]
pub(super) struct Fence {
    /// The number of this opening. A later one takes over, and this one can keep nothing more.
    run: u64,
    /// The last transaction that is known to be kept, here or before. A database that says otherwise has lost it,
    /// like a copy that takes the place of its model too early.
    last: u64,
}

impl Fence {
    pub(super) fn of(run: u64) -> Self {
        Self { run, last: 0 }
    }

    /// A transaction is kept.
    pub(super) fn kept(&mut self, number: u64) {
        self.last = number.max(self.last);
    }

    /// Begins, and puts the transaction's number down, unless it is there already; then nothing is
    /// begun.
    pub(super) fn admit(
        &self,
        session: &mut Session,
        offered: &Transaction,
    ) -> Result<bool, StoreError> {
        let cut = offered.steps.iter().filter_map(|step| match step {
            Step::Cut(batch) => Some(batch.id.number()),
            _ => None,
        });
        let Self { run, last } = self;
        let (number, batch) = (int(offered.number), int(cut.max().unwrap_or(0)));
        let changed = session.script(&format!(
            "BEGIN; UPDATE outbox SET last_transaction = {number},
                 last_batch = greatest(last_batch, {batch})
             WHERE run = {run} AND last_transaction < {number} AND last_transaction >= {last}"
        ))?;
        if changed > 0 {
            return Ok(true);
        }
        let kept = self.look(session)?;
        session.batch("ROLLBACK")?;
        if kept >= offered.number { Ok(false) } else { Err(StoreError::Forgotten) }
    }

    /// Finds out whether this outbox may keep anything, and whether all that it had kept is there.
    pub(super) fn check(&self, session: &mut Session) -> Result<(), StoreError> {
        let kept = self.look(session)?;
        if kept >= self.last { Ok(()) } else { Err(StoreError::Forgotten) }
    }

    /// Begins, so that nobody else writes.
    pub(super) fn lock(&self, session: &mut Session) -> Result<(), StoreError> {
        session.batch("BEGIN; SELECT 1 FROM outbox FOR UPDATE")?;
        self.check(session)
    }

    /// The last transaction that the database has, if nobody has taken over.
    fn look(&self, session: &mut Session) -> Result<u64, StoreError> {
        let sql = "SELECT run, last_transaction FROM outbox";
        let found = session.one(sql, &[], |row| Ok((number(row, 0)?, number(row, 1)?)))?;
        match found {
            Some((run, last)) if run == self.run => Ok(last),
            _ => Err(StoreError::TakenOver),
        }
    }
}
