//! An app on the running server: what it may do now, who vouches for it, and what it has used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};
use bellwire_protocol::{AppId, AppKey, Signer, limits};
use serde::{Deserialize, Serialize};

use crate::interest::Interest;
use crate::owner::{Owner, Purse};
use crate::statistics::Statistics;

/// Toggles and limits of an app. Defaults are Pusher's: every toggle is off until somebody turns it
/// on.
///
/// These are also the names in the config file, in the store and on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What people call the app.
    pub name: String,
    /// A label that people and the official command line show; nothing depends on it.
    pub cluster: String,
    /// A disabled app refuses connections with 4003 and requests with 403.
    pub enabled: bool,
    /// Whether clients may send `client-…` events.
    pub client_events: bool,
    /// Whether subscribers hear how many they are.
    pub subscription_count: bool,
    /// Whether signed-in users may watch others.
    pub watchlist: bool,
    /// Whether a connection must prove itself within a time.
    pub authorized_connections: bool,
    /// Whether plain-text connections are refused.
    pub force_tls: bool,
    /// Whether event names of the API are held to `[A-Za-z0-9_\-:.]+`.
    pub strict_event_names: bool,
    /// Whether a webhook may carry several events.
    pub batch_webhooks: bool,
    /// Whether the first subscriber of a channel is admitted only once the log of webhooks holds
    /// `channel_occupied`.
    pub announce_before_ack: bool,
    /// Whether messages are compressed for WebSocket clients that offer it (permessage-deflate).
    pub compression: bool,
    /// Origins that browsers may come from; empty: all. `*.example.com` covers subdomains.
    pub allowed_origins: Vec<String>,
    /// Connections at one time; 0: no limit.
    pub max_connections: usize,
    /// Channels that one connection may subscribe to; 0: no limit.
    pub max_channels_per_connection: usize,
    /// Distinct users of one presence channel; 0: no limit.
    pub max_presence_members: usize,
    /// Bytes of `channel_data`, and of `user_data` without its watchlist.
    pub max_user_object_bytes: usize,
    /// UTF-8 bytes of an event's data.
    pub max_event_bytes: usize,
    /// Client events that one connection may send in a second; 0: no limit.
    pub max_client_events_per_s: u32,
    /// Messages per day (UTC) after which publishes are refused; 0: no limit.
    pub max_messages_per_day: u64,
    /// Users that one connection may watch.
    pub max_watchlist: usize,
    /// Seconds for which a cache channel remembers.
    pub cache_ttl_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            cluster: String::new(),
            enabled: true,
            client_events: false,
            subscription_count: false,
            watchlist: false,
            authorized_connections: false,
            force_tls: false,
            strict_event_names: false,
            batch_webhooks: false,
            announce_before_ack: false,
            compression: false,
            allowed_origins: Vec::new(),
            max_connections: 0,
            max_channels_per_connection: limits::CHANNELS_PER_CONNECTION,
            max_presence_members: limits::PRESENCE_MEMBERS,
            max_user_object_bytes: limits::USER_OBJECT_BYTES,
            max_event_bytes: limits::EVENT_DATA_BYTES,
            max_client_events_per_s: limits::CLIENT_EVENTS_PER_S,
            max_messages_per_day: 0,
            max_watchlist: limits::WATCHLIST_IDS,
            cache_ttl_s: limits::CACHE_TTL_S,
        }
    }
}

impl Settings {
    /// Says whether these settings can be served.
    ///
    /// # Errors
    /// The first that cannot, and what was expected of it.
    pub fn check(&self) -> Result<(), String> {
        let (ttl, data) = (limits::CACHE_TTL_S, limits::CLIENT_MESSAGE_BYTES);
        if self.cache_ttl_s == 0 || self.cache_ttl_s > ttl {
            return Err(format!("cache_ttl_s = {}: expected 1 to {ttl}", self.cache_ttl_s));
        }
        if self.max_event_bytes == 0 || self.max_event_bytes > data {
            return Err(format!(
                "max_event_bytes = {}: expected 1 to {data}",
                self.max_event_bytes
            ));
        }
        match self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            Some(origin) => Err(format!(
                "allowed_origins = {origin:?}: expected an origin like https://example.com, a host, \
                 *.example.com or *"
            )),
            None => Ok(()),
        }
    }

    /// Whether a page of this origin may connect. Clients that are no browsers send none.
    #[must_use]
    pub fn allows_origin(&self, origin: Option<&str>) -> bool {
        let Some(origin) = origin else { return true };
        self.allowed_origins.is_empty()
            || self.allowed_origins.iter().any(|allowed| origin_matches(allowed, origin))
    }
}

/// Whether a text can stand in a list of allowed origins.
fn is_origin(text: &str) -> bool {
    let (scheme, host) = text.split_once("://").unwrap_or(("https", text));
    let host = host.strip_suffix('/').unwrap_or(host);
    let of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let of_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]*".contains(c);
    !scheme.is_empty()
        && scheme.chars().all(of_scheme)
        && !host.is_empty()
        && host.chars().all(of_host)
        && (host == "*" || !host.trim_start_matches("*.").contains('*'))
}

fn origin_matches(allowed: &str, origin: &str) -> bool {
    let allowed = allowed.trim_end_matches('/');
    let (scheme, host) = allowed.split_once("://").unwrap_or(("", allowed));
    let (origin_scheme, origin_host) = origin.split_once("://").unwrap_or(("", origin));
    let scheme_fits = scheme.is_empty() || scheme.eq_ignore_ascii_case(origin_scheme);
    let host_fits = match host.strip_prefix("*.") {
        Some(parent) => origin_host
            .len()
            .checked_sub(parent.len())
            .and_then(|at| origin_host.split_at_checked(at))
            .is_some_and(|(sub, rest)| sub.ends_with('.') && rest.eq_ignore_ascii_case(parent)),
        None => host == "*" || host.eq_ignore_ascii_case(origin_host),
    };
    scheme_fits && host_fits
}

/// One pair of credentials, ready to check signatures.
#[derive(Debug, Clone)]
pub struct Key {
    /// The public half.
    pub key: AppKey,
    /// Signs with the secret half.
    pub signer: Signer,
    /// Only active keys are good for anything (contract 15.1).
    pub active: bool,
}

/// What can change while the server runs; replaced as a whole.
#[derive(Debug)]
pub struct Live {
    /// Toggles and limits.
    pub settings: Settings,
    /// Credentials, oldest first (contract 15.2).
    pub keys: Vec<Key>,
    /// Who answers for it, if anybody does.
    pub owner: Option<Owned>,
    /// Whether the operator's config declares it.
    pub is_declared: bool,
    /// Set when the app is deleted.
    pub deleted: bool,
}

/// Who answers for an app, and what that owner's apps have used.
#[derive(Debug, Clone)]
pub struct Owned {
    /// Who.
    pub by: Owner,
    /// Shared with the owner's other apps.
    pub purse: Arc<Purse>,
}

impl Live {
    /// Connections at one time, by the app's own limit and the owner's; 0: no limit.
    #[must_use]
    pub fn max_connections(&self) -> usize {
        let owners = self.owner.as_ref().map_or(0, |owner| owner.by.max_connections_per_app);
        match (self.settings.max_connections, owners) {
            (0, max) | (max, 0) => max,
            (own, owners) => own.min(owners),
        }
    }
}

impl Live {
    /// Checks with the signer of an active key; `None` if the app has no such key.
    #[must_use]
    pub fn signer(&self, key: &str) -> Option<&Signer> {
        self.keys.iter().find(|k| k.active && k.key.as_str() == key).map(|k| &k.signer)
    }
}

/// An app on the running server.
#[derive(Debug)]
pub struct App {
    /// Decimal digits, in every API path.
    pub id: AppId,
    /// A number for maps, never reused while the server runs.
    pub handle: u32,
    live: ArcSwap<Live>,
    /// What the app has used so far.
    pub usage: Usage,
    /// Who listens to what.
    pub interest: Interest,
}

impl App {
    pub(crate) fn new(id: AppId, handle: u32, live: Live) -> Self {
        let (usage, interest) = (Usage::default(), Interest::default());
        Self { id, handle, live: ArcSwap::from_pointee(live), usage, interest }
    }

    /// Settings and keys as they are now.
    pub fn live(&self) -> Guard<Arc<Live>> {
        self.live.load()
    }

    pub(crate) fn replace(&self, live: Live) {
        self.live.store(Arc::new(live));
    }

    /// Counts one more connection, unless the quota is used up (contract 1.15).
    #[must_use]
    pub fn take_connection(&self) -> bool {
        let max = self.live().max_connections();
        let before = self.usage.connections.fetch_add(1, Ordering::Relaxed);
        let elsewhere = self.usage.connections_elsewhere.load(Ordering::Relaxed);
        if max != 0 && before + elsewhere >= max {
            self.usage.connections.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        self.usage.statistics.connected(before + 1 + elsewhere);
        true
    }

    /// Whether the quota is used up.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let max = self.live().max_connections();
        max != 0 && self.usage.all_connections() >= max
    }

    /// A counted connection has ended.
    pub fn release_connection(&self) {
        self.usage.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What an app has used.
#[derive(Debug, Default)]
pub struct Usage {
    /// Connections that count toward the quota.
    pub connections: AtomicUsize,
    /// Those of other nodes, as they were last heard.
    pub connections_elsewhere: AtomicUsize,
    /// Messages of the day, as contract 17.2 counts them.
    messages: AtomicU64,
    /// Those that other nodes, and former runs, have counted this day, as it was last known.
    messages_elsewhere: AtomicU64,
    /// The day of `messages`, in days since the epoch.
    day: AtomicU64,
    /// Whether the log has been told that the quota is used up today.
    pub quota_reported: AtomicBool,
    /// What is counted for people.
    pub statistics: Statistics,
}

impl Usage {
    /// Connections on all nodes.
    pub fn all_connections(&self) -> usize {
        let elsewhere = self.connections_elsewhere.load(Ordering::Relaxed);
        self.connections.load(Ordering::Relaxed) + elsewhere
    }

    /// Counts messages (contract 17.2).
    pub fn count_messages(&self, count: u64) {
        self.messages.fetch_add(count, Ordering::Relaxed);
    }

    /// So many messages of this day were counted by other nodes and former runs.
    pub fn set_messages_elsewhere(&self, now_ms: u64, messages: u64) {
        self.messages_here(now_ms);
        self.messages_elsewhere.store(messages, Ordering::Relaxed);
    }

    /// Messages of the day so far, on all nodes. Crossing midnight (UTC) starts again from 0.
    pub fn messages_today(&self, now_ms: u64) -> u64 {
        self.messages_here(now_ms) + self.messages_elsewhere.load(Ordering::Relaxed)
    }

    /// Messages of the day that this run has counted.
    pub fn messages_here(&self, now_ms: u64) -> u64 {
        let today = now_ms / 86_400_000;
        let before = self.day.swap(today, Ordering::Relaxed);
        if before != today && before != 0 {
            self.messages.store(0, Ordering::Relaxed);
            self.messages_elsewhere.store(0, Ordering::Relaxed);
            self.quota_reported.store(false, Ordering::Relaxed);
        }
        self.messages.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_matched_by_scheme_and_host() {
        let settings = Settings {
            allowed_origins: vec!["https://shop.example".into(), "*.dev.example".into()],
            ..Settings::default()
        };
        for good in ["https://shop.example", "HTTPS://SHOP.example", "http://a.dev.example"] {
            assert!(settings.allows_origin(Some(good)), "{good}");
        }
        for bad in ["http://shop.example", "https://evil.example", "https://xdev.example", "null"] {
            assert!(!settings.allows_origin(Some(bad)), "{bad}");
        }
        assert!(settings.allows_origin(None));
        assert!(Settings::default().allows_origin(Some("https://any.where")));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        let with = |origin: &str| {
            Settings { allowed_origins: vec![origin.into()], ..Settings::default() }.check()
        };
        for good in [
            "*",
            "example.com",
            "*.example.com",
            "https://a.b:8443",
            "capacitor://localhost",
            "http://[::1]:3",
        ] {
            assert_eq!(with(good), Ok(()), "{good}");
        }
        for bad in ["", "not an origin", "https://", "https://a.b/path", "a*b", "http:// a"] {
            assert!(with(bad).unwrap_err().starts_with("allowed_origins = "), "{bad}");
        }
    }

    // contract: 17.3
    #[test]
    fn messages_are_counted_by_day() {
        let usage = Usage::default();
        assert_eq!(usage.messages_today(86_400_000 * 10), 0);
        usage.count_messages(5);
        usage.set_messages_elsewhere(86_400_000 * 10, 3);
        assert_eq!(usage.messages_today(86_400_000 * 10 + 1), 8);
        assert_eq!(usage.messages_here(86_400_000 * 10 + 1), 5);
        assert_eq!(usage.messages_today(86_400_000 * 11), 0);
    }
}
