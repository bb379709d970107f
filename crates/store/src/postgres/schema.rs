//! The tables, made step by step; a step that has landed never changes. Nodes of the version before
//! run on while a step is made: it adds, and takes nothing away that they use.

use super::rows::{number, text};
use super::session::Session;
use crate::StoreError;

/// One step a version, the first leads from an empty database to version 1.
const STEPS: [&str; 6] = [
    include_str!("../schema/postgres/apps.sql"),
    include_str!("../schema/postgres/webhooks.sql"),
    include_str!("../schema/postgres/accounts.sql"),
    include_str!("../schema/postgres/stats.sql"),
    include_str!("../schema/postgres/cluster.sql"),
    include_str!("../schema/postgres/setup.sql"),
];

/// The oldest PostgreSQL that has all that is used here.
const OLDEST: u64 = 13;
/// Nodes that start together take turns, however long a step takes. The number is known to us alone.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = 0;
    SELECT pg_advisory_xact_lock(7163384699739271168);
    CREATE TABLE IF NOT EXISTS schema_version (version bigint NOT NULL)";

/// Of which version the tables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tables {
    /// Of those that were found; 0: there were none of ours.
    pub found: u32,
    /// The newest that this program knows.
    pub known: u32,
}

/// Of which version the tables are; a newer one than this program knows is refused.
pub(super) fn look(session: &mut Session) -> Result<Tables, StoreError> {
    let (found, known) = (version(session)?.unwrap_or(0), STEPS.len() as u32);
    match found <= known {
        true => Ok(Tables { found, known }),
        false => Err(StoreError::Newer { found, known }),
    }
}

/// Brings the database to the newest version, in one transaction; says of which version it was.
pub(super) fn migrate(session: &mut Session) -> Result<Tables, StoreError> {
    let known = STEPS.len() as u32;
    if version(session)? == Some(known) {
        return Ok(Tables { found: known, known });
    }
    must_fit(session)?;
    session.batch(BEGIN)?;
    let Tables { found, .. } = look(session)?;
    for step in &STEPS[found as usize..] {
        session.batch(step)?;
    }
    session.batch(&format!(
        "DELETE FROM schema_version; INSERT INTO schema_version (version) VALUES ({known}); COMMIT"
    ))?;
    Ok(Tables { found, known })
}

/// A database is used only if it can keep what we write.
fn must_fit(session: &mut Session) -> Result<(), StoreError> {
    let sql = "SELECT current_setting('server_encoding'),
             current_setting('server_version_num')::bigint / 10000";
    let found = session.one(sql, &[], |row| Ok((text(row, 0)?.to_owned(), number(row, 1)?)))?;
    match found {
        Some((encoding, _)) if encoding != "UTF8" => {
            Err(StoreError::Unfit(format!("its encoding is {encoding}, and has to be UTF8")))
        }
        Some((_, version)) if version < OLDEST => {
            Err(StoreError::Unfit(format!("PostgreSQL {version} is older than {OLDEST}")))
        }
        _ => Ok(()),
    }
}

/// The version of the database, if it is one of ours.
fn version(session: &mut Session) -> Result<Option<u32>, StoreError> {
    // A statement about a table that is not there would fail.
    if session.exists("SELECT 1 WHERE to_regclass('schema_version') IS NULL", &[])? {
        return Ok(None);
    }
    let sql = "SELECT version FROM schema_version";
    session.one(sql, &[], |row| Ok(number(row, 0)? as u32))
}
