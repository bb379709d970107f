//! The log of an app through a filter, as in [`crate::log`].

use ::postgres::Row;
use bellwire_protocol::AppId;
use bellwire_webhooks::event::lane_of;
use bellwire_webhooks::replay::LogFilter;

use super::rows::clean;
use super::search::Search;
use super::session::Session;
use crate::StoreError;
use crate::log::{kind_in, places};
use crate::rows::{int, kind_number};

/// Reads columns of the events that pass the filter, ascending, after a place, at most as many.
pub(super) fn scan(
    session: &mut Session,
    columns: &str,
    app: &AppId,
    filter: &LogFilter,
    after: u64,
    limit: u64,
    hear: impl FnMut(&Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let Some(kind) = kind_in(filter) else { return Ok(()) };
    let (first, last) = places(filter, after);
    let mut search = Search::new();
    search.and("app = $", app.to_string());
    search.and("seq >= $", int(first));
    search.and("seq <= $", int(last));
    search.and_if("at_ms >= $", filter.span.from_ms.map(int));
    search.and_if("at_ms <= $", filter.span.to_ms.map(int));
    search.and_if("kind = $", kind.map(kind_number));
    // A channel is looked for in its lane only.
    search.and_if("lane = $", filter.channel.as_deref().map(lane_of).map(i64::from));
    search.and_if("channel = $", filter.channel.as_deref().map(|name| clean(name).into_owned()));
    let limit = search.value(int(limit));
    let terms = search.terms();
    let sql = format!("SELECT {columns} FROM event WHERE {terms} ORDER BY seq LIMIT {limit}");
    session.each(&sql, &search.values(), hear)
}
