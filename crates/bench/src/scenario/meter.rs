//! CPU of the server, of this program and of everybody else between two moments.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::proc::{CpuSnapshot, CpuUsed, MachineSnapshot};
use crate::target::Target;

/// A measurement under way.
pub(super) struct Meter {
    /// The server's process, if known.
    pid: Option<u32>,
    /// The server's threads when it began.
    server: Option<CpuSnapshot>,
    /// Our own.
    own: CpuSnapshot,
    /// The whole machine.
    machine: MachineSnapshot,
    /// When it began.
    began: Instant,
}

/// What was used.
pub(super) struct Used {
    /// By the server, if its process is known.
    pub(super) server: Option<CpuUsed>,
    /// By this program.
    pub(super) own: CpuUsed,
    /// The share of the machine used by neither, in percent: the noise of the measurement.
    pub(super) others_percent: Option<f64>,
    /// How long it took.
    pub(super) took: Duration,
}

impl Meter {
    /// # Errors
    /// When `/proc` cannot be read.
    pub(super) fn start(target: &Target) -> Result<Self> {
        Ok(Self {
            pid: target.pid,
            server: target.pid.map(CpuSnapshot::take).transpose()?,
            own: CpuSnapshot::take(std::process::id())?,
            machine: MachineSnapshot::take()?,
            began: Instant::now(),
        })
    }

    /// # Errors
    /// When the server is gone.
    pub(super) fn stop(&self) -> Result<Used> {
        let took = self.began.elapsed();
        let now = self.pid.map(CpuSnapshot::take).transpose()?;
        let server = now.zip(self.server.as_ref()).map(|(now, then)| now.since(then));
        let own = CpuSnapshot::take(std::process::id())?.since(&self.own);
        let busy = MachineSnapshot::take()?.busy_percent_since(&self.machine);
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let whole_ns = took.as_nanos() as f64 * cpus as f64;
        let others_percent =
            server.map(|server| (busy - 100.0 * (server.ns + own.ns) as f64 / whole_ns).max(0.0));
        Ok(Used { server, own, others_percent, took })
    }
}

impl Used {
    /// Microseconds of the server's CPU for each of `count`.
    pub(super) fn server_us_each(&self, count: u64) -> Option<f64> {
        self.server.filter(|_| count > 0).map(|used| used.ns as f64 / 1e3 / count as f64)
    }

    /// Microseconds of our own CPU for each of `count`.
    pub(super) fn own_us_each(&self, count: u64) -> Option<f64> {
        (count > 0).then(|| self.own.ns as f64 / 1e3 / count as f64)
    }

    /// Milliseconds that the server's threads were ready to run but had no CPU.
    pub(super) fn server_waited_ms(&self) -> Option<f64> {
        self.server.map(|used| used.waited_ns as f64 / 1e6)
    }
}
