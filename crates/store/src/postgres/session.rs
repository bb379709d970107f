//! One connection, with the statements that it has prepared.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;

use ::postgres::fallible_iterator::FallibleIterator as _;
use ::postgres::types::ToSql;
use ::postgres::{Client, Row, Statement};

use crate::StoreError;

/// The parameters of a statement.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection to PostgreSQL.
pub(crate) struct Session {
    client: Client,
    /// By their texts.
    prepared: HashMap<String, Statement>,
}

/// Statements that stay prepared; more than one user of a connection has.
const STATEMENTS: usize = 256;

impl Session {
    pub(super) fn new(client: Client) -> Self {
        Self { client, prepared: HashMap::new() }
    }

    /// Runs statements without parameters or answers.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        Ok(self.client.batch_execute(sql)?)
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) fn run(&mut self, sql: &str, params: Params<'_>) -> Result<u64, StoreError> {
        let statement = self.prepare(sql)?;
        Ok(self.client.execute(&statement, params)?)
    }

    /// Asks for rows.
    pub(crate) fn rows(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepare(sql)?;
        Ok(self.client.query(&statement, params)?)
    }

    /// Asks for rows, and makes something of each.
    pub(crate) fn collect<T>(
        &mut self,
        sql: &str,
        params: Params<'_>,
        read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.rows(sql, params)?.iter().map(read).collect()
    }

    /// Asks for one row, and makes something of it.
    pub(crate) fn one<T>(
        &mut self,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.rows(sql, params)?.first().map(read).transpose()
    }

    /// Whether there is such a row.
    pub(crate) fn exists(&mut self, sql: &str, params: Params<'_>) -> Result<bool, StoreError> {
        Ok(!self.rows(sql, params)?.is_empty())
    }

    /// Asks for rows, and hears one after the other: a million of them take no memory here.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        params: Params<'_>,
        mut hear: impl FnMut(&Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let statement = self.prepare(sql)?;
        let params = params.iter().map(|param| *param as &dyn ToSql);
        let params: Vec<&dyn ToSql> = params.collect();
        let mut rows = self.client.query_raw(&statement, params)?;
        while let Some(row) = rows.next()? {
            hear(&row)?;
        }
        Ok(())
    }

    /// Fills a table by a COPY, of which the work writes the lines; how many rows arrived.
    pub(crate) fn fill(
        &mut self,
        sql: &str,
        work: impl FnOnce(&mut dyn Write) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut lines = self.client.copy_in(sql)?;
        work(&mut lines)?;
        Ok(lines.finish()?)
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        if self.prepared.len() >= STATEMENTS {
            self.prepared.clear();
        }
        let statement = self.client.prepare(sql)?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("prepared", &self.prepared.len()).finish_non_exhaustive()
    }
}
