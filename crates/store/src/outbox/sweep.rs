//! Letting go of what is old, a part at a time, so that no commit waits long.
//!
//! What the cap is compared with is what the file's pages hold, apps and announcements included: it
//! is what the disk has to bear, and costs nothing to know.

mod events;
mod waiting;

use bellwire_webhooks::batch::Outcome;
use bellwire_webhooks::outbox::{Retention, Swept};
use rusqlite::{Connection, TransactionBehavior, params};

use crate::StoreError;
use crate::batches::{self, PART};
use crate::rows::{collect, int, outcome_number, run};
use events::Wanted;

/// Outcomes after which nobody misses anything.
const DONE: [Outcome; 3] = [Outcome::Delivered, Outcome::Discarded, Outcome::Split];
/// Batches that ended so before a time.
pub(super) const ENDED: &str = "SELECT id FROM batch INDEXED BY batch_by_end
     WHERE outcome = ?1 AND ended_at_ms < ?2 ORDER BY ended_at_ms LIMIT ?3";

/// Takes away a part: what is too old; if nothing is, what is too much.
pub(super) fn sweep(
    connection: &mut Connection,
    rules: &Retention,
    now_ms: u64,
) -> Result<Swept, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut sweep = Sweep { connection: &transaction, now_ms, swept: Swept::default() };
    sweep.old(rules)?;
    if sweep.swept.rows == 0 && bytes(&transaction)? > rules.bytes_max {
        sweep.too_much()?;
    }
    let swept = sweep.swept;
    transaction.commit()?;
    Ok(swept)
}

/// A part while it is taken.
struct Sweep<'a> {
    connection: &'a Connection,
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
        let params = params![outcome_number(outcome), int(before_ms), int(self.room())];
        let ids = collect(self.connection, ENDED, params, |row| Ok(row.get(0)?))?;
        self.swept.rows += batches::remove(self.connection, &ids, self.room())?;
        Ok(())
    }

    /// Gaps and replays of before a time.
    fn records(&mut self, before_ms: u64) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM lost WHERE id IN
                 (SELECT id FROM lost WHERE at_ms < ?1 ORDER BY at_ms LIMIT ?2)",
            "DELETE FROM replay WHERE id IN
                 (SELECT id FROM replay WHERE state <> 'running' AND created_at_ms < ?1 LIMIT ?2)",
        ] {
            let gone = run(self.connection, sql, params![int(before_ms), int(self.room())])?;
            self.swept.rows += gone as u64;
        }
        Ok(())
    }
}

/// What the file's pages hold.
pub(super) fn bytes(connection: &Connection) -> Result<u64, StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok((pages * pragma("page_size")?).unsigned_abs())
}
