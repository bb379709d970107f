//! What was counted in a while, in a form that adds up: the sums of two whiles are those of both
//! together.

use bellwire_hub::statistics::{BUCKETS, Sample, SpreadSample, least_of};
use serde::{Deserialize, Serialize};

/// What was counted in a while. A number that is not written down is 0, so that a new one needs no
/// new table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollup {
    /// Messages by kind.
    pub messages: Messages,
    /// Bytes of published messages.
    pub sizes: Spread,
    /// Microseconds of API requests.
    pub requests: Spread,
    /// API requests that were refused.
    pub request_errors: u64,
    /// Requests to webhooks that were accepted.
    pub webhooks_accepted: u64,
    /// Those that were not.
    pub webhooks_failed: u64,
    /// Connections at the end.
    pub connections: u64,
    /// The most at one time.
    pub peak: u64,
}

/// Messages by kind (contract 17.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Messages {
    /// Calls that publish.
    pub api: u64,
    /// Client events that came.
    pub client_in: u64,
    /// Deliveries of API events.
    pub broadcast: u64,
    /// Deliveries of client events.
    pub client_out: u64,
    /// Deliveries of member events.
    pub presence: u64,
    /// Requests to webhooks.
    pub webhook: u64,
}

/// How values were spread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// How many were in each bucket that had any, in order.
    pub counts: Vec<(u8, u64)>,
    /// All of them together.
    pub sum: u64,
    /// The largest.
    pub max: u64,
}

impl Rollup {
    /// What a sample says, with so many connections at its end.
    #[must_use]
    pub fn of(sample: Sample, connections: usize) -> Self {
        let [api, client_in, broadcast, client_out, presence, webhook] = sample.messages;
        Self {
            messages: Messages { api, client_in, broadcast, client_out, presence, webhook },
            sizes: Spread::of(sample.sizes),
            requests: Spread::of(sample.requests),
            request_errors: sample.request_errors,
            webhooks_accepted: sample.webhooks_accepted,
            webhooks_failed: sample.webhooks_failed,
            connections: connections as u64,
            peak: sample.peak as u64,
        }
    }

    /// Whether nothing happened: only connections may have been there.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        let connections =
            Self { connections: self.connections, peak: self.peak, ..Self::default() };
        *self == connections && self.peak == self.connections
    }

    /// Adds a while that came after this one.
    pub fn add(&mut self, later: &Self) {
        self.messages.add(&later.messages);
        self.sizes.add(&later.sizes);
        self.requests.add(&later.requests);
        self.request_errors += later.request_errors;
        self.webhooks_accepted += later.webhooks_accepted;
        self.webhooks_failed += later.webhooks_failed;
        self.connections = later.connections;
        self.peak = self.peak.max(later.peak);
    }
}

impl Messages {
    /// All kinds together, as quotas count them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { api, client_in, broadcast, client_out, presence, webhook } = self;
        api + client_in + broadcast + client_out + presence + webhook
    }

    fn add(&mut self, more: &Self) {
        self.api += more.api;
        self.client_in += more.client_in;
        self.broadcast += more.broadcast;
        self.client_out += more.client_out;
        self.presence += more.presence;
        self.webhook += more.webhook;
    }
}

impl Spread {
    fn of(sample: SpreadSample) -> Self {
        Self { counts: sample.counts, sum: sample.sum, max: sample.max }
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Their average.
    #[must_use]
    pub fn average(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64)
    }

    /// The value that so many percent are not above, to about a quarter of itself.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<f64> {
        let count = self.count();
        // Which value in order, from 0 on.
        let mut wanted = (count * percent).div_ceil(100).max(1);
        for (bucket, here) in &self.counts {
            if *here >= wanted {
                let (least, next) = (least_of(*bucket), least_of(bucket.saturating_add(1)));
                let within = (wanted as f64 - 0.5) / *here as f64;
                let value = least as f64 + within * (next - least) as f64;
                return Some(value.min(self.max as f64));
            }
            wanted -= here;
        }
        None
    }

    fn add(&mut self, more: &Self) {
        let mut sums = [0; BUCKETS];
        for (bucket, count) in self.counts.iter().chain(&more.counts) {
            sums[usize::from(*bucket).min(BUCKETS - 1)] += count;
        }
        let counts = (0u8..).zip(sums).filter(|(_, count)| *count > 0);
        self.counts = counts.collect();
        self.sum += more.sum;
        self.max = self.max.max(more.max);
    }
}

#[cfg(test)]
mod tests {
    use bellwire_hub::statistics::{Counted, Statistics};

    use super::*;

    fn rollup(sizes: impl IntoIterator<Item = u64>, connections: usize) -> Rollup {
        let statistics = Statistics::default();
        for size in sizes {
            statistics.sizes.add(size);
            statistics.count(Counted::Api, 1);
        }
        Rollup::of(statistics.take(connections), connections)
    }

    #[test]
    fn two_whiles_add_up_to_one() {
        let mut sum = rollup([100, 200], 5);
        sum.add(&rollup([300, 100], 3));
        assert_eq!(sum.sizes, rollup([100, 100, 200, 300], 0).sizes);
        assert_eq!((sum.messages.api, sum.messages.total()), (4, 4));
        assert_eq!((sum.connections, sum.peak), (3, 5));
    }

    #[test]
    fn percentiles_are_near_the_truth() {
        let spread = rollup(1..=1_000, 0).sizes;
        assert_eq!(spread.average(), Some(500.5));
        for (percent, truth) in [(50, 500.0), (95, 950.0)] {
            let found = spread.percentile(percent).unwrap();
            assert!((found - truth).abs() < truth / 8.0, "p{percent} is {found}");
        }
        assert_eq!(rollup([7], 0).sizes.percentile(95), Some(7.0));
        assert_eq!(Spread::default().percentile(50), None);
    }

    #[test]
    fn what_is_written_is_read_again_and_what_is_missing_is_nothing() {
        let rollup = rollup([1, 5_000_000], 2);
        let text = serde_json::to_string(&rollup).unwrap();
        assert_eq!(serde_json::from_str::<Rollup>(&text).unwrap(), rollup);
        assert_eq!(serde_json::from_str::<Rollup>("{}").unwrap(), Rollup::default());
    }

    #[test]
    fn a_row_that_somebody_has_edited_does_not_panic() {
        let text = r#"{"sizes":{"counts":[[255,3]],"sum":1,"max":9}}"#;
        let mut edited: Rollup = serde_json::from_str(text).unwrap();
        assert_eq!(edited.sizes.percentile(50), Some(9.0));
        edited.add(&rollup([1], 0));
        assert_eq!(edited.sizes.count(), 4);
    }

    #[test]
    fn connections_alone_are_quiet() {
        assert!(rollup([], 5).is_quiet());
        assert!(!rollup([1], 0).is_quiet());
        assert!(!Rollup { peak: 3, ..Rollup::default() }.is_quiet());
    }
}
