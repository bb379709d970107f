//! How fast an endpoint may be called: its rate limit, and the rest that it asks for.

/// The pace of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// The receiver asked for a rest until then.
    rest_ms: u64,
    /// When the next request fits the rate, in microseconds.
    next_us: u64,
}

/// A second's worth of requests may go at once, after a pause.
const BURST_US: u64 = 1_000_000;

impl Pace {
    /// `now_ms` or the later time from which a request may go.
    pub(crate) fn not_before(&self, now_ms: u64) -> u64 {
        now_ms.max(self.rest_ms).max(self.next_us.saturating_sub(BURST_US).div_ceil(1_000))
    }

    /// Until when the receiver has asked for a rest.
    pub(crate) fn rest_ms(&self) -> u64 {
        self.rest_ms
    }

    /// A request goes.
    pub(crate) fn sent(&mut self, now_ms: u64, max_per_second: Option<u32>) {
        let Some(max) = max_per_second else {
            self.next_us = 0;
            return;
        };
        let now_us = now_ms * 1_000;
        self.next_us = self.next_us.max(now_us) + 1_000_000 / u64::from(max.max(1));
    }

    /// The receiver asks for a rest.
    pub(crate) fn rest(&mut self, now_ms: u64, rest_ms: u64) {
        #[cfg(test)]
        if crate::sabotage::sabotaged(crate::sabotage::Sabotage::NoRest) {
            return;
        }
        self.rest_ms = self.rest_ms.max(now_ms + rest_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_burst_of_a_second_requests_keep_their_distance() {
        let mut pace = Pace::default();
        let mut now = 1_000;
        let mut sent = Vec::new();
        for _ in 0..30 {
            now = pace.not_before(now);
            pace.sent(now, Some(10));
            sent.push(now);
        }
        assert_eq!(sent[9], 1_000);
        assert!(sent[29] >= 2_900, "{sent:?}");
    }

    #[test]
    fn a_rest_is_kept_and_never_shortened() {
        let mut pace = Pace::default();
        pace.rest(1_000, 5_000);
        pace.rest(1_000, 10);
        assert_eq!(pace.not_before(1_000), 6_000);
        assert_eq!(pace.not_before(7_000), 7_000);
    }
}
