//! Idle things of endpoints, each for a while: a stack per endpoint, and one order of age for all.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use tokio::time::Instant;

use super::target::Origin;
use crate::ids::EndpointId;

/// What may lie on a shelf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of one endpoint.
    pub(super) per_endpoint: usize,
    /// Of all together.
    pub(super) in_all: usize,
    /// How long each.
    pub(super) idle: Duration,
}

/// Idle things, each made for an origin.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    limits: Limits,
    /// By number; numbers rise with time, so the first is the oldest.
    items: BTreeMap<u64, Item<T>>,
    /// The numbers of each endpoint, the oldest first. None of the lists is empty.
    numbers: HashMap<EndpointId, VecDeque<u64>, RandomState>,
    next: u64,
}

#[derive(Debug)]
struct Item<T> {
    endpoint: EndpointId,
    origin: Origin,
    since: Instant,
    thing: T,
}

impl<T> Shelf<T> {
    pub(super) fn new(limits: Limits) -> Self {
        let numbers = HashMap::with_hasher(RandomState::default());
        Self { limits, items: BTreeMap::new(), numbers, next: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Lays something down. What has to go for it is returned.
    #[must_use]
    pub(super) fn put(
        &mut self,
        now: Instant,
        endpoint: &EndpointId,
        origin: Origin,
        thing: T,
    ) -> Option<T> {
        let number = self.next;
        self.next += 1;
        let item = Item { endpoint: endpoint.clone(), origin, since: now, thing };
        self.items.insert(number, item);
        let numbers = self.numbers.entry_ref(endpoint).or_default();
        numbers.push_back(number);
        if numbers.len() > self.limits.per_endpoint {
            let oldest = numbers.pop_front()?;
            return self.items.remove(&oldest).map(|item| item.thing);
        }
        if self.items.len() > self.limits.in_all { self.pop_oldest() } else { None }
    }

    /// Takes what was laid down last for an endpoint. What turns out to be too old, or made for
    /// another origin, goes to `old`.
    pub(super) fn take(
        &mut self,
        now: Instant,
        endpoint: &EndpointId,
        origin: &Origin,
        old: &mut Vec<T>,
    ) -> Option<T> {
        loop {
            let number = self.numbers.get_mut(endpoint)?.pop_back();
            let item = number.and_then(|number| self.items.remove(&number));
            if self.numbers.get(endpoint).is_some_and(VecDeque::is_empty) {
                self.numbers.remove(endpoint);
            }
            let item = item?;
            if item.origin == *origin && now.duration_since(item.since) < self.limits.idle {
                return Some(item.thing);
            }
            old.push(item.thing);
        }
    }

    /// Takes everything of an endpoint.
    #[must_use]
    pub(super) fn take_all(&mut self, endpoint: &EndpointId) -> Vec<T> {
        let numbers = self.numbers.remove(endpoint).unwrap_or_default();
        let items = numbers.into_iter().filter_map(|number| self.items.remove(&number));
        items.map(|item| item.thing).collect()
    }

    /// Takes what is too old.
    #[must_use]
    pub(super) fn take_old(&mut self, now: Instant) -> Vec<T> {
        let mut old = Vec::new();
        let is_old = |item: &Item<T>, idle| now.duration_since(item.since) >= idle;
        while self.items.first_key_value().is_some_and(|(_, item)| is_old(item, self.limits.idle)) {
            old.extend(self.pop_oldest());
        }
        old
    }

    fn pop_oldest(&mut self) -> Option<T> {
        let (_, item) = self.items.pop_first()?;
        if let Some(numbers) = self.numbers.get_mut(&item.endpoint) {
            // The oldest of all is the oldest of its endpoint.
            numbers.pop_front();
            if numbers.is_empty() {
                self.numbers.remove(&item.endpoint);
            }
        }
        Some(item.thing)
    }
}

#[cfg(test)]
#[path = "shelf_tests.rs"]
mod tests;
