//! What became of deliveries.

use std::collections::HashMap;

use ::postgres::Row;
use bellwire_protocol::{AppId, ChannelName};
use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::batch::REPLAY_LANE;
use bellwire_webhooks::event::{COUNT_CHANGED, Kind, lane_of};
use bellwire_webhooks::ids::BatchId;
use bellwire_webhooks::ledger::{Delivery, DeliveryFilter, DeliveryStatus, Lost};

use crate::StoreError;
use crate::ledger::deliveries::{GAPS_MAX, PAGE_MAX};
use crate::postgres::rows::{self, number, number_if_any, owned, small, text};
use crate::postgres::search::Search;
use crate::postgres::session::Session;
use crate::rows::{ATTEMPT, BATCH, BATCH_COLUMNS, int, outcome, outcome_number, parse};

/// A page of deliveries, newest first.
pub(super) fn page(
    session: &mut Session,
    filter: &DeliveryFilter,
) -> Result<Vec<Delivery>, StoreError> {
    let Some(mut search) = search(filter) else { return Ok(Vec::new()) };
    let body = if filter.event.is_some() || filter.channel.is_some() {
        "JOIN batch_body y ON y.batch = b.id"
    } else {
        ""
    };
    let limit = search.value(i64::from(filter.limit.min(PAGE_MAX)));
    let terms = search.terms();
    let sql =
        format!("SELECT b.id FROM batch b {body} WHERE {terms} ORDER BY b.id DESC LIMIT {limit}");
    let ids = session.collect(&sql, &search.values(), |row| Ok(row.try_get(0)?))?;
    these(session, &ids)
}

/// One delivery with every attempt.
pub(super) fn with_attempts(
    session: &mut Session,
    id: BatchId,
) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
    let id = int(id.number());
    let Some(delivery) = these(session, &[id])?.pop() else { return Ok(None) };
    let sql = format!("SELECT {ATTEMPT} FROM attempt WHERE batch = $1 ORDER BY number");
    let attempts = session.collect(&sql, &[&id], rows::attempt)?;
    Ok(Some((delivery, attempts)))
}

/// What receivers of an app missed, newest first.
pub(super) fn gaps(session: &mut Session, app: &AppId) -> Result<Vec<Lost>, StoreError> {
    let sql = "SELECT endpoint, gap_first, gap_last, gap_count, reason, at_ms FROM lost
         WHERE app = $1 ORDER BY id DESC LIMIT $2";
    let found = session.collect(sql, &[&app.as_str(), &i64::from(GAPS_MAX)], |row| {
        let Some(gap) = rows::gap(row, 1)? else { return Ok(None) };
        Ok(Some(Lost {
            endpoint: parse("lost", text(row, 0)?)?,
            gap,
            reason: owned(row, 4)?,
            at_ms: number(row, 5)?,
        }))
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Deliveries with these numbers, newest first.
fn these(session: &mut Session, ids: &[i64]) -> Result<Vec<Delivery>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT ON (batch) {ATTEMPT} FROM attempt WHERE batch = ANY($1)
         ORDER BY batch, number DESC"
    );
    let last = session.collect(&sql, &[&ids], rows::attempt)?;
    let mut last: HashMap<BatchId, Attempt> =
        last.into_iter().map(|attempt| (attempt.batch, attempt)).collect();
    let sql = format!(
        "SELECT {BATCH}, b.outcome, b.ended_at_ms, (SELECT count(*) FROM attempt WHERE batch = b.id)
         FROM batch b JOIN batch_body y ON y.batch = b.id WHERE b.id = ANY($1) ORDER BY b.id DESC"
    );
    session.collect(&sql, &[&ids], |row| delivery(row, &mut last))
}

fn delivery(row: &Row, last: &mut HashMap<BatchId, Attempt>) -> Result<Delivery, StoreError> {
    let batch = rows::batch(row)?;
    let ended: Option<i64> = row.try_get(BATCH_COLUMNS)?;
    Ok(Delivery {
        status: match ended {
            Some(number) => DeliveryStatus::Ended(outcome(number)?),
            None => DeliveryStatus::Pending,
        },
        ended_at_ms: number_if_any(row, BATCH_COLUMNS + 1)?,
        attempts: small("attempt", row, BATCH_COLUMNS + 2)?,
        last: last.remove(&batch.id),
        batch,
    })
}

/// What a filter asks of the database; nothing, if nothing can pass it.
fn search(filter: &DeliveryFilter) -> Option<Search> {
    let mut search = Search::new();
    search.and_if("b.app = $", filter.app.as_ref().map(ToString::to_string));
    search.and_if("b.endpoint = $", filter.endpoint.as_ref().map(ToString::to_string));
    if let Some(status) = filter.status {
        search.also(match status {
            DeliveryStatus::Pending => "b.outcome IS NULL".into(),
            DeliveryStatus::Ended(outcome) => format!("b.outcome = {}", outcome_number(outcome)),
        });
    }
    search.and_if("b.id < $", filter.before.map(|before| int(before.number())));
    search.and_if("b.time_ms >= $", filter.from_ms.map(int));
    search.and_if("b.time_ms <= $", filter.to_ms.map(int));
    // We wrote the events: a key of theirs stands with its quotes nowhere but as a key.
    if let Some(name) = &filter.event {
        if Kind::named(name).is_none() && name != COUNT_CHANGED {
            return None;
        }
        search.and("strpos(y.events, $) > 0", format!("\"name\":\"{name}\""));
    }
    if let Some(channel) = &filter.channel {
        channel.parse::<ChannelName>().ok()?;
        search.also(format!("b.lane IN ({}, {REPLAY_LANE})", lane_of(channel)));
        search.and("strpos(y.events, $) > 0", format!("\"channel\":\"{channel}\""));
    }
    Some(search)
}
