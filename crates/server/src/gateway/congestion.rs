//! Channels whose readers cannot keep up: their publishers wait a little for the answer, so that a
//! crowd that reads slower than somebody publishes is slowed down to, not cut off.
//!
//! One stuck or slow reader is no crowd. A channel is congested on a worker while at least
//! [`CROWD_MIN`] and an eighth of its members there are behind *and* still reading.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwire_hub::ChannelId;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Readers that must be behind before anybody is slowed.
const CROWD_MIN: usize = 16;
/// The share of members that must be behind: one in so many.
const CROWD_SHARE: usize = 8;
/// The longest that one publish waits.
const WAIT_MAX: Duration = Duration::from_millis(250);

/// The congested channels of all workers.
#[derive(Debug, Default)]
pub(crate) struct Congestion {
    /// On how many workers a channel is congested.
    channels: Mutex<HashMap<ChannelId, u32, foldhash::fast::RandomState>>,
    /// How many there are, readable without the lock.
    count: AtomicUsize,
    /// Told at every relief.
    relief: Notify,
}

/// Whether so many members behind make a crowd.
pub(crate) fn is_crowd(behind: usize, members: usize) -> bool {
    behind >= CROWD_MIN && behind * CROWD_SHARE >= members
}

impl Congestion {
    /// A channel is congested on one more worker, or on one fewer.
    pub(crate) fn change(&self, channel: ChannelId, congested: bool) {
        let mut channels = self.lock();
        if congested {
            *channels.entry(channel).or_default() += 1;
        } else if let Some(workers) = channels.get_mut(&channel) {
            *workers -= 1;
            if *workers == 0 {
                channels.remove(&channel);
            }
        }
        self.count.store(channels.len(), Ordering::Relaxed);
        drop(channels);
        if !congested {
            self.relief.notify_waiters();
        }
    }

    /// Whether any channel is congested.
    pub(crate) fn is_anywhere(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    /// Until when a publish that comes now waits at the longest.
    pub(crate) fn deadline() -> Instant {
        Instant::now() + WAIT_MAX
    }

    /// Waits until the channel is not congested, or until the deadline.
    pub(crate) async fn relieved(&self, channel: ChannelId, deadline: Instant) {
        while self.is_anywhere() {
            let relief = self.relief.notified();
            let congested = self.lock().contains_key(&channel);
            if !congested || timeout_at(deadline, relief).await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ChannelId, u32, foldhash::fast::RandomState>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_reader_is_no_crowd() {
        assert!(!is_crowd(1, 1));
        assert!(!is_crowd(15, 15));
        assert!(is_crowd(16, 16));
        assert!(!is_crowd(16, 1000));
        assert!(is_crowd(125, 1000));
    }

    #[test]
    fn a_channel_is_relieved_when_its_last_worker_is() {
        let congestion = Congestion::default();
        let channel = ChannelId(7);
        congestion.change(channel, true);
        congestion.change(channel, true);
        congestion.change(channel, false);
        assert!(congestion.lock().contains_key(&channel));
        congestion.change(channel, false);
        assert_eq!(congestion.count.load(Ordering::Relaxed), 0);
    }
}
