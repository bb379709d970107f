//! Publishing for an app: within its rules and its quota, and no faster than its readers read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bellwire_hub::interest::Listener;
use bellwire_hub::statistics::Counted;
use bellwire_hub::{App, ChannelInfo, Hub};
use bellwire_protocol::publish::{Publish, Rules};
use bellwire_protocol::server;
use smallvec::SmallVec;

use crate::gateway::{Congestion, Errands, Switchboard};
use crate::live::Live;

/// Whoever may publish for an app.
pub(crate) struct Publisher<'a> {
    pub(crate) hub: &'a Hub,
    pub(crate) switchboard: &'a Switchboard,
    pub(crate) live: &'a Live,
    pub(crate) app: &'a Arc<App>,
    pub(crate) now_ms: u64,
}

/// What whoever publishes is told when the day's messages are used up (contract 17.3).
pub(crate) const OVER_QUOTA: &str = "API call failed since (daily) message quota exceeded";

impl Publisher<'_> {
    /// What the app allows.
    pub(crate) fn rules(&self) -> Rules {
        let live = self.app.live();
        Rules {
            data_bytes_max: live.settings.max_event_bytes,
            strict_names: live.settings.strict_event_names,
        }
    }

    /// Whether the day's messages are used up, by the app's own limit or by its owner's.
    pub(crate) fn is_over_quota(&self) -> bool {
        let live = self.app.live();
        let is_used_up = |used: u64, max: u64| max != 0 && used >= max;
        let own = live.settings.max_messages_per_day;
        let (max, reported) = match &live.owner {
            _ if is_used_up(self.app.usage.messages_today(self.now_ms), own) => {
                (own, &self.app.usage.quota_reported)
            }
            Some(owner)
                if is_used_up(owner.purse.messages_today(), owner.by.max_messages_per_day) =>
            {
                (owner.by.max_messages_per_day, &owner.purse.quota_reported)
            }
            _ => return false,
        };
        if !reported.swap(true, Ordering::Relaxed) {
            tracing::warn!(app = %self.app.id, max, "the message quota of the day is used up");
        }
        true
    }

    /// Publishes to every channel; what is known of each right after it.
    pub(crate) fn publish(&self, publish: &Publish<'_>) -> SmallVec<[ChannelInfo; 1]> {
        let usage = &self.app.usage;
        let counts = if publish.info.is_empty() { 1 } else { 2 };
        usage.count_messages(counts);
        usage.statistics.count(Counted::Api, counts);
        let errands = Errands::begin();
        let mut bytes = 0;
        let to = |channel| {
            let frame = server::event(&publish.name, channel, &publish.data, None);
            bytes = frame.payload().len();
            self.hub.publish(self.now_ms, self.app, channel, frame, publish.except)
        };
        let reached: SmallVec<[ChannelInfo; 1]> = publish.channels.iter().map(to).collect();
        drop(errands);
        usage.statistics.sizes.add(bytes as u64);
        if self.app.interest.is_there(Listener::Console) {
            self.live.published(self.app, self.now_ms, publish, &reached);
        }
        reached
    }

    /// Keeps the publisher waiting for its answer while a crowd on its channels is behind.
    pub(crate) async fn let_readers_catch_up(&self, published: &[Publish<'_>]) {
        let congestion = &self.switchboard.congestion;
        if !congestion.is_anywhere() {
            return;
        }
        let deadline = Congestion::deadline();
        for channel in published.iter().flat_map(|publish| &publish.channels) {
            if let Some(id) = self.hub.channel_id(self.app, channel) {
                congestion.relieved(id, deadline).await;
            }
        }
    }
}
