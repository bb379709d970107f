//! Batches that go, with their bodies and their attempts.

use bellwire_webhooks::ids::EndpointId;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::rows::{collect, run};

/// Rows that go in one transaction, about: a batch takes all of its attempts along.
pub(crate) const PART: u64 = 1_000;

/// Removes batches of an endpoint until so many rows are gone; how many were.
pub(crate) fn remove_of(
    connection: &Connection,
    endpoint: &EndpointId,
    room: u64,
) -> Result<u64, StoreError> {
    let sql = "SELECT id FROM batch INDEXED BY batch_by_endpoint WHERE endpoint = ?1
         ORDER BY id LIMIT ?2";
    let limit = room.cast_signed();
    let ids = collect(connection, sql, params![endpoint.as_str(), limit], |row| Ok(row.get(0)?))?;
    remove(connection, &ids, room)
}

/// Removes these batches, in this order, until so many rows are gone; how many were.
pub(crate) fn remove(connection: &Connection, ids: &[i64], room: u64) -> Result<u64, StoreError> {
    let mut gone = 0;
    for id in ids {
        if gone >= room {
            break;
        }
        gone += run(connection, "DELETE FROM attempt WHERE batch = ?1", [id])? as u64;
        run(connection, "DELETE FROM batch_body WHERE batch = ?1", [id])?;
        gone += run(connection, "DELETE FROM batch WHERE id = ?1", [id])? as u64;
    }
    Ok(gone)
}
