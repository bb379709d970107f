//! What came before: whether a POST is a duplicate, and whether what it follows has come.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use super::check::{Mark, Verdict};
use super::post::{Gap, Post};

/// Everything that was accepted, as far back as anybody can use it.
pub(super) struct Journal {
    /// Ids that were accepted.
    ids: Memory,
    /// Sequences that were accepted, by sender.
    sequences: Memory,
    /// The lowest sequence of each sender since the start.
    lowest: HashMap<u64, u64>,
    /// Makes numbers of texts, which may be long.
    hasher: RandomState,
}

/// Things of each kind that are remembered.
const REMEMBERED: usize = 10_000;
/// Senders whose lowest sequence is remembered.
const SENDERS: usize = 1_000;

impl Journal {
    pub(super) fn new() -> Self {
        Self {
            ids: Memory::default(),
            sequences: Memory::default(),
            lowest: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// Whether a POST with this id was accepted before.
    pub(super) fn knows(&self, post: &Post) -> bool {
        post.id().is_some_and(|id| self.ids.has(self.hasher.hash_one(id)))
    }

    /// Whether what it follows has come.
    pub(super) fn order(&self, post: &Post) -> Verdict {
        let (Some(sequence), Some(previous)) = (post.sequence(), post.previous()) else {
            return Verdict::new(Mark::Unknown, "none", "no sequence");
        };
        if post.replay().is_some() {
            return Verdict::new(Mark::Unknown, "replay", "a replay, which has no order");
        }
        if previous == 0 {
            return Verdict::new(
                Mark::Good,
                "first",
                format!("sequence {sequence} follows nothing"),
            );
        }
        let is_lost = |gap: Gap| (gap.first..=gap.last).contains(&previous);
        let sender = self.sender(post);
        if post.gap().is_some_and(is_lost) || self.sequences.has(self.hash(sender, previous)) {
            let text = format!("sequence {sequence} follows {previous}");
            return Verdict::new(Mark::Good, "follows", text);
        }
        match self.lowest.get(&sender) {
            Some(lowest) if previous > *lowest => {
                let text = format!("missing: {previous}, which sequence {sequence} follows");
                Verdict::new(Mark::Bad, "missing", text)
            }
            _ => {
                let text = format!(
                    "missing: {previous}, which sequence {sequence} follows (it may have come before \
                     the start)"
                );
                Verdict::new(Mark::Unknown, "before_start", text)
            }
        }
    }

    /// Remembers a POST that was answered with a 2xx.
    pub(super) fn accept(&mut self, post: &Post) {
        if let Some(id) = post.id() {
            self.ids.add(self.hasher.hash_one(id));
        }
        let Some(sequence) = post.sequence() else { return };
        let sender = self.sender(post);
        self.sequences.add(self.hash(sender, sequence));
        if post.replay().is_none()
            && (self.lowest.len() < SENDERS || self.lowest.contains_key(&sender))
        {
            let lowest = self.lowest.entry(sender).or_insert(sequence);
            *lowest = sequence.min(*lowest);
        }
    }

    /// Sequences count within an app; two endpoints of one app may have two paths here.
    fn sender(&self, post: &Post) -> u64 {
        self.hasher.hash_one((post.header("x-pusher-key"), &post.path))
    }

    fn hash(&self, sender: u64, sequence: u64) -> u64 {
        self.hasher.hash_one((sender, sequence))
    }
}

/// The last so many numbers.
#[derive(Default)]
struct Memory {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Memory {
    fn has(&self, number: u64) -> bool {
        self.known.contains(&number)
    }

    fn add(&mut self, number: u64) {
        if !self.known.insert(number) {
            return;
        }
        self.order.push_back(number);
        if self.order.len() > REMEMBERED {
            self.order.pop_front().map(|oldest| self.known.remove(&oldest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::post::post;
    use super::*;

    fn numbered(id: &str, sequence: u64, previous: u64, more: &[(&str, &str)]) -> Post {
        let (sequence, previous) = (sequence.to_string(), previous.to_string());
        let own = [
            ("Webhook-Id", id),
            ("X-Bellwire-Sequence", &sequence),
            ("X-Bellwire-Previous-Sequence", &previous),
        ];
        post(&[&own[..], more].concat(), "")
    }

    #[test]
    fn what_follows_something_that_never_came_is_noticed() {
        let mut journal = Journal::new();
        let steps = [
            (10, 7, None, "before_start"),
            (11, 0, None, "first"),
            (12, 10, None, "follows"),
            (15, 14, None, "missing"),
            (16, 14, Some(("X-Bellwire-Gap", "13-14;count=2")), "follows"),
            (14, 0, Some(("X-Bellwire-Replay", "rpl_1")), "replay"),
            (17, 14, None, "follows"),
            (18, 17, Some(("X-Pusher-Key", "another")), "before_start"),
        ];
        for (at, (sequence, previous, more, word)) in steps.into_iter().enumerate() {
            let post = numbered(&at.to_string(), sequence, previous, more.as_slice());
            assert_eq!(journal.order(&post).word, word, "{sequence}");
            journal.accept(&post);
        }
        assert_eq!(journal.order(&post(&[], "")).word, "none");
    }

    #[test]
    fn only_what_was_accepted_comes_twice() {
        let mut journal = Journal::new();
        let first = numbered("a", 1, 0, &[]);
        assert!(!journal.knows(&first));
        assert!(!journal.knows(&first));
        journal.accept(&first);
        assert!(journal.knows(&first));
        assert!(!journal.knows(&numbered("b", 2, 1, &[])));
        assert!(!journal.knows(&post(&[], "")));
    }

    #[test]
    fn memory_is_bounded() {
        let mut memory = Memory::default();
        for number in 0..REMEMBERED as u64 + 5 {
            memory.add(number);
        }
        assert_eq!((memory.known.len(), memory.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!memory.has(4) && memory.has(5));
    }
}
