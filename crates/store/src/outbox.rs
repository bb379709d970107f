//! The outbox in SQLite: one connection of its own, one transaction a commit.
//!
//! After a failed commit nothing is known: the pages may have reached the file or not, and a second
//! sync that succeeds proves nothing of the first. So the connection is dropped, and when the same
//! transaction is offered again, a new one reads from the file whether it had arrived.

mod read;
mod recover;
mod steps;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use bellwire_webhooks::outbox::{
    Announced, Found, Outbox, OutboxError, Read, Remains, Retention, Step, Swept, Transaction,
};
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::rows::{int, run};
use crate::{StoreError, be_patient};

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The loss of power: every commit waits for the disk.
    Power,
    /// The death of the process. A loss of power may take the last commits, never a part of one.
    Process,
}

/// The outbox of a node.
#[derive(Debug)]
pub struct SqliteOutbox {
    path: PathBuf,
    durability: Durability,
    /// None after a failure: the next use opens another.
    connection: Option<Connection>,
    /// The number of this opening. A later one takes over, and this one can keep nothing more.
    run: i64,
}

/// Statements that stay prepared; more than there are.
const STATEMENTS: usize = 64;
/// Kibibytes of pages in memory: the right edges of the logs and the paths to what is announced.
const CACHE_KIB: i64 = 16 * 1024;

impl SqliteOutbox {
    pub(crate) fn open(path: PathBuf, durability: Durability) -> Result<Self, StoreError> {
        let mut outbox = Self { path, durability, connection: None, run: 0 };
        let connection = outbox.connect()?;
        outbox.run =
            connection
                .query_row("UPDATE outbox SET run = run + 1 RETURNING run", [], |row| row.get(0))?;
        outbox.connection = Some(connection);
        Ok(outbox)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        // A file that is gone must not be replaced by an empty one.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&self.path, flags)?;
        be_patient(&mut connection)?;
        let synchronous = match self.durability {
            Durability::Power => "FULL",
            Durability::Process => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(connection)
    }

    /// Works with the connection, which is gone if that fails.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Connection, i64) -> Result<T, StoreError>,
    ) -> Result<T, OutboxError> {
        let connection = self.connection.take();
        let connection = connection.map_or_else(|| self.connect(), Ok);
        let done = connection.and_then(|mut connection| {
            let done = work(&mut connection, self.run)?;
            self.connection = Some(connection);
            Ok(done)
        });
        done.map_err(OutboxError::from)
    }
}

impl Outbox for SqliteOutbox {
    fn recover(&mut self, announced: &mut dyn FnMut(Announced)) -> Result<Remains, OutboxError> {
        self.with(|connection, _| recover::recover(connection, announced))
    }

    fn commit(&mut self, transaction: &Transaction) -> Result<(), OutboxError> {
        self.with(|connection, run| keep(connection, run, transaction))
    }

    fn read(&mut self, read: &Read) -> Result<Found, OutboxError> {
        self.with(|connection, _| read::read(connection, read))
    }

    fn sweep(&mut self, rules: &Retention, now_ms: u64) -> Result<Swept, OutboxError> {
        self.with(|connection, _| sweep::sweep(connection, rules, now_ms))
    }
}

fn keep(connection: &mut Connection, run: i64, offered: &Transaction) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !is_new(&transaction, run, offered)? {
        return Ok(());
    }
    steps::apply(&transaction, &offered.steps)?;
    transaction.commit()?;
    Ok(())
}

/// Puts the transaction's number down, unless it is there already.
fn is_new(connection: &Connection, mine: i64, offered: &Transaction) -> Result<bool, StoreError> {
    let cut = offered.steps.iter().filter_map(|step| match step {
        Step::Cut(batch) => Some(batch.id.number()),
        _ => None,
    });
    let changed = run(
        connection,
        "UPDATE outbox SET last_transaction = ?1, last_batch = max(last_batch, ?2)
         WHERE run = ?3 AND last_transaction < ?1",
        params![int(offered.number), int(cut.max().unwrap_or(0)), mine],
    )?;
    if changed > 0 {
        return Ok(true);
    }
    let mut statement = connection.prepare_cached("SELECT run FROM outbox")?;
    let owner: i64 = statement.query_row([], |row| row.get(0))?;
    if owner == mine { Ok(false) } else { Err(StoreError::TakenOver) }
}
