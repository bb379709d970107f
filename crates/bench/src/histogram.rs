//! A log-linear histogram of durations: 64 buckets for each power of two, so that a percentile is
//! within 1.6 % of the truth and recording costs a shift and an increment.

use std::time::Duration;

/// Counts of durations by size.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    /// How many fell in each bucket.
    counts: Vec<u64>,
    /// How many in all.
    total: u64,
    /// The largest, kept exactly.
    max_ns: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; bucket(u64::MAX) + 1], total: 0, max_ns: 0 }
    }

    pub(crate) fn record(&mut self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(ns)] += 1;
        self.total += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The duration in milliseconds that `share` (0..=1) of all do not exceed; 0 when empty.
    pub(crate) fn percentile_ms(&self, share: f64) -> f64 {
        let wanted = (share * self.total as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return ms(upper_edge(index).min(self.max_ns));
            }
        }
        0.0
    }

    pub(crate) fn max_ms(&self) -> f64 {
        ms(self.max_ns)
    }
}

fn bucket(ns: u64) -> usize {
    let power = u64::from(ns.max(1).ilog2());
    let shift = power.saturating_sub(SUB_BITS);
    ((shift << SUB_BITS) + (ns >> shift)) as usize
}

fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 << SUB_BITS {
        return bucket;
    }
    let shift = (bucket >> SUB_BITS) - 1;
    let low = bucket - (shift << SUB_BITS);
    (low << shift) | ((1 << shift) - 1)
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// 2^6 buckets for each power of two.
const SUB_BITS: u64 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_own_upper_edge_and_no_more() {
        for ns in [0, 1, 63, 64, 127, 128, 129, 1_000, 123_456, 9_999_999_999] {
            let edge = upper_edge(bucket(ns));
            assert_eq!(bucket(edge), bucket(ns), "{ns}");
            assert_eq!(bucket(edge + 1), bucket(ns) + 1, "{ns}");
            assert!(edge >= ns && edge - ns <= ns / 32, "{ns} {edge}");
        }
    }

    #[test]
    fn percentiles_of_a_ramp_are_where_they_belong() {
        let mut histogram = Histogram::new();
        for us in 1..=1000 {
            histogram.record(Duration::from_micros(us));
        }
        assert!((histogram.percentile_ms(0.5) - 0.5).abs() < 0.01);
        assert!((histogram.percentile_ms(0.99) - 0.99).abs() < 0.02);
        assert!((histogram.max_ms() - 1.0).abs() < f64::EPSILON);
        assert!((histogram.percentile_ms(1.0) - 1.0).abs() < 0.02);
    }

    #[test]
    fn an_empty_one_says_zero() {
        assert!(Histogram::new().percentile_ms(0.99).abs() < f64::EPSILON);
    }
}
