//! The config file as it is written: unknown keys are refused, `BELLWIRE_*` stands above it.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use serde::Deserialize;
use toml::{Table, Value};

use super::LogFormat;
use super::apps::RawApp;
use super::cluster::{self, Location, RawCluster};
use super::webhooks::RawWebhooks;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub(super) server: Server,
    #[serde(default)]
    pub(super) cluster: RawCluster,
    #[serde(default)]
    pub(super) webhooks: RawWebhooks,
    #[serde(default)]
    pub(super) apps: Vec<RawApp>,
}

/// `[server]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Server {
    pub(super) listen: Listen,
    pub(super) admin_listen: Option<String>,
    pub(super) path_prefix: String,
    pub(super) data_dir: PathBuf,
    pub(super) database: Option<Location>,
    pub(super) tls: Option<Tls>,
    pub(super) activity_timeout_s: u32,
    pub(super) pong_timeout_s: u32,
    pub(super) authorize_within_s: u32,
    pub(super) drain_window_s: u32,
    pub(super) workers: u8,
    pub(super) metrics_token: Option<String>,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) max_connections: usize,
    pub(super) backlog_bytes_max: usize,
    pub(super) cache_bytes_max: usize,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: Listen::One("0.0.0.0:6001".into()),
            admin_listen: None,
            path_prefix: String::new(),
            data_dir: "./bellwire-data".into(),
            database: None,
            tls: None,
            activity_timeout_s: bellwire_protocol::limits::ACTIVITY_TIMEOUT_S,
            pong_timeout_s: bellwire_protocol::limits::PONG_TIMEOUT_S,
            authorize_within_s: 30,
            drain_window_s: 10,
            workers: 0,
            metrics_token: None,
            trusted_proxies: Vec::new(),
            max_connections: 0,
            backlog_bytes_max: 1 << 20,
            cache_bytes_max: 64 << 20,
            log: "info".into(),
            log_format: LogFormat::Auto,
        }
    }
}

/// One address or several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected an address or a list of addresses")]
pub(super) enum Listen {
    One(String),
    Many(Vec<String>),
}

impl Listen {
    pub(super) fn into_list(self) -> Vec<String> {
        match self {
            Self::One(address) => vec![address],
            Self::Many(addresses) => addresses,
        }
    }
}

/// `tls = { cert = "…", key = "…" }`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// Keys of `[server]` that the environment may set, each as `BELLWIRE_` and its name in capitals.
pub(crate) const FROM_ENVIRONMENT: &[&str] = &[
    "listen",
    "admin_listen",
    "path_prefix",
    "data_dir",
    "database",
    "activity_timeout_s",
    "pong_timeout_s",
    "authorize_within_s",
    "drain_window_s",
    "workers",
    "metrics_token",
    "trusted_proxies",
    "max_connections",
    "backlog_bytes_max",
    "cache_bytes_max",
    "log",
    "log_format",
];

impl File {
    /// Reads the text, lets the environment overrule it, and checks every key.
    pub(super) fn parse(
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        // The text itself first: its errors say line and column.
        let parsed: Self = toml::from_str(text).map_err(|error| without_excerpt(text, &error))?;
        let of_server = FROM_ENVIRONMENT.iter().map(|key| ("server", *key));
        let of_cluster = cluster::FROM_ENVIRONMENT.iter().map(|key| ("cluster", *key));
        let mut overruled: Vec<(&str, &str, String, String)> = Vec::new();
        for (section, key) in of_server.chain(of_cluster) {
            let name = format!("BELLWIRE_{}", key.to_uppercase());
            if let Some(value) = environment(&name) {
                overruled.push((section, key, name, value));
            }
        }
        if overruled.is_empty() {
            return Ok(parsed);
        }
        let mut table: Table = toml::from_str(text)?;
        for (section, key, name, value) in overruled {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            let section = section.as_table_mut().context("[server] or [cluster] is no table")?;
            section.insert(key.to_owned(), typed(key, &value));
            let checked: Result<Self, _> = Value::Table(table.clone()).try_into();
            checked.with_context(|| format!("the environment variable {name}"))?;
        }
        Ok(Value::Table(table).try_into()?)
    }
}

/// The error with its place, but without the line itself, which may hold a secret.
fn without_excerpt(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let in_line = before.rsplit('\n').next().unwrap_or_default().trim_end();
    let key = in_line.strip_suffix('=').map(str::trim_end).unwrap_or_default();
    let key = key.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    match key.unwrap_or_default() {
        "" => anyhow!("line {line}: {}", error.message()),
        key if key.contains("secret") || key.contains("token") => {
            anyhow!("line {line}: {key} has a value of the wrong type")
        }
        key => anyhow!("line {line}: {key}: {}", error.message()),
    }
}

/// A value of the environment as TOML would have it.
fn typed(key: &str, value: &str) -> Value {
    match key {
        "trusted_proxies" => {
            let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| Value::String(part.into())).collect())
        }
        "listen" | "log" | "metrics_token" | "node_name" | "bus_prefix" => {
            Value::String(value.into())
        }
        _ => match value.parse::<i64>() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::String(value.into()),
        },
    }
}
