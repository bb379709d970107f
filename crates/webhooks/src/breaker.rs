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
        self.failures += 1;
        if self.failures < FAILURES {
            return false;
        }
        let delay = delay_ms(self.failures - FAILURES + 1, window_ms, roll);
        self.probe_ms.replace(now_ms + delay).is_none()
    }
}

/// Whether the endpoint itself is not well, rather than one batch.
fn says_unwell(answer: &Answer) -> bool {
    match (answer.failure, answer.status) {
        (Some(Failure::Status), Some(status)) => status >= 500 || status == 429,
        (failure, _) => failure.is_some(),
    }
}
