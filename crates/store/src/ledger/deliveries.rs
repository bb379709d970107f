//! What became of deliveries.

use bellwire_protocol::ChannelName;
use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::batch::REPLAY_LANE;
use bellwire_webhooks::event::{COUNT_CHANGED, Kind, lane_of};
use bellwire_webhooks::ids::BatchId;
use bellwire_webhooks::ledger::{Delivery, DeliveryFilter, DeliveryStatus, Lost};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use crate::StoreError;
use crate::rows::{
    self, ATTEMPT, BATCH, BATCH_COLUMNS, collect, int, number, number_if_any, outcome,
    outcome_number, parse, text,
};

/// Deliveries of a page at most.
pub(crate) const PAGE_MAX: u32 = 1_000;
/// Gaps that are listed at most.
pub(crate) const GAPS_MAX: u32 = 1_000;

/// A page of deliveries, newest first.
pub(super) fn page(
    connection: &Connection,
    filter: &DeliveryFilter,
) -> Result<Vec<Delivery>, StoreError> {
    let Some(search) = Search::of(filter) else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT b.id FROM batch b {} WHERE {} ORDER BY b.id DESC LIMIT {}",
        if search.reads_events { "CROSS JOIN batch_body y ON y.batch = b.id" } else { "" },
        search.terms.join(" AND "),
        filter.limit.min(PAGE_MAX)
    );
    let params = params_from_iter(search.values);
    let ids = collect(connection, &sql, params, |row| Ok(BatchId::of(number(row, 0)?)))?;
    let found = ids.into_iter().map(|id| one(connection, id));
    found.filter_map(Result::transpose).collect()
}

/// One delivery with every attempt.
pub(super) fn with_attempts(
    connection: &Connection,
    id: BatchId,
) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
    let Some(delivery) = one(connection, id)? else { return Ok(None) };
    let sql = format!("SELECT {ATTEMPT} FROM attempt WHERE batch = ?1 ORDER BY number");
    let attempts = collect(connection, &sql, [int(id.number())], rows::attempt)?;
    Ok(Some((delivery, attempts)))
}

/// What receivers of an app missed, newest first.
pub(super) fn gaps(
    connection: &Connection,
    app: &bellwire_protocol::AppId,
) -> Result<Vec<Lost>, StoreError> {
    let sql = "SELECT endpoint, gap_first, gap_last, gap_count, reason, at_ms FROM lost
         WHERE app = ?1 ORDER BY id DESC LIMIT ?2";
    let found = collect(connection, sql, params![app.as_str(), GAPS_MAX], |row| {
        let Some(gap) = rows::gap(row, 1)? else { return Ok(None) };
        Ok(Some(Lost {
            endpoint: parse("lost", text(row, 0)?)?,
            gap,
            reason: row.get(4)?,
            at_ms: number(row, 5)?,
        }))
    })?;
    Ok(found.into_iter().flatten().collect())
}

fn one(connection: &Connection, id: BatchId) -> Result<Option<Delivery>, StoreError> {
    let sql = format!(
        "SELECT {BATCH}, b.outcome, b.ended_at_ms, (SELECT count(*) FROM attempt WHERE batch = b.id)
         FROM batch b CROSS JOIN batch_body y ON y.batch = b.id WHERE b.id = ?1"
    );
    let found = collect(connection, &sql, [int(id.number())], |row| {
        let ended: Option<i64> = row.get(BATCH_COLUMNS)?;
        Ok(Delivery {
            batch: rows::batch(row)?,
            status: match ended {
                Some(number) => DeliveryStatus::Ended(outcome(number)?),
                None => DeliveryStatus::Pending,
            },
            ended_at_ms: number_if_any(row, BATCH_COLUMNS + 1)?,
            attempts: row.get(BATCH_COLUMNS + 2)?,
            last: last_attempt(connection, id)?,
        })
    })?;
    Ok(found.into_iter().next())
}

fn last_attempt(connection: &Connection, id: BatchId) -> Result<Option<Attempt>, StoreError> {
    let sql =
        format!("SELECT {ATTEMPT} FROM attempt WHERE batch = ?1 ORDER BY number DESC LIMIT 1");
    let found = collect(connection, &sql, [int(id.number())], rows::attempt)?;
    Ok(found.into_iter().next())
}

/// What a filter asks of the database.
struct Search {
    terms: Vec<String>,
    values: Vec<Value>,
    /// Whether what was sent is looked into.
    reads_events: bool,
}

impl Search {
    /// Nothing, if nothing can pass the filter.
    fn of(filter: &DeliveryFilter) -> Option<Self> {
        let reads_events = filter.event.is_some() || filter.channel.is_some();
        let mut search = Self { terms: vec!["TRUE".into()], values: Vec::new(), reads_events };
        if let Some(app) = &filter.app {
            search.add("b.app = ?", app.to_string());
        }
        if let Some(endpoint) = &filter.endpoint {
            search.add("b.endpoint = ?", endpoint.to_string());
        }
        // Not a parameter: the index of what has failed is used only if that is said.
        search.terms.extend(filter.status.map(|status| match status {
            DeliveryStatus::Pending => "b.outcome IS NULL".into(),
            DeliveryStatus::Ended(outcome) => format!("b.outcome = {}", outcome_number(outcome)),
        }));
        if let Some(before) = filter.before {
            search.add("b.id < ?", int(before.number()));
        }
        search.add_span(filter);
        search.add_events(filter).then_some(search)
    }

    fn add(&mut self, term: &str, value: impl Into<Value>) {
        self.terms.push(term.into());
        self.values.push(value.into());
    }

    fn add_span(&mut self, filter: &DeliveryFilter) {
        if let Some(from_ms) = filter.from_ms {
            self.add("b.time_ms >= ?", int(from_ms));
        }
        if let Some(to_ms) = filter.to_ms {
            self.add("b.time_ms <= ?", int(to_ms));
        }
    }

    /// We wrote the events: a key of theirs stands with its quotes nowhere but as a key, because in
    /// a text they would be escaped. Whether anything can pass.
    fn add_events(&mut self, filter: &DeliveryFilter) -> bool {
        if let Some(name) = &filter.event {
            if Kind::named(name).is_none() && name != COUNT_CHANGED {
                return false;
            }
            self.add("instr(y.events, ?)", format!("\"name\":\"{name}\""));
        }
        if let Some(channel) = &filter.channel {
            if channel.parse::<ChannelName>().is_err() {
                return false;
            }
            self.terms.push(format!("b.lane IN ({}, {REPLAY_LANE})", lane_of(channel)));
            self.add("instr(y.events, ?)", format!("\"channel\":\"{channel}\""));
        }
        true
    }
}
