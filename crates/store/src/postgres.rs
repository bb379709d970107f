//! PostgreSQL behind the ports, for several nodes at once: what people read and write. The outbox has a
//! connection of its own.
//!
//! Writers of people's things take turns, over all nodes, as they do in SQLite: what they write is
//! little, and none has to think of another. The outbox takes no turn; whoever writes to its tables
//! locks the row of `outbox` first.

mod accounts;
mod address;
mod apps;
mod batches;
mod copy;
mod endpoints;
mod feed;
mod ledger;
mod listen;
mod live;
mod log;
mod outbox;
mod pool;
mod roll;
mod rows;
mod schema;
mod search;
mod session;

use address::Address;
use pool::{Lease, Pool};
use session::Session;

pub use copy::{Copied, copy};
pub use feed::PostgresFeed;
pub use listen::{Hint, Listener};
pub use outbox::PostgresOutbox;
pub use roll::{Desk, NodeRow, PostgresRoll};
pub use schema::Tables;

use crate::StoreError;

/// The store of a cluster.
///
/// It blocks, and must not be used on a thread of an asynchronous runtime.
#[derive(Debug)]
pub struct Postgres {
    address: Address,
    pool: Pool,
}

/// Reads. All that is read is of one moment.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Takes the turn to write; it ends with the transaction. The number is known to us alone.
const WRITE: &str = "BEGIN; SELECT pg_advisory_xact_lock(7163384699739271169)";

impl Postgres {
    /// Opens the store at `postgres://user:password@host:port/database`, and makes its tables if they
    /// are not there. With `?sslmode=require` the connection is encrypted, and the server's
    /// certificate must be good: by the authorities that browsers trust, or by those in the file
    /// that `sslrootcert=` names.
    ///
    /// # Errors
    /// When the URL cannot be read, the server cannot be reached, or the database is newer.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::migrate(url).map(|(store, _)| store)
    }

    /// Opens what is there, and makes nothing: a database without our tables is told apart by
    /// [`Tables`].
    ///
    /// # Errors
    /// When the URL cannot be read, the server cannot be reached, or the database is newer.
    pub fn look(url: &str) -> Result<(Self, Tables), StoreError> {
        let address: Address = url.parse()?;
        let mut session = connect(&address)?;
        let tables = schema::look(&mut session)?;
        Ok((Self { pool: Pool::with(session), address }, tables))
    }

    /// Opens the store as [`open`](Self::open) does, and says of which version the tables were before.
    ///
    /// # Errors
    /// Like [`open`](Self::open).
    pub fn migrate(url: &str) -> Result<(Self, Tables), StoreError> {
        let address: Address = url.parse()?;
        let mut session = connect(&address)?;
        let tables = schema::migrate(&mut session)?;
        Ok((Self { pool: Pool::with(session), address }, tables))
    }

    /// Where it is, for people: the server and the database, without a password.
    #[must_use]
    pub fn place(&self) -> String {
        self.address.to_string()
    }

    /// Where it is, for further connections.
    fn address(&self) -> &Address {
        &self.address
    }

    /// Writes, all of it or nothing.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.write_if(|session| Ok((work(session)?, true)))
    }

    /// Writes, all of it or nothing; nothing too if the work says so.
    fn write_if<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<(T, bool), StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(WRITE, work)
    }

    /// Reads. All that is read is of one moment.
    fn read<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.transaction(READ, |session| Ok((work(session)?, true)))
    }

    /// Does one statement, which needs no transaction around it. It may be done twice, if the
    /// connection is lost.
    fn alone<T>(
        &self,
        mut work: impl FnMut(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (lease, done) = self.first(&mut work)?;
        lease.give_back();
        Ok(done)
    }

    fn transaction<T>(
        &self,
        begin: &str,
        work: impl FnOnce(&mut Session) -> Result<(T, bool), StoreError>,
    ) -> Result<T, StoreError> {
        let (mut lease, ()) = self.first(|session| session.batch(begin))?;
        let done = work(lease.session());
        let end = if matches!(done, Ok((_, true))) { "COMMIT" } else { "ROLLBACK" };
        let ended = lease.session().batch(end);
        // A connection of which nobody knows in which state it is goes with the lease.
        if ended.is_ok() {
            lease.give_back();
        }
        let (done, _) = done?;
        ended?;
        Ok(done)
    }

    /// Begins with a connection. One that nobody has used for a while may be lost without anybody's
    /// knowing; then the next is tried, and at last a new one.
    fn first<T>(
        &self,
        mut begin: impl FnMut(&mut Session) -> Result<T, StoreError>,
    ) -> Result<(Lease<'_>, T), StoreError> {
        loop {
            let mut lease = self.pool.take(|| connect(&self.address))?;
            match begin(lease.session()) {
                Ok(done) => return Ok((lease, done)),
                Err(error) if lease.was_idle() && is_lost(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Opens a connection for people. Their questions differ in how much they find: a plan that fits most
/// would read a whole table for an endpoint that has little.
fn connect(address: &Address) -> Result<Session, StoreError> {
    let mut session = address.connect()?;
    session.batch("SET plan_cache_mode = force_custom_plan")?;
    Ok(session)
}

/// Whether an error says that the connection is gone, and nothing of what was asked.
fn is_lost(error: &StoreError) -> bool {
    let StoreError::Postgres(error) = error else { return false };
    let is_io =
        || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>());
    // The classes of lost connections and of servers that stop.
    let is_lost_by = |code: &str| code.starts_with("08") || code.starts_with("57P");
    error.is_closed() || error.code().map_or_else(is_io, |code| is_lost_by(code.code()))
}

/// What the database says, in one sentence and without values.
pub(crate) fn told(error: &::postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return format!("{} ({})", error.message(), error.code().code());
    }
    with_causes(error)
}

/// An error with everything behind it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
