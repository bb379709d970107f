//! What a careful receiver knows after what it has accepted: which channels are occupied and who is
//! on them. It notes every break of what the sender has promised.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Delivery, Hook};

/// The picture of one endpoint that hears of every channel of one app. Repeated ids count once.
#[derive(Debug, Default)]
pub struct View {
    /// How far the receiver's accepted requests are folded.
    next: usize,
    /// The body of each id.
    bodies: HashMap<String, Arc<[u8]>>,
    /// Occupied channels, with their members.
    channels: BTreeMap<String, BTreeSet<String>>,
    /// Places of the log that were named as a request's own.
    sequences: HashSet<u64>,
    /// Places that a request has named as the one before it.
    followed: HashSet<u64>,
    /// What came twice since the last crash: the id and its channels.
    again: Vec<(String, BTreeSet<String>)>,
    duplicates: usize,
    events: usize,
    violations: Vec<String>,
}

impl View {
    /// A receiver that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the hook has accepted since the last time.
    pub fn catch_up(&mut self, hook: &Hook) {
        let (deliveries, next) = hook.accepted_since(self.next);
        self.next = next;
        deliveries.iter().for_each(|delivery| self.take(delivery));
    }

    /// Takes one accepted request.
    pub fn take(&mut self, delivery: &Delivery) {
        if delivery.replay().is_some() {
            return;
        }
        match self.bodies.get(delivery.id()) {
            Some(known) if *known == delivery.body => self.comes_again(delivery),
            Some(_) => self.violation("the same id with another body", delivery),
            None => {
                self.bodies.insert(delivery.id().to_owned(), Arc::clone(&delivery.body));
                self.follow(delivery);
                delivery.events().iter().for_each(|event| self.fold(event, delivery));
            }
        }
    }

    /// The sender has crashed: from here on, one batch a lane may come again. Every request that it
    /// sent before must have been taken.
    pub fn crashed(&mut self) {
        self.again.clear();
    }

    /// The occupied channels.
    #[must_use]
    pub fn occupied(&self) -> Vec<String> {
        self.channels.keys().cloned().collect()
    }

    /// The members of a channel, sorted.
    #[must_use]
    pub fn members(&self, channel: &str) -> Vec<String> {
        self.channels.get(channel).into_iter().flatten().cloned().collect()
    }

    /// Requests that came again with the same id.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.duplicates
    }

    /// Events that were folded.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events
    }

    /// The promises that were broken, each with the request that did.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// Panics if a promise was broken; the first ones are named.
    #[track_caller]
    pub fn assert_sound(&self) {
        let first = &self.violations[..self.violations.len().min(5)];
        assert!(first.is_empty(), "promises were broken:\n{}", first.join("\n"));
    }

    fn violation(&mut self, what: &str, delivery: &Delivery) {
        self.violations.push(format!("{what}: {delivery}"));
    }

    /// Of one lane, at most one batch comes again after a crash. Requests that share a channel are
    /// of one lane.
    fn comes_again(&mut self, delivery: &Delivery) {
        self.duplicates += 1;
        let channels: BTreeSet<String> =
            delivery.events().iter().map(|e| text(e, "channel")).collect();
        if self.again.iter().any(|(id, _)| id == delivery.id()) {
            self.violation("it came three times with one crash", delivery);
        } else if self.again.iter().any(|(_, others)| !others.is_disjoint(&channels)) {
            self.violation("two batches of one lane came again", delivery);
        }
        self.again.push((delivery.id().to_owned(), channels));
    }

    /// What a request says it follows was accepted here, or is within the gap that it names.
    fn follow(&mut self, delivery: &Delivery) {
        let (previous, gap) = (delivery.previous(), delivery.gap());
        let is_lost = |gap: super::Gap| (gap.first..=gap.last).contains(&previous);
        if previous != 0 && !gap.is_some_and(is_lost) && !self.sequences.contains(&previous) {
            self.violation("it follows something that never came", delivery);
        }
        if previous != 0 && !self.followed.insert(previous) && gap.is_none() {
            self.violation("two follow the same", delivery);
        }
        self.sequences.insert(delivery.sequence());
    }

    fn fold(&mut self, event: &Value, delivery: &Delivery) {
        self.events += 1;
        let (channel, user) = (text(event, "channel"), text(event, "user_id"));
        let fault =
            match (event["name"].as_str().unwrap_or_default(), self.channels.get_mut(&channel)) {
                ("channel_occupied", None) => {
                    self.channels.insert(channel, BTreeSet::new());
                    None
                }
                ("channel_occupied", Some(_)) => Some("occupied twice"),
                ("channel_vacated", Some(members)) => {
                    let fault = (!members.is_empty()).then_some("vacated before its members left");
                    self.channels.remove(&channel);
                    fault
                }
                ("channel_vacated", None) => Some("vacated without being occupied"),
                ("member_added", Some(members)) => (!members.insert(user)).then_some("added twice"),
                ("member_removed", Some(members)) => {
                    (!members.remove(&user)).then_some("removed without being there")
                }
                ("member_added" | "member_removed", None) => Some("a member of an empty channel"),
                _ => None,
            };
        if let Some(fault) = fault {
            self.violation(&format!("{fault}: {event}"), delivery);
        }
    }
}

fn text(event: &Value, key: &str) -> String {
    event[key].as_str().unwrap_or_default().to_owned()
}
