//! The engine's clock: the wall's time when it was started, and from there on as it passes. It never
//! goes back; when the wall leaps ahead, it follows.

use std::cell::Cell;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock of one thread.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// What it showed then, in milliseconds since the epoch.
    started_ms: Cell<u64>,
}

/// Less than this is no leap but the usual trimming.
const LEAP_MS: u64 = 1_000;

impl Clock {
    /// A clock that shows the wall's time.
    #[expect(clippy::disallowed_methods, reason = "this is the shell's clock")]
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), started_ms: Cell::new(wall_ms()) }
    }

    /// Milliseconds since the epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        let passed_ms = self.started.elapsed().as_millis() as u64;
        let now_ms = self.started_ms.get() + passed_ms;
        let wall_ms = wall_ms();
        if wall_ms > now_ms + LEAP_MS {
            self.started_ms.set(wall_ms - passed_ms);
            return wall_ms;
        }
        now_ms
    }
}

/// Milliseconds since the epoch, as the system has it.
#[expect(clippy::disallowed_methods, reason = "this is the shell's clock")]
pub(crate) fn wall_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
