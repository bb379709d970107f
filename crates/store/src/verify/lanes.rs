//! Whether the live batches of each lane follow each other.

use std::collections::{HashMap, HashSet};

use super::report;
use crate::StoreError;

/// A batch of a lane: its first and last place, its number.
type Span = (u64, u64, u64);

/// The live batches, as far as they were heard.
#[derive(Default)]
pub(crate) struct Lanes {
    lanes: HashMap<(String, u8), Vec<Span>>,
    /// Two halves took the place of these.
    split: HashSet<u64>,
}

impl Lanes {
    /// The next batch: its number, its endpoint and lane, that of which it is a half, its places.
    pub(crate) fn hear(
        &mut self,
        id: u64,
        (endpoint, lane): (&str, u8),
        parent: Option<u64>,
        seqs: &str,
        broken: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        self.split.extend(parent);
        let seqs: Vec<u64> = serde_json::from_str(seqs)
            .map_err(|error| StoreError::Row { table: "batch_body", why: error.to_string() })?;
        if !seqs.is_sorted_by(|one, next| one < next) {
            report(broken, || format!("endpoint {endpoint}, lane {lane}: {seqs:?} do not ascend"));
        }
        if let (Some(first), Some(last)) = (seqs.first(), seqs.last()) {
            let spans = self.lanes.entry((endpoint.to_owned(), lane)).or_default();
            spans.push((*first, *last, id));
        }
        Ok(())
    }

    /// All were heard.
    pub(crate) fn end(self, broken: &mut Vec<String>) {
        for ((endpoint, lane), mut spans) in self.lanes {
            spans.retain(|(_, _, id)| !self.split.contains(id));
            for [one, next] in overlaps(spans) {
                report(broken, || {
                    format!(
                        "endpoint {endpoint}, lane {lane}: the batch of {} to {} and that of {} \
                         to {} overlap",
                        one.0, one.1, next.0, next.1
                    )
                });
            }
        }
    }
}

fn overlaps(mut spans: Vec<Span>) -> Vec<[Span; 2]> {
    spans.sort_unstable();
    let pairs = spans.array_windows().filter(|[one, next]| next.0 <= one.1);
    pairs.copied().collect()
}
