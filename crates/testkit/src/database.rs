//! The server's database, changed behind its back.

use std::path::Path;

use rusqlite::Connection;

/// Runs a statement and says how many rows it changed.
#[track_caller]
pub fn execute(file: &Path, sql: &str) -> usize {
    open(file).execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Makes a copy of what is committed, whoever has the original open.
#[track_caller]
pub fn copy(file: &Path, to: &Path) {
    let to = to.to_str().expect("a path that SQLite can read");
    open(file).execute("VACUUM INTO ?1", [to]).expect("cannot copy the database");
}

#[track_caller]
fn open(file: &Path) -> Connection {
    Connection::open(file).expect("cannot open the database")
}
