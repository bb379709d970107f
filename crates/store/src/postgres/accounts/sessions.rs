//! Sessions of the dashboard.

use bellwire_accounts::{Digest, Session};

use crate::StoreError;
use crate::postgres::rows::{clean, number, owned, text};
use crate::postgres::session::{self, Params};
use crate::rows::{int, parse};

pub(super) fn put(
    connection: &mut session::Session,
    session: &Session,
    digest: &Digest,
) -> Result<(), StoreError> {
    connection.run(
        "INSERT INTO session (id, hash, person, created_at_ms, seen_at_ms, address, agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &session.id.as_str(),
            &&digest[..],
            &session.person.as_str(),
            &int(session.created_at_ms),
            &int(session.seen_at_ms),
            &session.address,
            &clean(&session.agent),
        ],
    )?;
    Ok(())
}

pub(super) fn find(
    connection: &mut session::Session,
    which: &str,
    params: Params<'_>,
) -> Result<Vec<Session>, StoreError> {
    let sql = format!(
        "SELECT id, person, created_at_ms, seen_at_ms, address, agent FROM session WHERE {which}"
    );
    connection.collect(&sql, params, |row| {
        Ok(Session {
            id: parse("session", text(row, 0)?)?,
            person: parse("session", text(row, 1)?)?,
            created_at_ms: number(row, 2)?,
            seen_at_ms: number(row, 3)?,
            address: row.try_get(4)?,
            agent: owned(row, 5)?,
        })
    })
}

/// Forgets those that open nothing any more.
pub(super) fn sweep(connection: &mut session::Session, now_ms: u64) -> Result<(), StoreError> {
    let unused_ms = now_ms.saturating_sub(Session::IDLE_MS);
    let old_ms = now_ms.saturating_sub(Session::AGE_MS);
    let sql = "DELETE FROM session WHERE seen_at_ms <= $1 OR created_at_ms <= $2";
    connection.run(sql, &[&int(unused_ms), &int(old_ms)])?;
    Ok(())
}
