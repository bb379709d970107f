//! The cellar: what must outlive the process, behind the ports of those who need it. SQLite, one
//! file, in WAL mode, synced at every commit.

mod apps;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// The store of one node.
#[derive(Debug)]
pub struct Sqlite {
    /// The one connection that writes.
    writer: Mutex<Connection>,
    /// Only reads, so that SQLite tells it of every commit by others.
    reader: Mutex<Connection>,
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
}

/// The file inside the data folder.
pub const FILE: &str = "bellwire.db";
/// How long a statement waits for another process.
const BUSY: Duration = Duration::from_secs(5);

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
        prepare(&writer).map_err(|e| failed("is the folder writable?", &e))?;
        schema::migrate(&mut writer)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reader = Connection::open_with_flags(&path, flags).map_err(|e| failed("open", &e))?;
        reader.busy_timeout(BUSY)?;
        Ok(Self { writer: Mutex::new(writer), reader: Mutex::new(reader) })
    }

    fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}
