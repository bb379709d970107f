//! The nodes, their leases, and who is at the desk. Every time is by the clock of the database, so
//! ours may differ.
//!
//! A lease that is over stays over: whoever finds it so writes it down first, and waits for what the
//! node is adding to its feed at that moment.

use std::time::Duration;

use bellwire_webhooks::node::{NodeId, NodeState};

use super::Postgres;
use super::address::Address;
use super::outbox::NEXT_RUN;
use super::rows::{number, number_if_any, owned, text};
use super::session::Session;
use crate::StoreError;
use crate::rows::int;

/// The list of nodes. It has a connection of its own, so that who beats waits for nobody.
#[derive(Debug)]
pub struct PostgresRoll {
    address: Address,
    /// None at first and after a failure: the next use opens another.
    session: Option<Session>,
}

/// A node, as the others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// Its number, which no other has.
    pub id: NodeId,
    /// As people call it.
    pub name: String,
    /// Where it is reached.
    pub address: String,
    /// Which Bellwire runs there.
    pub version: String,
    /// When it joined, in milliseconds since the epoch, by the clock of the database.
    pub started_at_ms: u64,
    /// How it is.
    pub state: NodeState,
    /// How long its lease goes on; 0 if it is over.
    pub lease_left_ms: u64,
}

/// Who is at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Desk {
    /// The node that took it last and has not released it. Its lease may be over.
    pub owner: Option<NodeId>,
    /// How often it was taken.
    pub run: u64,
}

/// What wakes those who listen for nodes.
const HINT: &str = "NOTIFY bellwire_nodes";
/// Writes down whose leases are over. The lock is one for which an append waits, and which waits for
/// an append; what a node beats is not read before it is decided.
const BURY: &str = "WITH over AS (
         SELECT id FROM node
         WHERE state IN ('up', 'draining') AND lease_until <= clock_timestamp()
         ORDER BY id FOR UPDATE),
     gone AS (UPDATE node SET state = 'gone' FROM over WHERE node.id = over.id RETURNING node.id)
     SELECT pg_notify('bellwire_nodes', '') FROM gone LIMIT 1";
/// How long a node that is gone stays on the roll for people to see.
const MEMORY: &str = "interval '1 hour'";

impl Postgres {
    /// The list of nodes.
    #[must_use]
    pub fn roll(&self) -> PostgresRoll {
        PostgresRoll { address: self.address().clone(), session: None }
    }
}

impl PostgresRoll {
    /// Puts a node on the roll, for as long as its lease is. It gets a number that no other has: one of
    /// 2³², and never 0.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn join(
        &mut self,
        name: &str,
        address: &str,
        version: &str,
        lease: Duration,
    ) -> Result<NodeId, StoreError> {
        let sql = "INSERT INTO node (id, name, address, version, started_at_ms, state, lease_until)
             SELECT id, $1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'up',
                 clock_timestamp() + $4 * interval '1 millisecond'
             FROM (SELECT floor(random() * 4294967296)::bigint + 1) new (id)
             WHERE NOT EXISTS (SELECT 1 FROM feed WHERE node = id)
             ON CONFLICT DO NOTHING RETURNING id";
        let lease = millis(lease);
        loop {
            let id = self.with(|session| {
                let params: super::session::Params<'_> = &[&name, &address, &version, &lease];
                session.one(sql, params, |row| Ok(NodeId::of(number(row, 0)?)))
            })?;
            if let Some(id) = id {
                self.hint();
                return Ok(id);
            }
        }
    }

    /// Lets a lease go on from now, unless it was over before or the node has left: then the answer is
    /// no, and nothing revives it. A node that drains does so for good.
    ///
    /// # Errors
    /// When the database cannot be written. Nobody knows then whether it was.
    pub fn beat(
        &mut self,
        node: NodeId,
        state: NodeState,
        lease: Duration,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE node SET lease_until = clock_timestamp() + $3 * interval '1 millisecond',
                 state = CASE state WHEN 'up' THEN $2 ELSE state END
             WHERE id = $1 AND state IN ('up', 'draining') AND lease_until > clock_timestamp()";
        let (node, state, lease) = (int(node.number()), state_name(state), millis(lease));
        self.with(|session| Ok(session.run(sql, &[&node, &state, &lease])? > 0))
    }

    /// A node tells its clients to go elsewhere; no, if its lease was over before.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn drain(&mut self, node: NodeId) -> Result<bool, StoreError> {
        let sql = "UPDATE node SET state = 'draining'
             WHERE id = $1 AND state IN ('up', 'draining') AND lease_until > clock_timestamp()";
        let drains = self.with(|session| Ok(session.run(sql, &[&int(node.number())])? > 0))?;
        self.hint();
        Ok(drains)
    }

    /// A node has ended in order. Nothing is added to its feed any more, and the desk is free if it was
    /// there.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn leave(&mut self, node: NodeId) -> Result<(), StoreError> {
        let node = int(node.number());
        self.with(|session| {
            session.batch(&format!(
                "BEGIN; UPDATE outbox SET owner = NULL WHERE owner = {node};
                 SELECT 1 FROM node WHERE id = {node} FOR UPDATE;
                 UPDATE node SET state = 'left', lease_until = clock_timestamp()
                 WHERE id = {node} AND state IN ('up', 'draining');
                 {HINT}; COMMIT"
            ))
        })
    }

    /// Every node that is on the roll, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn nodes(&mut self) -> Result<Vec<NodeRow>, StoreError> {
        let sql = "SELECT id, name, address, version, started_at_ms, state,
                 greatest(extract(epoch FROM lease_until - clock_timestamp()) * 1000, 0)::bigint
             FROM node ORDER BY started_at_ms, id";
        self.with(|session| {
            session.batch(BURY)?;
            session.collect(sql, &[], |row| {
                Ok(NodeRow {
                    id: NodeId::of(number(row, 0)?),
                    name: owned(row, 1)?,
                    address: owned(row, 2)?,
                    version: owned(row, 3)?,
                    started_at_ms: number(row, 4)?,
                    state: state(text(row, 5)?)?,
                    lease_left_ms: number(row, 6)?,
                })
            })
        })
    }

    /// Takes the desk, if no other node that lives is there and this one is up; the run of its outbox,
    /// which is larger than any before.
    /// Of two at once one gets it. Who is there already and does not know gets a new run.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn take_desk(&mut self, node: NodeId) -> Result<Option<u64>, StoreError> {
        let node = int(node.number());
        // One message, so that a node that is stopped in the middle holds nobody up. Who waits for
        // the lock looks at the roll after it, not before.
        let sql = format!(
            "BEGIN; SELECT 1 FROM outbox FOR UPDATE; {BURY};
             UPDATE outbox SET run = {NEXT_RUN}, owner = {node}
             WHERE EXISTS (SELECT 1 FROM node WHERE id = {node} AND state = 'up')
                 AND NOT EXISTS (SELECT 1 FROM node
                     WHERE id = owner AND id <> {node} AND state IN ('up', 'draining'))
             RETURNING run; {HINT}; COMMIT"
        );
        let run = self.with(|session| session.found(&sql, "run"))?;
        run.map(|run| run.parse().map_err(|_| unreadable("outbox", &run))).transpose()
    }

    /// Leaves the desk to others, if it is still this node's.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn release_desk(&mut self, node: NodeId, run: u64) -> Result<bool, StoreError> {
        let sql = "UPDATE outbox SET owner = NULL WHERE owner = $1 AND run = $2";
        let (node, run) = (int(node.number()), int(run));
        let released = self.with(|session| Ok(session.run(sql, &[&node, &run])? > 0))?;
        self.hint();
        Ok(released)
    }

    /// Who is at the desk.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn desk(&mut self) -> Result<Desk, StoreError> {
        let desk = self.with(|session| {
            session.one("SELECT owner, run FROM outbox", &[], |row| {
                Ok(Desk { owner: number_if_any(row, 0)?.map(NodeId::of), run: number(row, 1)? })
            })
        })?;
        desk.ok_or_else(|| unreadable("outbox", "nothing"))
    }

    /// Strikes out those of these nodes that left or have been gone for an hour, and of which
    /// everything is heard; how many they were.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget(&mut self, nodes: &[NodeId]) -> Result<u64, StoreError> {
        let nodes: Vec<i64> = nodes.iter().map(|node| int(node.number())).collect();
        let sql = format!(
            "WITH forgotten AS (
                 DELETE FROM node WHERE id = ANY($1) AND state IN ('left', 'gone')
                     AND lease_until < clock_timestamp() - {MEMORY}
                     AND NOT EXISTS (SELECT 1 FROM feed f LEFT JOIN heard h ON h.node = f.node
                         WHERE f.node = node.id AND f.n > COALESCE(h.n, 0))
                 RETURNING id),
             rows AS (DELETE FROM feed USING forgotten WHERE node = id),
             heard AS (DELETE FROM heard USING forgotten WHERE node = id)
             SELECT count(*) FROM forgotten"
        );
        let count = self.with(|session| session.one(&sql, &[&nodes], |row| number(row, 0)))?;
        Ok(count.unwrap_or(0))
    }

    /// What was done is done, whatever becomes of the hint.
    fn hint(&mut self) {
        let _ = self.with(|session| session.batch(HINT));
    }

    /// Works with the connection, which is gone if that fails. One that nobody has used for a while
    /// may be lost without anybody's knowing; so it is tried once more with another.
    fn with<T>(
        &mut self,
        mut work: impl FnMut(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(mut session) = self.session.take() {
            match work(&mut session) {
                Err(error) if super::is_lost(&error) => {}
                done => {
                    self.session = done.is_ok().then_some(session);
                    return done;
                }
            }
        }
        let mut session = self.address.connect()?;
        let done = work(&mut session)?;
        self.session = Some(session);
        Ok(done)
    }
}

/// The nodes and how they are. What is said of the dead holds: nothing is added to their feeds.
pub(super) fn states(session: &mut Session) -> Result<Vec<(NodeId, NodeState)>, StoreError> {
    session.batch(BURY)?;
    session.collect("SELECT id, state FROM node ORDER BY id", &[], |row| {
        Ok((NodeId::of(number(row, 0)?), state(text(row, 1)?)?))
    })
}

/// The words by which states are kept; they never change, and two of them stand in statements.
const STATES: [(NodeState, &str); 4] = [
    (NodeState::Up, "up"),
    (NodeState::Draining, "draining"),
    (NodeState::Left, "left"),
    (NodeState::Gone, "gone"),
];

fn state_name(state: NodeState) -> &'static str {
    STATES.iter().find(|(known, _)| *known == state).map_or("gone", |(_, name)| name)
}

fn state(name: &str) -> Result<NodeState, StoreError> {
    let known = STATES.iter().find(|(_, known)| *known == name);
    known.map(|(state, _)| *state).ok_or_else(|| unreadable("node", name))
}

fn unreadable(table: &'static str, what: &str) -> StoreError {
    StoreError::Row { table, why: format!("{what} is not known") }
}

fn millis(lease: Duration) -> f64 {
    lease.as_secs_f64() * 1_000.0
}
