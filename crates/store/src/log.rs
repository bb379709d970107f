//! The log of an app through a filter, as replays repeat it and as people count it first.

use bellwire_protocol::AppId;
use bellwire_webhooks::event::{COUNT_CHANGED, Kind, lane_of};
use bellwire_webhooks::replay::LogFilter;
use rusqlite::{Connection, Row, params};

use crate::StoreError;
use crate::rows::{collect, int, kind_number};

/// Reads columns of the events that pass the filter, ascending, after a place, at most as many.
pub(crate) fn scan<T>(
    connection: &Connection,
    columns: &str,
    app: &AppId,
    filter: &LogFilter,
    after: u64,
    limit: u64,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let Some(kind) = kind_in(filter) else { return Ok(Vec::new()) };
    let channel = filter.channel.as_deref();
    let (first, last) = places(filter, after);
    let params = params![
        app.as_str(),
        int(first),
        int(last),
        int(filter.span.from_ms.unwrap_or(0)),
        int(filter.span.to_ms.unwrap_or(u64::MAX)),
        kind.map_or(0, kind_number),
        int(limit),
        channel.map(lane_of),
        channel,
    ];
    collect(connection, &sql(columns, channel.is_some()), params, read)
}

/// The question. A channel is looked for in its lane only.
pub(crate) fn sql(columns: &str, of_channel: bool) -> String {
    let (index, channel) = match of_channel {
        true => ("INDEXED BY event_by_lane", "lane = ?8 AND channel = ?9"),
        false => ("", "?8 IS ?9"),
    };
    format!(
        "SELECT {columns} FROM event {index}
         WHERE app = ?1 AND seq BETWEEN ?2 AND ?3 AND at_ms BETWEEN ?4 AND ?5
             AND ?6 IN (0, kind) AND {channel}
         ORDER BY seq LIMIT ?7"
    )
}

/// The first and the last place that a filter lets through after another.
pub(crate) fn places(filter: &LogFilter, after: u64) -> (u64, u64) {
    let first = filter.from_seq.unwrap_or(0).max(after.saturating_add(1));
    (first, filter.to_seq.unwrap_or(u64::MAX))
}

/// The kind that a filter lets through, if it names one; nothing, if there is no such kind.
pub(crate) fn kind_in(filter: &LogFilter) -> Option<Option<Kind>> {
    match filter.event.as_deref() {
        None => Some(None),
        Some(COUNT_CHANGED) => Some(Some(Kind::SubscriptionCount)),
        Some(name) => Kind::named(name).map(Some),
    }
}
