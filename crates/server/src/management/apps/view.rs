//! Apps as people see them: never with a secret, but where it is new.

use bellwire_accounts::Role;
use bellwire_hub::{App, Settings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::management::accounts::usage::{Used, connections};
use crate::moment::Moment;
use crate::ops::clock::now_ms;

/// An app in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppSummary {
    /// Its id.
    #[schema(example = "1001")]
    pub(crate) id: String,
    /// What people call it.
    #[schema(example = "Chat")]
    name: String,
    /// The account that it belongs to; `null`: an app of the config file, or of nobody.
    #[schema(required, example = "acc_0123456789abcdef")]
    account_id: Option<String>,
    /// A label; nothing depends on it.
    #[schema(example = "eu")]
    cluster: String,
    /// Who wrote it down: `stored`, or `file`, which is read-only here.
    #[schema(example = "stored")]
    origin: &'static str,
    /// Whether it takes connections and requests.
    enabled: bool,
    /// Connections now.
    connections: u64,
    /// Occupied channels now.
    channels: usize,
    /// Messages of the day (UTC).
    messages_today: u64,
}

impl AppSummary {
    /// An app with so many occupied channels.
    pub(crate) fn of(app: &App, channels: usize) -> Self {
        let live = app.live();
        Self {
            id: app.id.to_string(),
            name: live.settings.name.clone(),
            account_id: live.owner.as_ref().map(|owner| owner.by.id.to_string()),
            cluster: live.settings.cluster.clone(),
            origin: if live.is_declared { "file" } else { "stored" },
            enabled: live.settings.enabled,
            connections: connections(app).used(),
            channels,
            messages_today: app.usage.messages_today(now_ms()),
        }
    }
}

/// An app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = App)]
pub(crate) struct AppView {
    #[serde(flatten)]
    summary: AppSummary,
    /// When it was made.
    #[schema(required)]
    created_at: Option<Moment>,
    settings: SettingsView,
    limits: AppLimits,
    /// What whoever asks may do with it: `owner`, `developer` or `viewer`.
    #[schema(example = "owner")]
    role: &'static str,
    /// Its oldest active key, which signs webhooks; `null`: there is none.
    #[schema(required, example = "278d425bdf160c739803")]
    key: Option<String>,
}

/// What an app has used of what it may use, by its own settings and the plan of its account.
#[derive(Debug, Serialize, ToSchema)]
struct AppLimits {
    connections: Used,
    messages_today: Used,
}

/// An app that was just made.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppCreated {
    #[serde(flatten)]
    pub(crate) app: AppView,
    /// The secret of its key.
    pub(crate) secret: String,
}

impl AppView {
    /// An app as somebody with this role sees it.
    pub(crate) fn of(app: &App, role: Role, channels: usize, created_at_ms: Option<u64>) -> Self {
        let live = app.live();
        let summary = AppSummary::of(app, channels);
        Self {
            limits: AppLimits {
                connections: connections(app),
                messages_today: Used::of(
                    summary.messages_today,
                    live.settings.max_messages_per_day,
                ),
            },
            summary,
            created_at: created_at_ms.map(Moment),
            settings: SettingsView::of(&live.settings),
            role: role.name(),
            key: live.keys.iter().find(|key| key.active).map(|key| key.key.to_string()),
        }
    }
}

/// Declares what of [`Settings`] people see and change here.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// Toggles and limits of an app.
        #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
        #[schema(as = Settings)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct SettingsView {
            $($(#[$doc])* $name: $type,)*
        }

        impl SettingsView {
            /// What people see of them.
            pub(crate) fn of(settings: &Settings) -> Self {
                Self { $($name: settings.$name.clone(),)* }
            }

            /// The settings with these.
            pub(crate) fn onto(self, settings: Settings) -> Settings {
                Settings { $($name: self.$name,)* ..settings }
            }
        }
    };
}

settings! {
    /// Whether clients may send `client-…` events.
    client_events: bool,
    /// Whether subscribers hear how many they are.
    subscription_count: bool,
    /// Whether signed-in users may watch others.
    watchlist: bool,
    /// Whether a connection must prove itself within a time.
    authorized_connections: bool,
    /// Whether plain-text connections are refused.
    force_tls: bool,
    /// Whether event names of the API are held to `[A-Za-z0-9_\-:.]+`.
    strict_event_names: bool,
    /// Whether a webhook may carry several events.
    batch_webhooks: bool,
    /// Whether the first subscriber of a channel is admitted only once `channel_occupied` is kept.
    announce_before_ack: bool,
    /// Whether messages are compressed for clients that offer it (permessage-deflate).
    compression: bool,
    /// Origins that browsers may come from; empty: all. `*.example.com` covers subdomains.
    allowed_origins: Vec<String>,
    /// Connections at one time; 0: no limit but the plan's.
    max_connections: usize,
    /// Channels that one connection may subscribe to; 0: no limit.
    max_channels_per_connection: usize,
    /// Distinct users of one presence channel; 0: no limit.
    max_presence_members: usize,
    /// Bytes of `channel_data`, and of `user_data` without its watchlist.
    max_user_object_bytes: usize,
    /// UTF-8 bytes of an event's data.
    max_event_bytes: usize,
    /// Client events that one connection may send in a second; 0: no limit.
    max_client_events_per_s: u32,
    /// Messages per day (UTC) after which publishes are refused; 0: no limit but the plan's.
    max_messages_per_day: u64,
    /// Users that one connection may watch.
    max_watchlist: usize,
    /// Seconds for which a cache channel remembers.
    cache_ttl_s: u32,
}

impl Default for SettingsView {
    fn default() -> Self {
        Self::of(&Settings::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_seen_and_changed_here_but_name_state_and_label() {
        let all = serde_json::to_value(Settings::default()).unwrap();
        let seen = serde_json::to_value(SettingsView::default()).unwrap();
        let seen = seen.as_object().unwrap();
        let missing: Vec<&String> =
            all.as_object().unwrap().keys().filter(|name| !seen.contains_key(*name)).collect();
        assert_eq!(missing, ["cluster", "enabled", "name"]);
    }
}
