//! Who answers for apps, and what all of them together may use.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Who answers for an app, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Apps of one owner have the same.
    pub id: Box<str>,
    /// Connections of each app at one time; 0: no limit.
    pub max_connections_per_app: usize,
    /// Messages of all apps together in a day (UTC), after which publishes are refused; 0: no limit.
    pub max_messages_per_day: u64,
}

/// What the apps of one owner have used together, counted from time to time: a message touches the
/// counter of its app only.
#[derive(Debug, Default)]
pub struct Purse {
    messages_today: AtomicU64,
    /// Whether the log has been told that the quota is used up today.
    pub quota_reported: AtomicBool,
}

impl Purse {
    /// Messages of the day, as they were last counted.
    pub fn messages_today(&self) -> u64 {
        self.messages_today.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, messages: u64) {
        if messages < self.messages_today.swap(messages, Ordering::Relaxed) {
            self.quota_reported.store(false, Ordering::Relaxed);
        }
    }
}
