//! What a former run has left.

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::{Batch, Gap};
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::outbox::{Announced, Remains};
use rusqlite::Connection;

use crate::StoreError;
use crate::rows::{self, ANNOUNCED, BATCH, BATCH_COLUMNS, collect, number, parse, text};

/// Reads it, as of one moment. What is announced goes to `hear` row by row, so that a million of
/// them take no memory here.
pub(super) fn recover(
    connection: &mut Connection,
    hear: &mut dyn FnMut(Announced),
) -> Result<Remains, StoreError> {
    let moment = connection.transaction()?;
    announced(&moment, hear)?;
    let (last_transaction, last_batch) =
        moment.query_row("SELECT last_transaction, last_batch FROM outbox", [], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
        })?;
    let remains = Remains {
        last_transaction,
        last_seqs: last_seqs(&moment)?,
        last_batch: (last_batch > 0).then(|| BatchId::of(last_batch)),
        open: open(&moment)?,
        behind: behind(&moment)?,
        owed: owed(&moment)?,
        previous: previous(&moment)?,
    };
    moment.finish()?;
    Ok(remains)
}

fn announced(connection: &Connection, hear: &mut dyn FnMut(Announced)) -> Result<(), StoreError> {
    let mut statement = connection.prepare(&format!("SELECT {ANNOUNCED} FROM announced"))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        hear(rows::announced(row)?);
    }
    Ok(())
}

fn last_seqs(connection: &Connection) -> Result<Vec<(AppId, u64)>, StoreError> {
    collect(connection, "SELECT app, last_seq FROM app_log", [], |row| {
        Ok((parse("app_log", text(row, 0)?)?, number(row, 1)?))
    })
}

fn open(connection: &Connection) -> Result<Vec<(Batch, u32)>, StoreError> {
    let sql = format!(
        "SELECT {BATCH}, (SELECT COALESCE(max(number), 0) FROM attempt WHERE batch = b.id)
         FROM batch b INDEXED BY batch_by_end
             CROSS JOIN endpoint e ON e.id = b.endpoint
             CROSS JOIN batch_body y ON y.batch = b.id
         WHERE b.outcome IS NULL ORDER BY b.id"
    );
    collect(connection, &sql, [], |row| Ok((rows::batch(row)?, row.get(BATCH_COLUMNS)?)))
}

fn behind(connection: &Connection) -> Result<Vec<(EndpointId, u64)>, StoreError> {
    collect(connection, "SELECT endpoint, after FROM behind", [], |row| {
        Ok((parse("behind", text(row, 0)?)?, number(row, 1)?))
    })
}

fn previous(connection: &Connection) -> Result<Vec<(EndpointId, u8, u64)>, StoreError> {
    let sql = "SELECT endpoint, lane, previous FROM lane WHERE previous > 0";
    collect(connection, sql, [], |row| {
        let (endpoint, lane) = rows::lane(row, 0)?;
        Ok((endpoint, lane, number(row, 2)?))
    })
}

fn owed(connection: &Connection) -> Result<Vec<(EndpointId, u8, Gap)>, StoreError> {
    let sql = "SELECT endpoint, lane, owes_first, owes_last, owes_count FROM lane
         WHERE owes_first IS NOT NULL";
    let found = collect(connection, sql, [], |row| {
        let (endpoint, lane) = rows::lane(row, 0)?;
        Ok(rows::gap(row, 2)?.map(|gap| (endpoint, lane, gap)))
    })?;
    Ok(found.into_iter().flatten().collect())
}
