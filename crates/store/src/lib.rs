//! The cellar: what must outlive the process, behind the ports of those who need it. One node has
//! SQLite, one file, in WAL mode, synced at every commit; several have PostgreSQL.

mod accounts;
mod apps;
mod batches;
mod contradiction;
mod endpoints;
mod ledger;
mod live;
mod log;
mod outbox;
mod postgres;
mod rows;
mod schema;
mod verify;
mod waiting;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwire_accounts::AccountStore;
use bellwire_hub::AppStore;
use bellwire_live::LiveStore;
use bellwire_webhooks::ledger::Ledger;
use bellwire_webhooks::outbox::OutboxError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

pub use apps::owner_of;
pub use outbox::{Durability, SqliteOutbox};
pub use postgres::{
    Copied, Desk, Hint, Listener, NodeRow, Postgres, PostgresFeed, PostgresOutbox, PostgresRoll,
    Tables, copy,
};

/// A store behind the ports of people: apps, accounts, webhooks, what happened.
pub trait Store:
    AppStore<Error = StoreError>
    + AccountStore<Error = StoreError>
    + LiveStore<Error = StoreError>
    + Ledger<Error = StoreError>
{
}

impl<T> Store for T where
    T: AppStore<Error = StoreError>
        + AccountStore<Error = StoreError>
        + LiveStore<Error = StoreError>
        + Ledger<Error = StoreError>
{
}

/// The store of one node.
#[derive(Debug)]
pub struct Sqlite {
    /// The file, for further connections.
    path: PathBuf,
    /// The one connection by which people write; the outbox has its own.
    writer: Mutex<Connection>,
    /// Connections that only read and that nobody uses now. A question takes one or opens another,
    /// so none waits for a longer one, and none for a commit.
    readers: Mutex<Vec<Connection>>,
}

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file cannot be used.
    #[error("cannot open the database {path}: {why}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What was tried, and why it failed.
        why: String,
    },
    /// The file was written by a newer version.
    #[error("the database has schema {found}, this version knows {known}: use a newer Bellwire")]
    Newer {
        /// What the file says.
        found: u32,
        /// What this version can read.
        known: u32,
    },
    /// SQLite refused.
    #[error("the database refused: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A URL of a database cannot be used. It may hold a password, and is not shown.
    #[error("the URL of the database cannot be used: {0}")]
    Url(String),
    /// PostgreSQL is not there, or lets nobody in.
    #[error("cannot connect to the database {server}: {why}")]
    Connect {
        /// The server and the database, without a password.
        server: String,
        /// Why not.
        why: String,
    },
    /// PostgreSQL refused, or was lost.
    #[error("the database refused: {}", postgres::told(.0))]
    Postgres(#[from] ::postgres::Error),
    /// PostgreSQL is too old, or the database was made for something else.
    #[error("the database cannot be used: {0}")]
    Unfit(String),
    /// A store is copied to a database in which there is something.
    #[error("the database has rows in {0} already: a copy needs one in which there is nothing")]
    NotEmpty(&'static str),
    /// Every connection to PostgreSQL is in use, and stays so.
    #[error("no connection to the database is free")]
    Busy,
    /// A row is not what this version wrote.
    #[error("a row of {table} cannot be read: {why}")]
    Row {
        /// Where it stands.
        table: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A key belongs to another app.
    #[error("app key {0} belongs to another app")]
    KeyTaken(String),
    /// There is no such endpoint.
    #[error("there is no endpoint {0}")]
    NoEndpoint(String),
    /// An event says again what is announced, or takes back what is not.
    #[error("the log would contradict itself: {0}")]
    Contradiction(String),
    /// PostgreSQL has gone back behind what it had kept, like a copy that lagged behind its model.
    #[error("the database has lost what it had kept")]
    Forgotten,
    /// A node has not been heard of for as long as its lease was, or has left.
    #[error("the lease of this node is over")]
    LeaseOver,
    /// Another server has opened the same outbox later.
    #[error("another server has taken over the webhooks of this database")]
    TakenOver,
}

impl StoreError {
    /// Whether the store cannot be reached now, and may be later.
    #[must_use]
    pub fn is_absence(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Busy => true,
            Self::Postgres(error) => error.is_closed() || error.as_db_error().is_none(),
            _ => false,
        }
    }
}

impl From<StoreError> for OutboxError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Forgotten => Self::Forgotten,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// The file inside the data folder.
pub const FILE: &str = "bellwire.db";
/// How long a writer waits at a time for another. SQLite's own waits grow to 100 ms, in which a busy
/// outbox would overtake it again and again.
const WAIT: Duration = Duration::from_millis(1);
/// How often it waits.
const WAITS: i32 = 5_000;
/// Readers that are kept open while nobody asks.
const IDLE_READERS: usize = 4;

impl Sqlite {
    /// Opens the store in a folder, and makes both if they are not there.
    ///
    /// # Errors
    /// When the folder cannot be written or the file is locked, damaged or newer.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let failed = |what: &str, why: &dyn std::fmt::Display| StoreError::Open {
            path: path.clone(),
            why: format!("{what}: {why}"),
        };
        std::fs::create_dir_all(folder).map_err(|e| failed("the folder cannot be made", &e))?;
        let mut writer = Connection::open(&path).map_err(|e| failed("open", &e))?;
        prepare(&mut writer).map_err(|e| failed("is the folder writable?", &e))?;
        schema::migrate(&mut writer)?;
        Ok(Self { path, writer: Mutex::new(writer), readers: Mutex::new(Vec::new()) })
    }

    /// Opens the outbox. Whoever opened it before can write to it no more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn outbox(&self, durability: Durability) -> Result<SqliteOutbox, StoreError> {
        SqliteOutbox::open(self.path.clone(), durability)
    }

    /// Writes, all of it or nothing.
    fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write_if(|connection| Ok((work(connection)?, true)))
    }

    /// Writes, all of it or nothing; nothing too if the work says so.
    fn write_if<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<(T, bool), StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = lock(&self.writer);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (done, is_good) = work(&transaction)?;
        if is_good {
            transaction.commit()?;
        } else {
            transaction.rollback()?;
        }
        Ok(done)
    }

    /// Reads. All that is read is of one moment.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = lock(&self.readers).pop();
        let mut connection = idle.map_or_else(|| self.reader(), Ok)?;
        let transaction = connection.transaction()?;
        let found = work(&transaction)?;
        transaction.finish()?;
        let mut readers = lock(&self.readers);
        if readers.len() < IDLE_READERS {
            readers.push(connection);
        }
        Ok(found)
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut reader = Connection::open_with_flags(&self.path, flags)?;
        be_patient(&mut reader)?;
        Ok(reader)
    }
}

/// A panic elsewhere leaves no transaction behind, so a poisoned connection is good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a connection wait for others.
fn be_patient(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(|waits| {
        std::thread::sleep(WAIT);
        waits < WAITS
    }))
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    be_patient(connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}
