//! One connection, with the statements that it has prepared.

use std::collections::HashMap;
use std::fmt;
use std::io::Write;
use std::time::Duration;

use ::postgres::fallible_iterator::FallibleIterator as _;
use ::postgres::types::ToSql;
use ::postgres::{Client, Row, SimpleQueryMessage, Statement};

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

    /// Runs statements without parameters, all in one message; how many rows the last one changed.
    pub(crate) fn script(&mut self, sql: &str) -> Result<u64, StoreError> {
        let answers = self.client.simple_query(sql)?;
        let changed = answers.iter().rev().find_map(|answer| match answer {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        });
        Ok(changed.unwrap_or(0))
    }

    /// The same; what stands in this column of a row that was answered, if there is one.
    pub(crate) fn found(&mut self, sql: &str, column: &str) -> Result<Option<String>, StoreError> {
        let answers = self.client.simple_query(sql)?;
        let found = answers.iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => row.try_get(column).ok().flatten(),
            _ => None,
        });
        Ok(found.map(str::to_owned))
    }

    /// The channels on which somebody has notified us: those that are there, or the next that comes in
    /// time; nothing, if none will come any more.
    pub(crate) fn notified(
        &mut self,
        patience: Duration,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let mut notifications = self.client.notifications();
        let mut names = Vec::new();
        let next = notifications.timeout_iter(patience).next()?;
        names.extend(next.map(|next| next.channel().to_owned()));
        while let Some(next) = notifications.iter().next()? {
            names.push(next.channel().to_owned());
        }
        drop(notifications);
        // A connection that is lost is quiet too.
        let is_over = names.is_empty() && self.client.is_closed();
        Ok((!is_over).then_some(names))
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
