//! Who waits for what of a log.

use bellwire_protocol::AppId;
use rusqlite::Connection;

use crate::rows::{self, collect, number, parse, text};
use crate::waiting::Waiting;
use crate::{StoreError, endpoints};

/// The endpoints of an app that are behind.
pub(super) fn waiting(connection: &Connection, app: &AppId) -> Result<Vec<Waiting>, StoreError> {
    let sql = "SELECT e.id, e.terms, b.after
         FROM endpoint e INDEXED BY endpoint_by_app CROSS JOIN behind b ON b.endpoint = e.id
         WHERE e.app = ?1";
    collect(connection, sql, [app.as_str()], |row| {
        let endpoint = parse("endpoint", text(row, 0)?)?;
        let terms = endpoints::terms(&endpoint, text(row, 1)?)?;
        let mut waiting = Waiting::after(endpoint, terms, number(row, 2)?);
        lanes(connection, &mut waiting)?;
        Ok(waiting)
    })
}

/// What its lanes know better.
fn lanes(connection: &Connection, waiting: &mut Waiting) -> Result<(), StoreError> {
    let sql = "SELECT lane, previous, owes_first, owes_last, owes_count FROM lane
         WHERE endpoint = ?1";
    let lanes = collect(connection, sql, [waiting.endpoint.as_str()], |row| {
        Ok((row.get::<_, u8>(0)?, number(row, 1)?, rows::gap(row, 2)?))
    })?;
    for (lane, previous, owes) in lanes {
        waiting.lane(lane, previous, owes);
    }
    Ok(())
}
