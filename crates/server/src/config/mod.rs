//! What the operator wants: the config file and the environment, read into a [`Config`] that
//! cannot be wrong.

mod apps;
mod cluster;
mod raw;
mod webhooks;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use bellwire_hub::AppSpec;
use bellwire_hub::apps::find_clash;
use ipnet::IpNet;

#[cfg(test)]
pub(crate) use cluster::FROM_ENVIRONMENT as CLUSTER_KEYS;
pub(crate) use cluster::{Cluster, Location};
#[cfg(test)]
pub(crate) use raw::FROM_ENVIRONMENT as SERVER_KEYS;
pub(crate) use webhooks::{Declared, Webhooks};

/// What the operator wants.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where clients and servers connect.
    pub(crate) listen: Vec<Address>,
    /// Where only operators connect.
    pub(crate) admin_listen: Option<Address>,
    /// Stands before every path, or nothing does.
    pub(crate) path_prefix: String,
    /// Where the database lives, and what only this node needs.
    pub(crate) data_dir: PathBuf,
    /// The database of a cluster; none: SQLite in `data_dir`.
    pub(crate) database: Option<Location>,
    /// How this node works together with others.
    pub(crate) cluster: Cluster,
    /// Certificate and key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// Seconds of silence after which clients are probed.
    pub(crate) activity_timeout_s: u32,
    /// Seconds that a probed client has to answer.
    pub(crate) pong_timeout_s: u32,
    /// Seconds in which a connection must prove itself, where its app asks for it.
    pub(crate) authorize_within_s: u32,
    /// Time over which connections are sent away at the end.
    pub(crate) drain_window: Duration,
    /// Gateway threads.
    pub(crate) workers: u8,
    /// What opens `/metrics` on the main listener.
    pub(crate) metrics_token: Option<String>,
    /// Whose `X-Forwarded-*` headers are believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Connections of this node; 0: no limit.
    pub(crate) max_connections: usize,
    /// Bytes that may wait for one slow reader.
    pub(crate) backlog_bytes_max: usize,
    /// Bytes of all cached events together.
    pub(crate) cache_bytes_max: usize,
    /// What is logged, in the syntax of `RUST_LOG`.
    pub(crate) log: String,
    /// How it is logged.
    pub(crate) log_format: LogFormat,
    /// Apps of the file and of the environment.
    pub(crate) apps: Vec<AppSpec>,
    /// How webhooks are kept and sent.
    pub(crate) webhooks: Webhooks,
    /// Where the file's apps want them.
    pub(crate) endpoints: Vec<Declared>,
}

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people on a terminal, else JSON.
    Auto,
    /// For people.
    Pretty,
    /// For machines.
    Json,
}

/// The file that is read when nobody names one.
pub(crate) const DEFAULT_FILE: &str = "bellwire.toml";

impl Config {
    /// Reads the file, or the default one if it exists, and then the environment, which wins.
    pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let text = match file {
            Some(file) => Some(read_file(file)?),
            None if Path::new(DEFAULT_FILE).exists() => Some(read_file(Path::new(DEFAULT_FILE))?),
            None => None,
        };
        let name = file.map_or(DEFAULT_FILE.into(), |file| file.display().to_string());
        Self::parse(text.as_deref().unwrap_or_default(), &|name| std::env::var(name).ok())
            .with_context(|| format!("the configuration {name} cannot be used"))
    }

    /// Reads a config from its text and an environment.
    pub(crate) fn parse(
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let raw = raw::File::parse(text, environment)?;
        let server = raw.server;
        let database = cluster::database(server.database)?;
        let cluster = raw.cluster.check(database.as_ref())?;
        let webhooks = raw.webhooks.check()?;
        let mut apps = Vec::new();
        let mut endpoints = Vec::new();
        for mut app in raw.apps {
            let wanted = std::mem::take(&mut app.webhooks);
            let app = app.check()?;
            for endpoint in wanted {
                endpoints.push(endpoint.check(&app.id, webhooks.require_https)?);
            }
            apps.push(app);
        }
        apps.extend(apps::from_environment(environment, &apps)?);
        find_clash(&apps).map_err(|clash| anyhow!("[[apps]]: {clash}"))?;
        Ok(Self {
            listen: server
                .listen
                .into_list()
                .iter()
                .map(|a| address(a))
                .collect::<Result<_, _>>()?,
            admin_listen: server.admin_listen.as_deref().map(address).transpose()?,
            path_prefix: path_prefix(&server.path_prefix)?,
            data_dir: server.data_dir,
            database,
            cluster,
            tls: server.tls.map(|tls| (tls.cert, tls.key)),
            activity_timeout_s: at_least_1("activity_timeout_s", server.activity_timeout_s)?,
            pong_timeout_s: at_least_1("pong_timeout_s", server.pong_timeout_s)?,
            authorize_within_s: at_least_1("authorize_within_s", server.authorize_within_s)?,
            drain_window: Duration::from_secs(u64::from(server.drain_window_s)),
            workers: workers(server.workers),
            // An empty token, as an unset variable makes one, opens nothing.
            metrics_token: server.metrics_token.filter(|token| !token.is_empty()),
            trusted_proxies: proxies(&server.trusted_proxies)?,
            max_connections: server.max_connections,
            backlog_bytes_max: backlog(server.backlog_bytes_max)?,
            cache_bytes_max: server.cache_bytes_max,
            log: server.log,
            log_format: server.log_format,
            apps,
            webhooks,
            endpoints,
        })
    }
}

fn read_file(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the configuration {}", file.display()))
}

fn address(text: &str) -> anyhow::Result<Address> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(Address::Unix(path.into()));
    }
    let hint = "expected an address and a port like \"0.0.0.0:6001\", or \"unix:/path/to.sock\"";
    text.parse().map(Address::Tcp).with_context(|| format!("[server] listen = {text:?}: {hint}"))
}

fn path_prefix(text: &str) -> anyhow::Result<String> {
    let prefix = text.trim_end_matches('/');
    if prefix.is_empty() || (prefix.starts_with('/') && !prefix.contains(['?', '#', ' '])) {
        return Ok(prefix.to_owned());
    }
    bail!("[server] path_prefix = {text:?}: expected a path that starts with '/'")
}

fn at_least_1(name: &str, value: u32) -> anyhow::Result<u32> {
    if value == 0 {
        bail!("[server] {name} = 0: expected at least 1 second");
    }
    Ok(value)
}

/// Below this, a single event with its frame might not fit a quarter of it.
const BACKLOG_MIN: usize = 65_536;

fn backlog(bytes: usize) -> anyhow::Result<usize> {
    if bytes < BACKLOG_MIN {
        bail!("[server] backlog_bytes_max = {bytes}: expected at least {BACKLOG_MIN}");
    }
    Ok(bytes)
}

fn workers(wanted: u8) -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if wanted == 0 { cores.min(255) as u8 } else { wanted }
}

fn proxies(list: &[String]) -> anyhow::Result<Vec<IpNet>> {
    let parse = |text: &String| {
        let net = text.parse::<IpNet>();
        net.or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from)).with_context(|| {
            format!("[server] trusted_proxies: {text:?} is no address or network like 10.0.0.0/8")
        })
    };
    list.iter().map(parse).collect()
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
