//! Sessions of the dashboard.

use bellwire_accounts::{Digest, Session};
use rusqlite::{Connection, Params, params};

use crate::StoreError;
use crate::rows::{collect, int, number, parse, run, text};

pub(super) fn put(
    connection: &Connection,
    session: &Session,
    digest: &Digest,
) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO session (id, hash, person, created_at_ms, seen_at_ms, address, agent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            session.id.as_str(),
            digest,
            session.person.as_str(),
            int(session.created_at_ms),
            int(session.seen_at_ms),
            session.address,
            session.agent,
        ],
    )?;
    Ok(())
}

pub(super) fn find(
    connection: &Connection,
    which: &str,
    params: impl Params,
) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT id, person, created_at_ms, seen_at_ms, address, agent FROM session WHERE {which}"
    );
    collect(connection, &sql, params, |row| {
        Ok(Session {
            id: parse("session", text(row, 0)?)?,
            person: parse("session", text(row, 1)?)?,
            created_at_ms: number(row, 2)?,
            seen_at_ms: number(row, 3)?,
            address: row.get(4)?,
            agent: row.get(5)?,
        })
    })
}

/// Forgets those that open nothing any more.
pub(super) fn sweep(connection: &Connection, now_ms: u64) -> Result<(), StoreError> {
    let unused_ms = now_ms.saturating_sub(Session::IDLE_MS);
    let old_ms = now_ms.saturating_sub(Session::AGE_MS);
    let sql = "DELETE FROM session WHERE seen_at_ms <= ?1 OR created_at_ms <= ?2";
    run(connection, sql, [int(unused_ms), int(old_ms)])?;
    Ok(())
}
