//! What a former run has left, as in [`crate::outbox`].

use bellwire_protocol::AppId;
use bellwire_webhooks::batch::{Batch, Gap};
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::outbox::{Announced, Remains};

use crate::StoreError;
use crate::postgres::READ;
use crate::postgres::rows::{self, ANNOUNCED, number, small, text};
use crate::postgres::session::Session;
use crate::rows::{BATCH, BATCH_COLUMNS, parse};

/// Reads it, as of one moment. What is announced goes to `hear` row by row, so that a million of
/// them take no memory here.
pub(super) fn recover(
    session: &mut Session,
    hear: &mut dyn FnMut(Announced),
) -> Result<Remains, StoreError> {
    // Here whole tables are read.
    session.batch(&format!("{READ}; SET LOCAL enable_seqscan = on"))?;
    session.each(&format!("SELECT {ANNOUNCED} FROM announced"), &[], |row| {
        hear(rows::announced(row)?);
        Ok(())
    })?;
    let sql = "SELECT last_transaction, last_batch FROM outbox";
    let last = session.one(sql, &[], |row| Ok((number(row, 0)?, number(row, 1)?)))?;
    let (last_transaction, last_batch) = last.unwrap_or_default();
    let remains = Remains {
        last_transaction,
        last_seqs: last_seqs(session)?,
        last_batch: (last_batch > 0).then(|| BatchId::of(last_batch)),
        open: open(session)?,
        behind: behind(session)?,
        owed: owed(session)?,
        previous: previous(session)?,
    };
    session.batch("COMMIT")?;
    Ok(remains)
}

fn last_seqs(session: &mut Session) -> Result<Vec<(AppId, u64)>, StoreError> {
    session.collect("SELECT app, last_seq FROM app_log", &[], |row| {
        Ok((parse("app_log", text(row, 0)?)?, number(row, 1)?))
    })
}

fn open(session: &mut Session) -> Result<Vec<(Batch, u32)>, StoreError> {
    let sql = format!(
        "SELECT {BATCH}, (SELECT COALESCE(max(number), 0) FROM attempt WHERE batch = b.id)
         FROM batch b JOIN batch_body y ON y.batch = b.id
         WHERE b.outcome IS NULL AND EXISTS (SELECT 1 FROM endpoint WHERE id = b.endpoint)
         ORDER BY b.id"
    );
    let mut open = Vec::new();
    session.each(&sql, &[], |row| {
        open.push((rows::batch(row)?, small("attempt", row, BATCH_COLUMNS)?));
        Ok(())
    })?;
    Ok(open)
}

fn behind(session: &mut Session) -> Result<Vec<(EndpointId, u64)>, StoreError> {
    session.collect("SELECT endpoint, after FROM behind", &[], |row| {
        Ok((parse("behind", text(row, 0)?)?, number(row, 1)?))
    })
}

fn previous(session: &mut Session) -> Result<Vec<(EndpointId, u8, u64)>, StoreError> {
    let sql = "SELECT endpoint, lane, previous FROM lane WHERE previous > 0";
    session.collect(sql, &[], |row| {
        let (endpoint, lane) = rows::lane(row, 0)?;
        Ok((endpoint, lane, number(row, 2)?))
    })
}

fn owed(session: &mut Session) -> Result<Vec<(EndpointId, u8, Gap)>, StoreError> {
    let sql = "SELECT endpoint, lane, owes_first, owes_last, owes_count FROM lane
         WHERE owes_first IS NOT NULL";
    let found = session.collect(sql, &[], |row| {
        let (endpoint, lane) = rows::lane(row, 0)?;
        Ok(rows::gap(row, 2)?.map(|gap| (endpoint, lane, gap)))
    })?;
    Ok(found.into_iter().flatten().collect())
}
