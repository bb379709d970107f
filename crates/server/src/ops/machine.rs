//! What the machine allows: checked at start, so that a limit is met in the log and not in the
//! middle of the night.

use anyhow::bail;
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::config::Config;

/// Descriptors that are no client: database, listeners, logs, requests under way.
const RESERVED: u64 = 256;
/// Below this nothing sensible can be served.
const DESCRIPTORS_MIN: u64 = 128;
/// Resident memory that an idle connection needs, rounded up.
const CONNECTION_BYTES: u64 = 2_048;

/// Raises the limit of descriptors as far as it goes, and says what it allows.
pub(crate) fn check(config: &Config) -> anyhow::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
        limit = getrlimit(Resource::Nofile);
    }
    let Some(descriptors) = limit.current else {
        return Ok(());
    };
    if descriptors < DESCRIPTORS_MIN {
        bail!(
            "only {descriptors} files may be open at a time, at least {DESCRIPTORS_MIN} are needed: \
             raise it with `ulimit -n` or LimitNOFILE= in the systemd unit"
        );
    }
    let room = descriptors.saturating_sub(RESERVED);
    let wanted = config.max_connections as u64;
    if wanted > room {
        tracing::warn!(
            max_connections = wanted,
            open_files = descriptors,
            "max_connections is more than the open files allow; raise LimitNOFILE"
        );
    }
    check_memory(config, if wanted == 0 { room } else { wanted.min(room) });
    tracing::info!(open_files = descriptors, "room for about {room} connections");
    Ok(())
}

fn check_memory(config: &Config, connections: u64) {
    let Some(available) = available_bytes() else { return };
    let needed = connections * CONNECTION_BYTES + config.cache_bytes_max as u64;
    if needed > available {
        tracing::warn!(
            available_mb = available >> 20,
            needed_mb = needed >> 20,
            connections,
            "memory is short for that many connections and cache_bytes_max"
        );
    }
}

fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes * 1024)
}
