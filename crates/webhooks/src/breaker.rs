//! The breaker of an endpoint: after three failures in a row that say that the endpoint is not well,
//! one lane goes on trying and the others wait.

use crate::attempt::{Answer, Failure};
use crate::schedule::delay_ms;

/// Failures in a row that open it.
const FAILURES: u32 = 3;

/// A breaker.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    /// Failures in a row.
    failures: u32,
    /// When the next probe may go; none: the breaker is closed.
    probe_ms: Option<u64>,
    /// Probes that failed since it opened.
    probes: u32,
}

impl Breaker {
    /// Whether the others wait.
    pub(crate) fn is_open(&self) -> bool {
        self.probe_ms.is_some()
    }

    /// When the next probe may go, while it is open.
    pub(crate) fn probe_ms(&self) -> Option<u64> {
        self.probe_ms
    }

    /// The endpoint has accepted something; whether that closes the breaker.
    pub(crate) fn accepted(&mut self) -> bool {
        self.failures = 0;
        self.probe_ms.take().is_some()
    }

    /// An attempt has failed; whether that opens the breaker.
    pub(crate) fn failed(
        &mut self,
        now_ms: u64,
        answer: &Answer,
        window_ms: u64,
        roll: u64,
    ) -> bool {
        if !says_unwell(answer) {
            return false;
        }
        if let Some(probe_ms) = self.probe_ms {
            // What was under way when it opened says nothing new, however much it is.
            if now_ms >= probe_ms {
                self.probes += 1;
                self.probe_ms = Some(now_ms + delay_ms(self.probes + 1, window_ms, roll));
            }
            return false;
        }
        self.failures += 1;
        if self.failures < FAILURES {
            return false;
        }
        self.probes = 0;
        self.probe_ms = Some(now_ms + delay_ms(1, window_ms, roll));
        true
    }
}

/// Whether the endpoint itself is not well, rather than one batch.
fn says_unwell(answer: &Answer) -> bool {
    match (answer.failure, answer.status) {
        (Some(Failure::Status), Some(status)) => status >= 500 || status == 429,
        (failure, _) => failure.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_MS: u64 = 290_000;

    fn status(status: u16) -> Answer {
        Answer { status: Some(status), failure: Some(Failure::Status), ..Answer::default() }
    }

    #[test]
    fn many_failures_at_once_open_it_once_and_the_first_probe_comes_soon() {
        let mut breaker = Breaker::default();
        let opened = (0..64).filter(|_| breaker.failed(1_000, &status(503), WINDOW_MS, 0)).count();
        assert_eq!(opened, 1);
        assert_eq!(breaker.probe_ms(), Some(1_750));
    }

    #[test]
    fn probes_come_less_and_less_often_until_one_is_accepted() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            breaker.failed(0, &status(500), WINDOW_MS, 0);
        }
        let mut delays = Vec::new();
        for _ in 0..9 {
            let now_ms = breaker.probe_ms().unwrap();
            breaker.failed(now_ms, &status(500), WINDOW_MS, 0);
            delays.push(breaker.probe_ms().unwrap() - now_ms);
        }
        assert!(delays.is_sorted() && delays[0] == 1_500 && delays[8] == 45_000, "{delays:?}");
        assert!(breaker.accepted() && !breaker.is_open() && !breaker.accepted());
    }

    #[test]
    fn what_one_batch_is_refused_for_says_nothing_of_the_endpoint() {
        let mut breaker = Breaker::default();
        for refused in [400, 413, 422, 404, 302] {
            assert!(!breaker.failed(0, &status(refused), WINDOW_MS, 0));
        }
        assert!(!breaker.is_open());
    }
}
