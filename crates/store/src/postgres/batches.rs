//! Batches that go, with their bodies and their attempts.

use std::collections::HashMap;

use bellwire_webhooks::ids::EndpointId;

use super::session::Session;
use crate::StoreError;
pub(super) use crate::batches::PART;
use crate::rows::int;

/// Removes batches of an endpoint until so many rows are gone; how many were.
pub(super) fn remove_of(
    session: &mut Session,
    endpoint: &EndpointId,
    room: u64,
) -> Result<u64, StoreError> {
    let sql = "SELECT id FROM batch WHERE endpoint = $1 ORDER BY id LIMIT $2";
    let params: [&(dyn ::postgres::types::ToSql + Sync); 2] = [&endpoint.as_str(), &int(room)];
    let ids = session.collect(sql, &params, |row| Ok(row.try_get::<_, i64>(0)?))?;
    remove(session, &ids, room)
}

/// Removes these batches, in this order, until so many rows are gone; how many were.
pub(super) fn remove(session: &mut Session, ids: &[i64], room: u64) -> Result<u64, StoreError> {
    let sql = "SELECT batch, count(*) FROM attempt WHERE batch = ANY($1) GROUP BY batch";
    let attempts = session.collect(sql, &[&ids], |row| Ok((row.try_get(0)?, row.try_get(1)?)))?;
    let attempts: HashMap<i64, i64> = attempts.into_iter().collect();
    let mut gone = 0;
    let those = ids.iter().take_while(|id| {
        let has_room = gone < room;
        gone += 1 + attempts.get(id).map_or(0, |count| count.unsigned_abs());
        has_room
    });
    let those: Vec<i64> = those.copied().collect();
    let rows = session.run("DELETE FROM attempt WHERE batch = ANY($1)", &[&those])?;
    session.run("DELETE FROM batch_body WHERE batch = ANY($1)", &[&those])?;
    Ok(rows + session.run("DELETE FROM batch WHERE id = ANY($1)", &[&those])?)
}
