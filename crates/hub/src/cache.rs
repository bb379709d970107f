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

/// Tells which of two events of a channel is the later one, the same on every node: a counter that
/// goes on from the event before and follows the clock where there is none, and the node for those
/// that meet. Clocks may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// One more than that of the event before, or the time in milliseconds.
    pub count: u64,
    /// Who published it.
    pub node: u64,
}

#[derive(Debug)]
struct Cached {
    frame: Frame,
    stamp: Stamp,
    ends: (u64, u64),
}

/// What an entry costs beside its frame, roughly.
const ENTRY_BYTES: usize = 256;

impl Cache {
    /// An empty cache that keeps to a budget.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { entries: HashMap::default(), by_end: BTreeMap::new(), bytes: 0, bytes_max, next: 0 }
    }

    /// The stamp of the next event of a channel.
    pub(crate) fn next_stamp(
        &self,
        now_ms: u64,
        node: u64,
        app: u32,
        channel: &ChannelName,
    ) -> Stamp {
        let before = self.entries.get(&(app, channel.clone()));
        let count = before.map_or(now_ms, |cached| now_ms.max(cached.stamp.count + 1));
        Stamp { count, node }
    }

    /// Remembers an event until `ends_ms`, unless a later one is there. The oldest entries make room.
    pub(crate) fn put(
        &mut self,
        app: u32,
        channel: &ChannelName,
        frame: Frame,
        ends_ms: u64,
        stamp: Stamp,
    ) {
        let key = (app, channel.clone());
        if self.entries.get(&key).is_some_and(|cached| cached.stamp > stamp) {
            return;
        }
        self.forget(&key);
        self.next += 1;
        let ends = (ends_ms, self.next);
        self.bytes += cost(&frame);
        self.by_end.insert(ends, key.clone());
        self.entries.insert(key, Cached { frame, stamp, ends });
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

    /// The events of an app, with their stamps and the milliseconds they have left.
    pub(crate) fn of_app(
        &self,
        now_ms: u64,
        app: u32,
    ) -> impl Iterator<Item = (&ChannelName, &Frame, Stamp, u64)> {
        self.entries.iter().filter_map(move |((of, channel), cached)| {
            let left = cached.ends.0.checked_sub(now_ms).filter(|left| *of == app && *left > 0)?;
            Some((channel, &cached.frame, cached.stamp, left))
        })
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

    fn stamp(count: u64) -> Stamp {
        Stamp { count, node: 1 }
    }

    // contract: 8.3
    #[test]
    fn an_entry_lives_from_its_publication_and_reading_does_not_renew_it() {
        let mut cache = Cache::new(10_000);
        cache.put(0, &channel("cache-a"), Frame::text("x"), 100, stamp(0));
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
            cache.put(0, &channel(&format!("cache-{at}")), Frame::text("x"), 100 + at, stamp(at));
        }
        assert!(cache.at(0, 0, &channel("cache-1")).is_none());
        assert!(cache.at(0, 0, &channel("cache-2")).is_some());
        assert_eq!(cache.entries.len(), cache.by_end.len());
    }

    #[test]
    fn replacing_leaves_no_trace_of_the_old_entry() {
        let mut cache = Cache::new(10_000);
        for at in 0..100 {
            cache.put(0, &channel("cache-a"), Frame::text("x"), 100 + at, stamp(at));
        }
        assert_eq!((cache.entries.len(), cache.by_end.len()), (1, 1));
        assert_eq!(cache.bytes(), ENTRY_BYTES + 3);
    }

    // contract: 8.6
    #[test]
    fn of_two_events_the_later_one_stays_in_whatever_order_they_come() {
        let (name, text) = (channel("cache-a"), |cache: &Cache| {
            let found = cache.at(0, 0, &channel("cache-a"));
            String::from_utf8(found.unwrap().0.payload().to_vec()).unwrap()
        });
        let mut here = Cache::new(10_000);
        let first = here.next_stamp(500, 1, 0, &name);
        here.put(0, &name, Frame::text("first"), 900, first);
        // The clock of the other node is behind.
        let second = here.next_stamp(20, 2, 0, &name);
        here.put(0, &name, Frame::text("second"), 900, second);
        let mut there = Cache::new(10_000);
        there.put(0, &name, Frame::text("second"), 900, second);
        there.put(0, &name, Frame::text("first"), 900, first);
        assert_eq!((text(&here), text(&there)), ("second".to_owned(), "second".to_owned()));
    }
}
