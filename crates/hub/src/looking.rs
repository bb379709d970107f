//! What people may ask of the hub while it runs: pages of members and users, in the order
//! of their names. A page is found in one pass, so a lock is held for a pass and no longer; nothing
//! on the way of a message asks any of this.

use std::collections::BinaryHeap;
use std::sync::Arc;

use bellwire_protocol::{ChannelName, UserId};

use crate::app::App;
use crate::hub::Hub;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// Only names with this in them, in whatever case.
    pub q: &'a str,
    /// Only names after this one.
    pub after: &'a str,
    /// So many at most.
    pub limit: usize,
}

/// A part of a list, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// Whether there are more after them.
    pub has_more: bool,
    /// How many there are on all pages.
    pub total: usize,
}

/// A member of a presence channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberSeen {
    /// Its id.
    pub id: UserId,
    /// What it said of itself, as JSON.
    pub info: String,
    /// How many of its connections are on the channel.
    pub connections: u32,
}

impl Hub {
    /// The members of a presence channel.
    #[must_use]
    pub fn member_page(
        &self,
        app: &Arc<App>,
        channel: &ChannelName,
        wanted: &Wanted<'_>,
    ) -> Page<MemberSeen> {
        let mut best = Best::new(wanted);
        self.with_channel(app, channel, |shard, place, _| {
            let seats = shard.members(place).into_iter().flat_map(|members| members.seats());
            for (id, spelled, connections) in seats {
                best.offer(id.as_str(), || (id.clone(), spelled.info(), connections));
            }
        });
        let Page { items, has_more, total } = best.page();
        let seen = |(id, info, connections)| MemberSeen { id, info, connections };
        Page { items: items.into_iter().map(seen).collect(), has_more, total }
    }

    /// The signed-in users of an app, with how many connections each has.
    #[must_use]
    pub fn user_page(&self, app: &App, wanted: &Wanted<'_>) -> Page<(UserId, usize)> {
        let mut best = Best::new(wanted);
        self.with_users(app, |users, _| {
            for (id, connections) in users.online(app.handle) {
                best.offer(id.as_str(), || (id.clone(), connections));
            }
        });
        best.page()
    }
}

/// The first so many names of what is offered in no order.
struct Best<T> {
    q: String,
    after: String,
    limit: usize,
    /// The largest name on top.
    heap: BinaryHeap<Named<T>>,
    total: usize,
    has_more: bool,
}

struct Named<T> {
    name: String,
    item: T,
}

impl<T> Best<T> {
    fn new(wanted: &Wanted<'_>) -> Self {
        let (q, after) = (wanted.q.to_lowercase(), wanted.after.to_owned());
        let heap = BinaryHeap::new();
        Self { q, after, limit: wanted.limit, heap, total: 0, has_more: false }
    }

    fn offer(&mut self, name: &str, item: impl FnOnce() -> T) {
        if !self.q.is_empty() && !name.to_lowercase().contains(&self.q) {
            return;
        }
        self.total += 1;
        if name <= self.after.as_str() && !self.after.is_empty() {
            return;
        }
        if self.heap.len() >= self.limit {
            self.has_more = true;
            if self.heap.peek().is_none_or(|last| last.name.as_str() < name) {
                return;
            }
            self.heap.pop();
        }
        self.heap.push(Named { name: name.to_owned(), item: item() });
    }

    fn page(self) -> Page<T> {
        let items = self.heap.into_sorted_vec().into_iter().map(|named| named.item);
        Page { items: items.collect(), has_more: self.has_more, total: self.total }
    }
}

impl<T> PartialEq for Named<T> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<T> Eq for Named<T> {}

impl<T> PartialOrd for Named<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Named<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.name.cmp(&other.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(wanted: &Wanted<'_>) -> (Vec<&'static str>, bool, usize) {
        let mut best = Best::new(wanted);
        for name in ["d", "A1", "c", "a2", "b"] {
            best.offer(name, || name);
        }
        let Page { items, has_more, total } = best.page();
        (items, has_more, total)
    }

    #[test]
    fn pages_follow_each_other_in_the_order_of_names() {
        let wanted = |after, limit| Wanted { q: "", after, limit };
        assert_eq!(page(&wanted("", 2)), (vec!["A1", "a2"], true, 5));
        assert_eq!(page(&wanted("a2", 2)), (vec!["b", "c"], true, 5));
        assert_eq!(page(&wanted("c", 2)), (vec!["d"], false, 5));
    }

    #[test]
    fn a_search_has_no_case_and_counts_what_it_finds() {
        assert_eq!(page(&Wanted { q: "a", after: "", limit: 9 }), (vec!["A1", "a2"], false, 2));
        assert_eq!(page(&Wanted { q: "A", after: "", limit: 1 }), (vec!["A1"], true, 2));
    }
}
