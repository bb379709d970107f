//! What an app has done since somebody looked: plain counters, touched once for a whole turn or
//! batch where that can be, and taken from time to time by those who keep statistics.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A kind of message, as quotas count it (contract 17.2, 17.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Calls of the HTTP API that publish.
    Api,
    /// Client events that came.
    ClientIn,
    /// Events of the API, for each connection that got one.
    Broadcast,
    /// Client events, for each connection that got one.
    ClientOut,
    /// Members that came or went, for each connection that heard of it.
    Presence,
    /// Requests to webhooks.
    Webhook,
}

/// How many kinds there are.
pub const KINDS: usize = 6;
/// Buckets of a [`Spread`]: two for each power of two, up to three million.
pub const BUCKETS: usize = 44;

/// Counters of an app.
#[derive(Debug, Default)]
pub struct Statistics {
    messages: [AtomicU64; KINDS],
    /// Bytes of the data of published events.
    pub sizes: Spread,
    /// Microseconds that requests of the API took.
    pub requests: Spread,
    request_errors: AtomicU64,
    webhooks_accepted: AtomicU64,
    webhooks_failed: AtomicU64,
    /// The most connections at one time.
    peak: AtomicUsize,
}

/// How values are spread.
#[derive(Debug)]
pub struct Spread {
    counts: [AtomicU64; BUCKETS],
    sum: AtomicU64,
    max: AtomicU64,
}

impl Default for Spread {
    fn default() -> Self {
        let counts = std::array::from_fn(|_| AtomicU64::new(0));
        Self { counts, sum: AtomicU64::new(0), max: AtomicU64::new(0) }
    }
}

/// What was counted in a while.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// Messages, in the order of [`Counted`].
    pub messages: [u64; KINDS],
    /// Bytes of published events.
    pub sizes: SpreadSample,
    /// Microseconds of API requests.
    pub requests: SpreadSample,
    /// API requests that were refused.
    pub request_errors: u64,
    /// Requests to webhooks that were answered with a 2xx.
    pub webhooks_accepted: u64,
    /// Those that were not.
    pub webhooks_failed: u64,
    /// The most connections at one time.
    pub peak: usize,
}

/// How values were spread in a while.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpreadSample {
    /// How many were in each bucket that had any, by the bucket's number.
    pub counts: Vec<(u8, u64)>,
    /// All of them together.
    pub sum: u64,
    /// The largest.
    pub max: u64,
}

impl Statistics {
    /// Counts messages.
    pub fn count(&self, kind: Counted, messages: u64) {
        if messages > 0 {
            self.messages[kind as usize].fetch_add(messages, Ordering::Relaxed);
        }
    }

    /// Counts a request of the API, by how long it took and whether it was refused.
    pub fn count_request(&self, took_us: u64, refused: bool) {
        self.requests.add(took_us);
        self.request_errors.fetch_add(u64::from(refused), Ordering::Relaxed);
    }

    /// Counts a request to a webhook.
    pub fn count_webhook(&self, accepted: bool) {
        let counter = if accepted { &self.webhooks_accepted } else { &self.webhooks_failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// There are so many connections now.
    pub(crate) fn connected(&self, connections: usize) {
        self.peak.fetch_max(connections, Ordering::Relaxed);
    }

    /// What was counted since this was last asked; `connections` are there now.
    pub fn take(&self, connections: usize) -> Sample {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Sample {
            messages: std::array::from_fn(|at| take(&self.messages[at])),
            sizes: self.sizes.take(),
            requests: self.requests.take(),
            request_errors: take(&self.request_errors),
            webhooks_accepted: take(&self.webhooks_accepted),
            webhooks_failed: take(&self.webhooks_failed),
            peak: self.peak.swap(connections, Ordering::Relaxed).max(connections),
        }
    }
}

impl Spread {
    /// Counts a value.
    pub fn add(&self, value: u64) {
        self.counts[bucket(value)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
        self.max.fetch_max(value, Ordering::Relaxed);
    }

    fn take(&self) -> SpreadSample {
        let counts = self.counts.iter().map(|counter| match counter.load(Ordering::Relaxed) {
            0 => 0,
            _ => counter.swap(0, Ordering::Relaxed),
        });
        let counts = counts.enumerate().filter(|(_, count)| *count > 0);
        SpreadSample {
            counts: counts.map(|(at, count)| (at as u8, count)).collect(),
            sum: self.sum.swap(0, Ordering::Relaxed),
            max: self.max.swap(0, Ordering::Relaxed),
        }
    }
}

/// The bucket of a value; the last one takes all that is larger.
fn bucket(value: u64) -> usize {
    match value.checked_ilog2() {
        None | Some(0) => value as usize,
        Some(log) => {
            let half = (value >> (log - 1)) & 1;
            (2 * log as usize + half as usize).min(BUCKETS - 1)
        }
    }
}

/// The least value of a bucket.
#[must_use]
pub fn least_of(bucket: u8) -> u64 {
    match bucket {
        0 | 1 => u64::from(bucket),
        _ => (2 + u64::from(bucket & 1)) << (bucket / 2 - 1).min(61),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_bucket_that_begins_at_or_before_it() {
        for value in (0..5_000).chain([65_535, 65_536, 98_304, 1_048_576]) {
            let at = bucket(value) as u8;
            assert!(least_of(at) <= value, "{value} is not in bucket {at}");
            assert!(value < least_of(at + 1), "{value} is beyond bucket {at}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_is_taken_is_counted_once() {
        let statistics = Statistics::default();
        statistics.count(Counted::Broadcast, 7);
        statistics.sizes.add(100);
        statistics.sizes.add(130);
        statistics.count_request(250, true);
        statistics.connected(3);
        let sample = statistics.take(2);
        assert_eq!(sample.messages, [0, 0, 7, 0, 0, 0]);
        assert_eq!((sample.sizes.sum, sample.sizes.max), (230, 130));
        assert_eq!(sample.sizes.counts, [(13, 1), (14, 1)]);
        assert_eq!((sample.request_errors, sample.peak), (1, 3));
        let nothing = Sample { peak: 2, ..Sample::default() };
        assert_eq!(statistics.take(2), nothing);
    }
}
