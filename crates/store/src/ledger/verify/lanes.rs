//! Whether the live batches of each lane follow each other.

use std::collections::{HashMap, HashSet};

use bellwire_webhooks::event::LANES;
use rusqlite::Connection;

use super::report;
use crate::StoreError;
use crate::rows::{number, number_if_any, text};

/// A batch of a lane: its first and last place, its number.
type Span = (u64, u64, u64);

/// Checks them.
pub(super) fn check(connection: &Connection, broken: &mut Vec<String>) -> Result<(), StoreError> {
    let mut lanes: HashMap<(String, u8), Vec<Span>> = HashMap::new();
    // Two halves took the place of these.
    let mut split: HashSet<u64> = HashSet::new();
    let mut statement = connection.prepare(
        "SELECT b.id, b.endpoint, b.lane, b.parent, y.seqs
         FROM batch b CROSS JOIN batch_body y ON y.batch = b.id
         WHERE b.replay IS NULL AND b.lane < ?1",
    )?;
    let mut rows = statement.query([LANES])?;
    while let Some(row) = rows.next()? {
        let (id, endpoint, lane) = (number(row, 0)?, text(row, 1)?, row.get(2)?);
        split.extend(number_if_any(row, 3)?);
        let seqs: Vec<u64> = serde_json::from_str(text(row, 4)?)
            .map_err(|error| StoreError::Row { table: "batch_body", why: error.to_string() })?;
        if !seqs.is_sorted_by(|one, next| one < next) {
            report(broken, || format!("endpoint {endpoint}, lane {lane}: {seqs:?} do not ascend"));
        }
        if let (Some(first), Some(last)) = (seqs.first(), seqs.last()) {
            lanes.entry((endpoint.to_owned(), lane)).or_default().push((*first, *last, id));
        }
    }
    for ((endpoint, lane), mut spans) in lanes {
        spans.retain(|(_, _, id)| !split.contains(id));
        for [one, next] in overlaps(spans) {
            report(broken, || {
                format!(
                    "endpoint {endpoint}, lane {lane}: the batch of {} to {} and that of {} to {} \
                     overlap",
                    one.0, one.1, next.0, next.1
                )
            });
        }
    }
    Ok(())
}

fn overlaps(mut spans: Vec<Span>) -> Vec<[Span; 2]> {
    spans.sort_unstable();
    let pairs = spans.array_windows().filter(|[one, next]| next.0 <= one.1);
    pairs.copied().collect()
}
