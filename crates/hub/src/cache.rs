//! The last event of every cache channel, for a time and within a budget of bytes (contract 8).

use std::collections::{BTreeMap, HashMap};

use bellwire_protocol::{ChannelName, Frame};

type Key = (u32, ChannelName);

/// What one shard remembers.
#[derive(Debug)]
pub(crate) struct Cache {
    entries: HashMap<Key, Cached, foldhash::fast::RandomState>,
    /// By the end of their time; the oldest go first when room is short.
    by_end: BTreeMap<(u64, u64), Key>,
    bytes: usize,
    bytes_max: usize,
    /// Tells entries apart that end in the same millisecond.
    next: u64,
}

#[derive(Debug)]
struct Cached {
    frame: Frame,
    ends: (u64, u64),
}

/// What an entry costs beside its frame, roughly.
const ENTRY_BYTES: usize = 256;

impl Cache {
    /// An empty cache that keeps to a budget.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { entries: HashMap::default(), by_end: BTreeMap::new(), bytes: 0, bytes_max, next: 0 }
    }

    /// Remembers an event until `ends_ms`. The oldest entries make room.
    pub(crate) fn put(&mut self, app: u32, channel: &ChannelName, frame: Frame, ends_ms: u64) {
        let key = (app, channel.clone());
        self.forget(&key);
        self.next += 1;
        let ends = (ends_ms, self.next);
        self.bytes += cost(&frame);
        self.by_end.insert(ends, key.clone());
        self.entries.insert(key, Cached { frame, ends });
        while self.bytes > self.bytes_max {
            let Some((_, oldest)) = self.by_end.first_key_value() else {
                break;
            };
            let oldest = oldest.clone();
            self.forget(&oldest);
        }
    }

    /// The event of a channel and the milliseconds it has left.
    pub(crate) fn at(&self, now_ms: u64, app: u32, channel: &ChannelName) -> Option<(&Frame, u64)> {
        let cached = self.entries.get(&(app, channel.clone()))?;
        let left = cached.ends.0.checked_sub(now_ms).filter(|left| *left > 0)?;
        Some((&cached.frame, left))
    }

    /// Lets go of what has had its time.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        while let Some((ends, key)) = self.by_end.first_key_value() {
            if ends.0 > now_ms {
                break;
            }
            let key = key.clone();
            self.forget(&key);
        }
    }

    /// Bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn forget(&mut self, key: &Key) {
        if let Some(cached) = self.entries.remove(key) {
            self.by_end.remove(&cached.ends);
            self.bytes -= cost(&cached.frame);
        }
    }
}

fn cost(frame: &Frame) -> usize {
    frame.bytes().len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> ChannelName {
        name.parse().unwrap()
    }

    // contract: 8.3
    #[test]
    fn an_entry_lives_from_its_publication_and_reading_does_not_renew_it() {
        let mut cache = Cache::new(10_000);
        cache.put(0, &channel("cache-a"), Frame::text("x"), 100);
        assert_eq!(cache.at(40, 0, &channel("cache-a")).map(|(_, left)| left), Some(60));
        assert!(cache.at(100, 0, &channel("cache-a")).is_none());
        assert!(cache.at(40, 1, &channel("cache-a")).is_none(), "another app");
        cache.expire(100);
        assert_eq!(cache.bytes(), 0);
    }

    #[test]
    fn the_oldest_make_room() {
        let mut cache = Cache::new(3 * (ENTRY_BYTES + 3));
        for at in 0..5 {
            cache.put(0, &channel(&format!("cache-{at}")), Frame::text("x"), 100 + at);
        }
        assert!(cache.at(0, 0, &channel("cache-1")).is_none());
        assert!(cache.at(0, 0, &channel("cache-2")).is_some());
        assert_eq!(cache.entries.len(), cache.by_end.len());
    }

    #[test]
    fn replacing_leaves_no_trace_of_the_old_entry() {
        let mut cache = Cache::new(10_000);
        for at in 0..100 {
            cache.put(0, &channel("cache-a"), Frame::text("x"), 100 + at);
        }
        assert_eq!((cache.entries.len(), cache.by_end.len()), (1, 1));
        assert_eq!(cache.bytes(), ENTRY_BYTES + 3);
    }
}
