//! What endpoints wait for, owe and have lost.

use bellwire_webhooks::batch::Gap;
use bellwire_webhooks::ids::EndpointId;
use rusqlite::{Connection, params};

use super::numbers;
use crate::StoreError;
use crate::rows::{int, run};

/// Notes that events after a place wait for an endpoint.
pub(super) fn behind(
    connection: &Connection,
    endpoint: &EndpointId,
    after: u64,
) -> Result<(), StoreError> {
    run(
        connection,
        "INSERT INTO behind (endpoint, after)
         SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM endpoint WHERE id = ?1)
         ON CONFLICT (endpoint) DO UPDATE SET after = excluded.after",
        params![endpoint.as_str(), int(after)],
    )?;
    Ok(())
}

/// Notes that nothing waits for an endpoint any more.
pub(super) fn caught_up(connection: &Connection, endpoint: &EndpointId) -> Result<(), StoreError> {
    run(connection, "DELETE FROM behind WHERE endpoint = ?1", [endpoint.as_str()])?;
    Ok(())
}

/// Notes what a lane owes.
pub(in crate::outbox) fn owes(
    connection: &Connection,
    endpoint: &EndpointId,
    lane: u8,
    gap: Gap,
) -> Result<(), StoreError> {
    let [first, last, count] = numbers(gap);
    run(
        connection,
        "INSERT INTO lane (endpoint, lane, owes_first, owes_last, owes_count)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM endpoint WHERE id = ?1)
         ON CONFLICT (endpoint, lane) DO UPDATE SET owes_first = excluded.owes_first,
             owes_last = excluded.owes_last, owes_count = excluded.owes_count",
        params![endpoint.as_str(), lane, first, last, count],
    )?;
    Ok(())
}

/// Notes that a lane owes nothing any more.
pub(super) fn paid(
    connection: &Connection,
    endpoint: &EndpointId,
    lane: u8,
) -> Result<(), StoreError> {
    run(
        connection,
        "UPDATE lane SET owes_first = NULL, owes_last = NULL, owes_count = NULL
         WHERE endpoint = ?1 AND lane = ?2",
        params![endpoint.as_str(), lane],
    )?;
    Ok(())
}

/// Writes down for people what a receiver missed.
pub(in crate::outbox) fn lost(
    connection: &Connection,
    endpoint: &EndpointId,
    gap: Gap,
    reason: &str,
    at_ms: u64,
) -> Result<(), StoreError> {
    let [first, last, count] = numbers(gap);
    run(
        connection,
        "INSERT INTO lost (app, endpoint, gap_first, gap_last, gap_count, reason, at_ms)
         SELECT app, id, ?2, ?3, ?4, ?5, ?6 FROM endpoint WHERE id = ?1",
        params![endpoint.as_str(), first, last, count, reason, int(at_ms)],
    )?;
    Ok(())
}
