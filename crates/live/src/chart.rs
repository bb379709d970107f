//! Statistics over a range of time: which points there are, and what is kept of each.

use crate::rollup::Rollup;

/// A range of time up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// What people call it.
    pub name: &'static str,
    /// How long it is.
    pub span_s: u64,
    /// How long each of its points is.
    pub step_s: u64,
    /// How long the kept points are that it is made of.
    pub of_s: u64,
}

/// The length of the short points that are kept.
pub const MINUTE_S: u64 = 60;
/// The length of the long ones.
pub const HOUR_S: u64 = 3_600;
const DAY_S: u64 = 86_400;

impl Range {
    /// Every range.
    pub const ALL: [Self; 6] = [
        Self { name: "1h", span_s: HOUR_S, step_s: MINUTE_S, of_s: MINUTE_S },
        Self { name: "6h", span_s: 6 * HOUR_S, step_s: 2 * MINUTE_S, of_s: MINUTE_S },
        Self { name: "24h", span_s: DAY_S, step_s: 10 * MINUTE_S, of_s: MINUTE_S },
        Self { name: "7d", span_s: 7 * DAY_S, step_s: HOUR_S, of_s: HOUR_S },
        Self { name: "30d", span_s: 30 * DAY_S, step_s: 4 * HOUR_S, of_s: HOUR_S },
        Self { name: "90d", span_s: 90 * DAY_S, step_s: 12 * HOUR_S, of_s: HOUR_S },
    ];

    /// The range with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.name == name)
    }

    /// When its first point begins, if it is now this time. The last one is under way.
    #[must_use]
    pub fn from_s(&self, now_s: u64) -> u64 {
        let last = now_s - now_s % self.step_s;
        last.saturating_sub(self.span_s - self.step_s)
    }

    /// Its points, each with when it begins, out of the kept ones, which are in order.
    #[must_use]
    pub fn series(&self, now_s: u64, kept: &[(u64, Rollup)]) -> Vec<(u64, Rollup)> {
        let from_s = self.from_s(now_s);
        let points = (self.span_s / self.step_s) as usize;
        let begins = (0..points as u64).map(|at| from_s + at * self.step_s);
        let mut series: Vec<(u64, Rollup)> = begins.map(|at| (at, Rollup::default())).collect();
        for (at_s, rollup) in kept {
            let at = at_s.checked_sub(from_s).map(|since| (since / self.step_s) as usize);
            if let Some((_, point)) = at.and_then(|at| series.get_mut(at)) {
                point.add(rollup);
            }
        }
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak(peak: u64) -> Rollup {
        Rollup { peak, request_errors: 1, ..Rollup::default() }
    }

    #[test]
    fn kept_points_are_merged_and_what_is_missing_is_nothing() {
        let range = Range::named("24h").unwrap();
        let now_s = 100 * DAY_S + 7;
        let from_s = range.from_s(now_s);
        assert_eq!(from_s, 99 * DAY_S + 600);
        let kept = [
            (from_s - 60, peak(99)),
            (from_s, peak(1)),
            (from_s + 540, peak(5)),
            (from_s + 600, peak(2)),
            (now_s - 7, peak(3)),
        ];
        let series = range.series(now_s, &kept);
        assert_eq!(series.len(), 144);
        let seen = |at: usize| (series[at].1.peak, series[at].1.request_errors);
        assert_eq!((seen(0), seen(1), seen(2), seen(143)), ((5, 2), (2, 1), (0, 0), (3, 1)));
        assert_eq!(series[143].0, 100 * DAY_S);
    }

    #[test]
    fn every_range_is_made_of_points_that_are_kept_long_enough() {
        for range in Range::ALL {
            assert_eq!(range.span_s % range.step_s, 0, "{}", range.name);
            assert_eq!(range.step_s % range.of_s, 0, "{}", range.name);
            let kept_s = crate::RETENTION.of_points(range.of_s);
            assert!(range.span_s <= kept_s, "{}", range.name);
        }
    }
}
