//! What a process and the machine have used, read from `/proc`.

use std::collections::HashMap;
use std::fs;

use anyhow::{Context as _, Result};

/// CPU that each thread of a process has used, at one moment.
#[derive(Debug)]
pub(crate) struct CpuSnapshot {
    /// By thread: nanoseconds on a CPU, and nanoseconds spent ready but waiting for one.
    threads: HashMap<u32, (u64, u64)>,
}

/// CPU used between two snapshots.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CpuUsed {
    /// Time on a CPU, user and kernel, all threads.
    pub(crate) ns: u64,
    /// Time that threads were ready to run and had no CPU: high means a crowded machine.
    pub(crate) waited_ns: u64,
}

impl CpuSnapshot {
    /// # Errors
    /// When the process is gone, or the kernel keeps no scheduler statistics.
    pub(crate) fn take(pid: u32) -> Result<Self> {
        let tasks = format!("/proc/{pid}/task");
        let mut threads = HashMap::new();
        for entry in fs::read_dir(&tasks).with_context(|| format!("no process {pid}"))? {
            let entry = entry?;
            let thread = entry.file_name().to_string_lossy().parse().context("a thread id")?;
            // A thread may end between the listing and the read.
            let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else {
                continue;
            };
            let mut numbers = text.split_whitespace().map(str::parse::<u64>);
            let (Some(Ok(ran)), Some(Ok(waited))) = (numbers.next(), numbers.next()) else {
                anyhow::bail!("{tasks} has no scheduler statistics");
            };
            threads.insert(thread, (ran, waited));
        }
        Ok(Self { threads })
    }

    /// What was used since `earlier`. A thread that ended in between is not counted.
    pub(crate) fn since(&self, earlier: &Self) -> CpuUsed {
        let mut used = CpuUsed::default();
        for (thread, (ran, waited)) in &self.threads {
            let (ran_then, waited_then) = earlier.threads.get(thread).copied().unwrap_or((0, 0));
            used.ns += ran.saturating_sub(ran_then);
            used.waited_ns += waited.saturating_sub(waited_then);
        }
        used
    }
}

/// Ticks of all CPUs of the machine, at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MachineSnapshot {
    /// Ticks in which a CPU did something.
    busy: u64,
    /// All ticks.
    total: u64,
}

impl MachineSnapshot {
    /// # Errors
    /// When `/proc/stat` does not read as expected.
    pub(crate) fn take() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("/proc/stat is empty")?;
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).take(8).filter_map(|word| word.parse().ok()).collect();
        let total: u64 = ticks.iter().sum();
        // The fourth and fifth columns are idle and waiting for a disk.
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Ok(Self { busy: total - idle, total })
    }

    /// The share of all CPUs that was busy since `earlier`, in percent.
    pub(crate) fn busy_percent_since(&self, earlier: &Self) -> f64 {
        let total = self.total.saturating_sub(earlier.total);
        let busy = self.busy.saturating_sub(earlier.busy);
        100.0 * busy as f64 / (total.max(1)) as f64
    }
}

/// Memory of a process, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Everything resident.
    pub(crate) rss: u64,
    /// The part that is the process's own: heap and stacks.
    pub(crate) anonymous: u64,
}

/// # Errors
/// When the process is gone or belongs to somebody else.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(Memory { rss: kilobytes(&text, "Rss:")?, anonymous: kilobytes(&text, "Anonymous:")? })
}

/// Bytes that the kernel holds for all TCP sockets of the machine (both ends of ours).
///
/// # Errors
/// When `/proc/net/sockstat` does not read as expected.
pub(crate) fn tcp_kernel_bytes() -> Result<u64> {
    let text = fs::read_to_string("/proc/net/sockstat")?;
    let line = text.lines().find(|line| line.starts_with("TCP:")).context("no TCP in sockstat")?;
    let pages = line.split_whitespace().skip_while(|word| *word != "mem").nth(1);
    let pages: u64 = pages.context("no mem in sockstat")?.parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}

fn kilobytes(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find(|line| line.starts_with(name));
    let word = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: u64 = word.with_context(|| format!("no {name}"))?.parse()?;
    Ok(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spinning_thread_shows_in_the_count() {
        let own = std::process::id();
        let before = CpuSnapshot::take(own).expect("our own process");
        let mut turns = 0_u64;
        let until = std::time::Instant::now() + std::time::Duration::from_millis(30);
        while std::time::Instant::now() < until {
            turns = std::hint::black_box(turns + 1);
        }
        let used = CpuSnapshot::take(own).expect("our own process").since(&before);
        assert!(used.ns > 1_000_000, "{used:?}");
    }

    #[test]
    fn our_own_memory_is_not_nothing() {
        let memory = memory(std::process::id()).expect("our own process");
        assert!(memory.rss > memory.anonymous && memory.anonymous > 0);
    }
}
