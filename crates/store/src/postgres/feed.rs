//! A node's end of its feed, on a connection of its own.

use bellwire_webhooks::feed::Feed;
use bellwire_webhooks::node::NodeId;
use bellwire_webhooks::outbox::OutboxError;

use super::Postgres;
use super::address::Address;
use super::rows::number;
use super::session::Session;
use crate::StoreError;
use crate::rows::int;

/// What a node tells the desk.
///
/// Every row is synced before it is answered: the desk may be at any place of the feed when the database
/// dies, and a node has no other reason to tell its state again.
#[derive(Debug)]
pub struct PostgresFeed {
    address: Address,
    node: i64,
    /// The last row that is known to be kept.
    last: u64,
    /// None at first and after a failure: the next use opens another.
    session: Option<Session>,
}

/// What came of an append.
struct Appended {
    /// The last row that is heard.
    heard: u64,
    /// Whether the row is there now, or was before.
    is_there: bool,
}

/// The lock lets the node beat meanwhile, and makes who finds its lease over wait. A row without the
/// one before it is not taken: the database has lost that.
const APPEND: &str = "WITH mine AS (
         SELECT id FROM node
         WHERE id = $1 AND state IN ('up', 'draining') AND lease_until > clock_timestamp()
         FOR KEY SHARE),
     last AS (SELECT COALESCE((SELECT n FROM heard WHERE node = $1), 0) AS heard FROM mine),
     added AS (
         INSERT INTO feed (node, n, body) SELECT $1, $2, $3 FROM last
         WHERE heard < $2
             AND (heard >= $2 - 1 OR EXISTS (SELECT 1 FROM feed WHERE node = $1 AND n = $2 - 1))
         ON CONFLICT (node, n) DO NOTHING RETURNING n)
     SELECT heard,
         EXISTS (SELECT 1 FROM added) OR EXISTS (SELECT 1 FROM feed WHERE node = $1 AND n = $2)
     FROM last";
/// Whether a row that was kept is there, or heard.
const IS_KEPT: &str = "SELECT 1 FROM heard WHERE node = $1 AND n >= $2
     UNION ALL SELECT 1 FROM feed WHERE node = $1 AND n = $2";
/// What wakes the desk. It is no part of the transaction: those that have a hint in them are synced one
/// after the other, over all nodes.
const HINT: &str = "NOTIFY bellwire_desk";

impl Postgres {
    /// The feed of a node that has joined.
    #[must_use]
    pub fn feed(&self, node: NodeId) -> PostgresFeed {
        let node = int(node.number());
        PostgresFeed { address: self.address().clone(), node, last: 0, session: None }
    }
}

impl PostgresFeed {
    /// Adds a row. If it was on its way already, it is seen when we look once more.
    fn append_row(&mut self, n: u64, body: &[u8]) -> Result<(), StoreError> {
        for _ in 0..2 {
            match self.try_append(n, body)? {
                Some(Appended { heard, is_there }) if is_there || heard >= n => {
                    self.last = n.max(self.last);
                    return Ok(());
                }
                Some(_) => {}
                None => return Err(StoreError::LeaseOver),
            }
        }
        Err(StoreError::Forgotten)
    }

    /// Adds a row, unless the lease is over.
    fn try_append(&mut self, n: u64, body: &[u8]) -> Result<Option<Appended>, StoreError> {
        let node = self.node;
        self.with(|session| {
            session.one(APPEND, &[&node, &int(n), &body], |row| {
                Ok(Appended { heard: number(row, 0)?, is_there: row.try_get(1)? })
            })
        })
    }

    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.connect()?,
        };
        let done = work(&mut session)?;
        self.session = Some(session);
        Ok(done)
    }

    /// Whoever answers now may be another server than before, and a copy that lagged behind.
    fn connect(&self) -> Result<Session, StoreError> {
        let mut session = self.address.connect()?;
        if self.last > 0 && !session.exists(IS_KEPT, &[&self.node, &int(self.last)])? {
            return Err(StoreError::Forgotten);
        }
        Ok(session)
    }

    /// Asks for a number; 0, if there is none.
    fn number(&mut self, sql: &str, of_node: bool) -> Result<u64, OutboxError> {
        let node = self.node;
        let found = self.with(|session| match of_node {
            true => session.one(sql, &[&node], |row| number(row, 0)),
            false => session.one(sql, &[], |row| number(row, 0)),
        });
        Ok(found?.unwrap_or(0))
    }
}

impl Feed for PostgresFeed {
    fn append(&mut self, n: u64, body: &[u8]) -> Result<(), OutboxError> {
        self.append_row(n, body)?;
        // The row is kept, whatever becomes of the hint.
        let _ = self.with(|session| session.batch(HINT));
        Ok(())
    }

    fn desk(&mut self) -> Result<u64, OutboxError> {
        self.number("SELECT run FROM outbox", false)
    }

    fn heard(&mut self) -> Result<u64, OutboxError> {
        self.number("SELECT n FROM heard WHERE node = $1", true)
    }
}
