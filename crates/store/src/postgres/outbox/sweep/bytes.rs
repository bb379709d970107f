//! How much there is. The files of tables do not shrink when rows go, so what is in them is counted:
//! all of it in a small table, in a large one what some of its pages hold.

use crate::StoreError;
use crate::postgres::session::Session;

/// A table, and what its rows hold; the rest of a row and its indexes are a constant, about.
const TABLES: [(&str, &str); 4] = [
    ("event", "pg_column_size(body) + 200"),
    ("batch", "200"),
    ("batch_body", "pg_column_size(events) + pg_column_size(seqs) + 80"),
    ("attempt", "pg_column_size(body) + pg_column_size(request_head) + 160"),
];
/// Pages of a table that are looked at, about: enough to err by a few parts of a hundred.
const PAGES: f64 = 1_000.0;

/// Bytes of the log and the deliveries.
pub(super) fn bytes(session: &mut Session) -> Result<u64, StoreError> {
    TABLES.iter().try_fold(0, |sum, (table, row)| Ok(sum + bytes_of(session, table, row)?))
}

fn bytes_of(session: &mut Session, table: &str, row: &str) -> Result<u64, StoreError> {
    let sql = format!("SELECT pg_relation_size('{table}') / current_setting('block_size')::bigint");
    let pages = session.one(&sql, &[], |row| Ok(row.try_get::<_, i64>(0)?))?.unwrap_or(0);
    let part = (PAGES / pages.max(1) as f64).min(1.0);
    let sql = format!(
        "SELECT COALESCE(sum({row}), 0)::bigint FROM {table} TABLESAMPLE SYSTEM ($1::float8)"
    );
    let found = session.one(&sql, &[&(part * 100.0)], |row| Ok(row.try_get::<_, i64>(0)?))?;
    Ok((found.unwrap_or(0) as f64 / part) as u64)
}
