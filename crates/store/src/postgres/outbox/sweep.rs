//! Letting go of what is old, a part at a time, so that no commit waits long.

mod bytes;
mod events;
mod waiting;

use bellwire_webhooks::batch::Outcome;
use bellwire_webhooks::outbox::{Retention, Swept};

use crate::StoreError;
use crate::postgres::batches::{self, PART};
use crate::postgres::session::Session;
use crate::rows::{int, outcome_number};
use events::Wanted;

/// Outcomes after which nobody misses anything.
const DONE: [Outcome; 3] = [Outcome::Delivered, Outcome::Discarded, Outcome::Split];

/// Takes away a part: what is too old; if nothing is, what is too much.
pub(super) fn sweep(
    session: &mut Session,
    rules: &Retention,
    now_ms: u64,
) -> Result<Swept, StoreError> {
    let mut sweep = Sweep { session, now_ms, swept: Swept::default() };
    sweep.old(rules)?;
    if sweep.swept.rows == 0 && bytes::bytes(sweep.session)? > rules.bytes_max {
        sweep.too_much()?;
    }
    Ok(sweep.swept)
}

/// A part while it is taken.
struct Sweep<'a> {
    session: &'a mut Session,
    now_ms: u64,
    swept: Swept,
}

impl Sweep<'_> {
    fn old(&mut self, rules: &Retention) -> Result<(), StoreError> {
        let delivered = self.now_ms.saturating_sub(rules.delivered_ms);
        let failed = self.now_ms.saturating_sub(rules.failed_ms);
        for outcome in DONE {
            self.batches(outcome, delivered)?;
        }
        self.batches(Outcome::Failed, failed)?;
        self.records(failed)?;
        self.old_events(Wanted::ByNobody, delivered)?;
        self.old_events(Wanted::ByAnybody, failed)
    }

    /// The oldest of the least missed go first.
    fn too_much(&mut self) -> Result<(), StoreError> {
        for outcome in DONE {
            self.batches(outcome, u64::MAX)?;
        }
        if self.swept.rows == 0 {
            self.oldest_events(Wanted::ByNobody)?;
        }
        if self.swept.rows == 0 {
            self.batches(Outcome::Failed, u64::MAX)?;
        }
        if self.swept.rows == 0 {
            self.oldest_events(Wanted::ByAnybody)?;
        }
        Ok(())
    }

    fn room(&self) -> u64 {
        PART.saturating_sub(self.swept.rows)
    }

    /// Batches that ended so before a time, with their attempts.
    fn batches(&mut self, outcome: Outcome, before_ms: u64) -> Result<(), StoreError> {
        let sql = "SELECT id FROM batch WHERE outcome = $1 AND ended_at_ms < $2
             ORDER BY outcome, ended_at_ms LIMIT $3";
        let (outcome, before, room) = (outcome_number(outcome), int(before_ms), int(self.room()));
        let ids = self
            .session
            .collect(sql, &[&outcome, &before, &room], |row| Ok(row.try_get::<_, i64>(0)?))?;
        self.swept.rows += batches::remove(self.session, &ids, self.room())?;
        Ok(())
    }

    /// Gaps and replays of before a time.
    fn records(&mut self, before_ms: u64) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM lost WHERE id = ANY (ARRAY
                 (SELECT id FROM lost WHERE at_ms < $1 ORDER BY at_ms LIMIT $2))",
            "DELETE FROM replay WHERE id = ANY (ARRAY
                 (SELECT id FROM replay WHERE state <> 'running' AND created_at_ms < $1 LIMIT $2))",
        ] {
            self.swept.rows += self.session.run(sql, &[&int(before_ms), &int(self.room())])?;
        }
        Ok(())
    }
}
