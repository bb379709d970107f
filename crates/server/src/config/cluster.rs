//! `[cluster]` and the database that a cluster shares.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bellwire_cluster::Subjects;
use serde::Deserialize;

/// `[cluster]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCluster {
    bus: Option<Location>,
    bus_prefix: Option<String>,
    bus_authorities: Option<PathBuf>,
    node_name: Option<String>,
    node_lease_ms: Option<u64>,
}

/// Keys of `[cluster]` that the environment may set, each as `BELLWIRE_` and its name in capitals.
pub(crate) const FROM_ENVIRONMENT: &[&str] =
    &["bus", "bus_prefix", "bus_authorities", "node_name", "node_lease_ms"];

/// The address of a server with what opens it. Never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Location(String);

impl Location {
    /// All of it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Location {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split_once("://").map_or("", |(scheme, _)| scheme);
        write!(f, "{scheme}://***")
    }
}

/// What the operator wants of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// What carries live messages; none: no other node may run on the same database.
    pub(crate) bus: Option<Location>,
    /// How its subjects begin.
    pub(crate) bus_prefix: String,
    /// Authorities that its certificate may come from, as PEM.
    pub(crate) bus_authorities: Option<Vec<u8>>,
    /// What people call this node.
    pub(crate) node_name: String,
    /// How long a node that is not heard of counts as there.
    pub(crate) node_lease: Duration,
}

/// How long a lease is, in milliseconds, if nobody says otherwise.
const LEASE_MS: u64 = 15_000;
/// Shorter, and a busy machine would lose it.
const LEASE_MIN_MS: u64 = 2_000;

impl RawCluster {
    /// Checks it together with the database, without which there is no cluster.
    pub(super) fn check(self, database: Option<&Location>) -> anyhow::Result<Cluster> {
        if self.bus.is_some() && database.is_none() {
            bail!(
                "[cluster] bus: several nodes need a database that they share; set [server] \
                 database = \"postgres://…\", or remove bus"
            );
        }
        let lease_ms = self.node_lease_ms.unwrap_or(LEASE_MS);
        if lease_ms < LEASE_MIN_MS {
            bail!("[cluster] node_lease_ms = {lease_ms}: expected at least {LEASE_MIN_MS}");
        }
        let prefix = self.bus_prefix.unwrap_or_else(|| "bellwire".into());
        Subjects::of(&prefix).with_context(|| format!("[cluster] bus_prefix = {prefix:?}"))?;
        let read = |path: PathBuf| {
            std::fs::read(&path).with_context(|| {
                format!("[cluster] bus_authorities: cannot read {}", path.display())
            })
        };
        Ok(Cluster {
            bus: self.bus.filter(|bus| !bus.0.is_empty()),
            bus_prefix: prefix,
            bus_authorities: self.bus_authorities.map(read).transpose()?,
            node_name: self.node_name.filter(|name| !name.is_empty()).unwrap_or_else(host_name),
            node_lease: Duration::from_millis(lease_ms),
        })
    }
}

/// Checks where the data is kept.
pub(super) fn database(wanted: Option<Location>) -> anyhow::Result<Option<Location>> {
    // An unset variable makes an empty one.
    let Some(database) = wanted.filter(|database| !database.0.is_empty()) else { return Ok(None) };
    let is_good = ["postgres://", "postgresql://"].iter().any(|s| database.0.starts_with(s));
    if !is_good {
        bail!(
            "[server] database: expected postgres://user:password@host:port/name; without it the \
             data is kept in SQLite in data_dir"
        );
    }
    Ok(Some(database))
}

fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "node".into() } else { name }
}
