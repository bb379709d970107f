//! `[webhooks]` and `[[apps.webhooks]]`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{anyhow, bail};
use bellwire_protocol::AppId;
use bellwire_store::Durability as Kept;
use bellwire_webhooks::endpoint::Terms;
use bellwire_webhooks::outbox::Retention;
use bellwire_webhooks::settle::SettleRules;
use bellwire_webhooks::turn::DeliveryRules;
use serde::Deserialize;

/// How webhooks are kept and sent.
#[derive(Debug, Clone)]
pub(crate) struct Webhooks {
    /// What a commit survives.
    pub(crate) durability: Durability,
    /// How facts settle.
    pub(crate) settle: SettleRules,
    /// How batches are delivered.
    pub(crate) delivery: DeliveryRules,
    /// How long things are kept.
    pub(crate) retention: Retention,
    /// Whether endpoints may lie in private networks.
    pub(crate) allow_private_targets: bool,
    /// Whether endpoints must be https.
    pub(crate) require_https: bool,
    /// A further authority for the certificates of endpoints.
    pub(crate) ca_file: Option<PathBuf>,
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    /// Loss of power.
    Power,
    /// The end of the process, not that of the machine.
    Process,
}

impl From<Durability> for Kept {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Power => Self::Power,
            Durability::Process => Self::Process,
        }
    }
}

/// An endpoint of the config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Whose events it hears.
    pub(crate) app: AppId,
    /// What it wants.
    pub(crate) terms: Terms,
    /// Its secret for the Standard Webhooks headers, if the file names one.
    pub(crate) secret: Option<String>,
}

/// `[webhooks]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawWebhooks {
    durability: Durability,
    grace_ms: u64,
    reconnect_ms: u64,
    retry_window_ms: u64,
    allow_private_targets: bool,
    require_https: bool,
    ca_file: Option<PathBuf>,
    keep_delivered_hours: u64,
    keep_failed_hours: u64,
    keep_mb_max: u64,
    disable_after_hours: u64,
}

impl Default for RawWebhooks {
    fn default() -> Self {
        Self {
            durability: Durability::Power,
            grace_ms: 3_000,
            reconnect_ms: 10_000,
            retry_window_ms: 290_000,
            allow_private_targets: true,
            require_https: false,
            ca_file: None,
            keep_delivered_hours: 24,
            keep_failed_hours: 168,
            keep_mb_max: 1_024,
            disable_after_hours: 120,
        }
    }
}

/// Python's SDK refuses a webhook that is older than 300 s (contract 16.6).
const RETRY_WINDOW_MS: std::ops::RangeInclusive<u64> = 1_000..=290_000;
/// A leave that is told a minute late helps nobody.
const GRACE_MS_MAX: u64 = 60_000;
const HOUR_MS: u64 = 3_600_000;

impl RawWebhooks {
    pub(super) fn check(self) -> anyhow::Result<Webhooks> {
        if self.grace_ms > GRACE_MS_MAX || self.reconnect_ms > 10 * GRACE_MS_MAX {
            bail!(
                "[webhooks] grace_ms = {}, reconnect_ms = {}: expected at most {GRACE_MS_MAX} and \
                 ten times that",
                self.grace_ms,
                self.reconnect_ms
            );
        }
        if !RETRY_WINDOW_MS.contains(&self.retry_window_ms) {
            bail!(
                "[webhooks] retry_window_ms = {}: expected 1000 to 290000, because SDKs refuse a \
                 webhook that is older than 300 s; an endpoint's retry_hours goes further",
                self.retry_window_ms
            );
        }
        for (name, value) in [
            ("keep_delivered_hours", self.keep_delivered_hours),
            ("keep_failed_hours", self.keep_failed_hours),
            ("keep_mb_max", self.keep_mb_max),
            ("disable_after_hours", self.disable_after_hours),
        ] {
            if !(1..=1_000_000).contains(&value) {
                bail!("[webhooks] {name} = {value}: expected 1 to 1000000");
            }
        }
        Ok(Webhooks {
            durability: self.durability,
            settle: SettleRules { grace_ms: self.grace_ms, reconnect_ms: self.reconnect_ms },
            delivery: DeliveryRules {
                window_ms: self.retry_window_ms,
                disable_after_ms: self.disable_after_hours * HOUR_MS,
                ..DeliveryRules::default()
            },
            retention: Retention {
                delivered_ms: self.keep_delivered_hours * HOUR_MS,
                failed_ms: self.keep_failed_hours * HOUR_MS,
                bytes_max: self.keep_mb_max << 20,
            },
            allow_private_targets: self.allow_private_targets,
            require_https: self.require_https,
            ca_file: self.ca_file,
        })
    }
}

/// `[[apps.webhooks]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEndpoint {
    url: String,
    #[serde(default)]
    events: Vec<String>,
    channel_prefix: Option<String>,
    channel_suffix: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    signing_secret: Option<String>,
    retry_hours: Option<u8>,
    #[serde(default = "in_flight")]
    max_in_flight: u8,
    max_per_second: Option<u32>,
    #[serde(default)]
    description: String,
}

fn in_flight() -> u8 {
    bellwire_webhooks::endpoint::IN_FLIGHT
}

impl RawEndpoint {
    pub(super) fn check(self, app: &AppId, require_https: bool) -> anyhow::Result<Declared> {
        let terms = Terms {
            url: self.url,
            events: self.events,
            channel_prefix: self.channel_prefix,
            channel_suffix: self.channel_suffix,
            headers: self.headers,
            retry_hours: self.retry_hours,
            max_in_flight: self.max_in_flight,
            max_per_second: self.max_per_second,
            description: self.description,
        };
        let refused =
            |sentence: String| anyhow!("[[apps]] id = {app:?}: [[apps.webhooks]] {sentence}");
        terms.check().map_err(refused)?;
        if require_https && !terms.url.starts_with("https://") {
            let url = &terms.url;
            return Err(refused(format!("url: {url:?} is not https, as require_https asks")));
        }
        if let Some(secret) = &self.signing_secret {
            bellwire_webhooks::secret::key_of(secret)
                .map_err(|sentence| refused(format!("signing_secret: {sentence}")))?;
        }
        Ok(Declared { app: app.clone(), terms, secret: self.signing_secret })
    }
}
