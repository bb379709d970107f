//! Moves a node's store to a cluster: all that must not be lost, from SQLite to PostgreSQL.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::Postgres;
use super::rows::{clean, escaped, number};
use super::session::Session;
use crate::{Sqlite, StoreError};

/// What was copied: the rows of each table that has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied(pub Vec<(&'static str, u64)>);

/// The tables and their columns, a table before those that refer to it. The state of the outbox is
/// not among them, nor is the number of changes: that counts on by itself.
const TABLES: [(&str, &[&str]); 23] = [
    ("account", &["id", "name", "plan", "created_at_ms"]),
    ("person", &["id", "email", "name", "password", "is_operator", "created_at_ms"]),
    ("member", &["account", "person", "role", "joined_at_ms"]),
    (
        "invitation",
        &["id", "account", "hash", "email", "role", "invited_by", "created_at_ms", "expires_at_ms"],
    ),
    ("session", &["id", "hash", "person", "created_at_ms", "seen_at_ms", "address", "agent"]),
    (
        "token",
        &[
            "id",
            "name",
            "hash",
            "account",
            "app",
            "scope",
            "created_by",
            "created_at_ms",
            "last_used_ms",
        ],
    ),
    (
        "audit",
        &[
            "id",
            "at_ms",
            "account",
            "app",
            "actor_kind",
            "actor_id",
            "actor_name",
            "address",
            "action",
            "target",
            "changes",
        ],
    ),
    ("app", &["id", "account", "settings", "created_at_ms"]),
    ("app_key", &["key", "app", "secret", "active", "created_at_ms"]),
    (
        "endpoint",
        &[
            "id",
            "app",
            "terms",
            "origin",
            "created_at_ms",
            "disabled_reason",
            "disabled_at_ms",
            "failing_since_ms",
        ],
    ),
    ("endpoint_secret", &["endpoint", "text", "created_at_ms", "expires_at_ms"]),
    ("event", &["app", "seq", "kind", "lane", "channel", "user", "at_ms", "body"]),
    ("app_log", &["app", "last_seq"]),
    ("announced", &["app", "channel", "user", "seq"]),
    ("behind", &["endpoint", "after"]),
    ("lane", &["endpoint", "lane", "previous", "owes_first", "owes_last", "owes_count"]),
    (
        "batch",
        &[
            "id",
            "app",
            "endpoint",
            "lane",
            "time_ms",
            "previous",
            "gap_first",
            "gap_last",
            "gap_count",
            "deadline_ms",
            "replay",
            "parent",
            "outcome",
            "ended_at_ms",
        ],
    ),
    ("batch_body", &["batch", "seqs", "events"]),
    (
        "attempt",
        &[
            "batch",
            "number",
            "at_ms",
            "duration_ms",
            "status",
            "failure",
            "detail",
            "remote",
            "retry_after_ms",
            "body",
            "request_head",
        ],
    ),
    ("lost", &["id", "app", "endpoint", "gap_first", "gap_last", "gap_count", "reason", "at_ms"]),
    (
        "replay",
        &[
            "id",
            "app",
            "endpoint",
            "repeats",
            "created_at_ms",
            "total",
            "cursor",
            "delivered",
            "failed",
            "state",
        ],
    ),
    ("stat", &["app", "step_s", "at_s", "numbers"]),
    (
        "mistake",
        &["app", "id", "kind", "code", "message", "count", "first_at_ms", "last_at_ms", "example"],
    ),
];

/// Copies everything to a database in which there is nothing, all of it or nothing. No server may run
/// on either: what one writes to the old store meanwhile stays behind.
///
/// # Errors
/// When one of them cannot be read or written, or there is something in the new one.
pub fn copy(from: &Sqlite, to: &Postgres) -> Result<Copied, StoreError> {
    from.read(|from| {
        to.write(|to| {
            to.run("SELECT 1 FROM outbox FOR UPDATE", &[])?;
            must_be_empty(to)?;
            let mut copied = Vec::new();
            for (table, columns) in TABLES {
                let rows = copy_table(from, to, table, columns)?;
                copied.extend((rows > 0).then_some((table, rows)));
            }
            copy_outbox(from, to)?;
            // The ids go on after the last; what is known of the tables makes good plans at once.
            for table in ["audit", "lost"] {
                to.batch(&format!(
                    "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
                ))?;
            }
            to.batch(&format!("ANALYZE {}", TABLES.map(|(table, _)| table).join(", ")))?;
            Ok(Copied(copied))
        })
    })
}

fn must_be_empty(to: &mut Session) -> Result<(), StoreError> {
    let tables = TABLES.iter().map(|(table, _)| *table).chain(["node", "feed"]);
    for table in tables {
        if to.exists(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])? {
            return Err(StoreError::NotEmpty(table));
        }
    }
    Ok(())
}

/// Copies a table, as PostgreSQL itself would write it to a file; how many rows it has.
fn copy_table(
    from: &Connection,
    to: &mut Session,
    table: &'static str,
    columns: &[&str],
) -> Result<u64, StoreError> {
    let names: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    let names = names.join(", ");
    let mut statement = from.prepare(&format!("SELECT {names} FROM {table}"))?;
    let mut rows = statement.query([])?;
    let (mut read, mut line) = (0, Vec::new());
    let written = to.fill(&format!("COPY {table} ({names}) FROM STDIN"), |out| {
        while let Some(row) = rows.next()? {
            read += 1;
            line.clear();
            for (at, column) in columns.iter().enumerate() {
                line.extend((at > 0).then_some(b'\t'));
                write_value(&mut line, table, column, row.get_ref(at)?)?;
            }
            line.push(b'\n');
            out.write_all(&line).map_err(not_written)?;
        }
        Ok(())
    })?;
    let why = || StoreError::Row { table, why: format!("of {read} rows {written} arrived") };
    if read == written { Ok(read) } else { Err(why()) }
}

fn write_value(
    line: &mut Vec<u8>,
    table: &'static str,
    column: &str,
    value: ValueRef<'_>,
) -> Result<(), StoreError> {
    match value {
        ValueRef::Null => line.extend(b"\\N"),
        ValueRef::Integer(number) => line.extend(number.to_string().bytes()),
        ValueRef::Real(number) => line.extend(number.to_string().bytes()),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text)
                .map_err(|error| StoreError::Row { table, why: format!("{column}: {error}") })?;
            write_text(line, &if column == "user" { escaped(text) } else { clean(text) });
        }
        ValueRef::Blob(bytes) => {
            line.extend(b"\\\\x");
            line.extend(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
        }
    }
    Ok(())
}

fn write_text(line: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => line.extend(b"\\\\"),
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            b'\t' => line.extend(b"\\t"),
            byte => line.push(byte),
        }
    }
}

/// The run goes on above both, so that whoever has opened either can keep nothing more in the new.
fn copy_outbox(from: &Connection, to: &mut Session) -> Result<(), StoreError> {
    let sql = "SELECT run, last_transaction, last_batch FROM outbox";
    let [run, transaction, batch]: [i64; 3] =
        from.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
    let newer = to.one("SELECT run FROM outbox", &[], |row| number(row, 0))?;
    let run = run.max(newer.unwrap_or(0).cast_signed()) + 1;
    let sql = "UPDATE outbox SET run = $1, last_transaction = $2, last_batch = $3";
    to.run(sql, &[&run, &transaction, &batch])?;
    Ok(())
}

/// What PostgreSQL says while rows are on their way to it comes as an error of writing.
pub(super) fn not_written(error: std::io::Error) -> StoreError {
    match error.downcast::<::postgres::Error>() {
        Ok(error) => StoreError::Postgres(error),
        Err(error) => StoreError::Row { table: "any", why: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_and_no_column_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path()).unwrap();
        let connection = crate::lock(&store.writer);
        let names = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let names = statement.query_map([], |row| row.get(0)).unwrap();
            let mut names: Vec<String> = names.map(Result::unwrap).collect();
            names.sort();
            names
        };
        let mut tables: Vec<&str> = TABLES.iter().map(|(table, _)| *table).collect();
        tables.extend(["change", "outbox", "setup"]);
        tables.sort_unstable();
        let is_table = "type = 'table' AND name NOT LIKE 'sqlite_%'";
        assert_eq!(names(&format!("SELECT name FROM sqlite_schema WHERE {is_table}")), tables);
        for (table, columns) in TABLES {
            let mut columns = columns.to_vec();
            columns.sort_unstable();
            let found = names(&format!("SELECT name FROM pragma_table_info('{table}')"));
            assert_eq!(found, columns, "{table}");
        }
    }

    #[test]
    fn a_text_is_written_on_one_line() {
        let mut line = Vec::new();
        write_text(&mut line, "a\\b\nc\td\re\u{fc}\\N");
        assert_eq!(String::from_utf8(line).unwrap(), "a\\\\b\\nc\\td\\re\u{fc}\\\\N");
    }
}
