//! How loss is noticed: each sender counts its messages of each subject, and who hears them counts
//! along.
//!
//! Neither remembers for ever. A sender that forgot a subject begins its count anew, in another run;
//! a listener that meets an unknown count begins with it. Both keep a hash for the name of a subject:
//! were two of a billion subjects to meet in one, a loss would be counted that was none.

use std::hash::BuildHasher;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::subject::Subject;

/// Which message of its sender and subject one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// Distinguishes one count from the next, once the sender had forgotten the subject.
    pub run: u8,
    /// 1, 2, 3…
    pub number: u64,
}

/// The sender's side: numbers for what it sends.
#[derive(Debug, Default)]
pub struct Sequences {
    shares: [Mutex<Counts>; SHARES],
    hasher: RandomState,
}

/// The counts of a share of the subjects, those used lately apart.
#[derive(Debug, Default)]
struct Counts {
    fresh: HashMap<u64, Sequence, RandomState>,
    stale: HashMap<u64, Sequence, RandomState>,
    /// When what is stale was forgotten for the last time.
    turned_ms: u64,
    /// How often.
    turns: u8,
}

impl Sequences {
    /// The number of the next message. Numbers are of use if messages of one subject are handed to
    /// the bus in the order of their numbers; whoever calls this sees to that.
    ///
    /// A count that was not used for a minute (two at most) is forgotten.
    pub fn next(&self, subject: &Subject, now_ms: u64) -> Sequence {
        let hash = self.hasher.hash_one(subject.as_str());
        let mut counts = locked(&self.shares[hash as usize % SHARES]);
        counts.turn(now_ms);
        let run = counts.turns;
        let stale = counts.stale.remove(&hash);
        let sequence = counts
            .fresh
            .entry(hash)
            .or_insert_with(|| stale.unwrap_or(Sequence { run, number: 0 }));
        sequence.number += 1;
        *sequence
    }
}

impl Counts {
    fn turn(&mut self, now_ms: u64) {
        let quiet_ms = now_ms.saturating_sub(self.turned_ms);
        if quiet_ms < SENDER_FORGETS_MS {
            return;
        }
        self.stale = mem::take(&mut self.fresh);
        if quiet_ms >= 2 * SENDER_FORGETS_MS {
            self.stale = HashMap::default();
        }
        self.turned_ms = now_ms;
        self.turns = self.turns.wrapping_add(1);
    }
}

/// The listener's side: what did not come.
#[derive(Debug, Default)]
pub struct Losses {
    shares: [Mutex<Heard>; SHARES],
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Heard {
    fresh: Last,
    stale: Last,
    turned_ms: u64,
    lost: u64,
}

/// The last number of each sender on each subject. Few nodes publish in one channel.
type Last = HashMap<u64, SmallVec<[(u64, Sequence); 1]>, RandomState>;

impl Losses {
    /// A message came; how many before it did not.
    pub fn heard(&self, sender: u64, subject: &str, sequence: Sequence, now_ms: u64) -> u64 {
        let hash = self.hasher.hash_one(subject);
        let mut heard = locked(&self.shares[hash as usize % SHARES]);
        heard.turn(now_ms);
        if let Some(stale) = heard.stale.remove(&hash) {
            heard.fresh.insert(hash, stale);
        }
        let senders = heard.fresh.entry(hash).or_default();
        let lost = match senders.iter_mut().find(|(known, _)| *known == sender) {
            Some((_, last)) => missing(mem::replace(last, sequence), sequence),
            None => {
                senders.push((sender, sequence));
                0
            }
        };
        heard.lost += lost;
        lost
    }

    /// A subject is not listened to any more: what comes later is no gap.
    pub fn forget(&self, subject: &str) {
        let hash = self.hasher.hash_one(subject);
        let mut heard = locked(&self.shares[hash as usize % SHARES]);
        heard.fresh.remove(&hash);
        heard.stale.remove(&hash);
    }

    /// How many messages did not come so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.shares.iter().map(|share| locked(share).lost).sum()
    }
}

impl Heard {
    fn turn(&mut self, now_ms: u64) {
        if now_ms.saturating_sub(self.turned_ms) >= LISTENER_FORGETS_MS {
            self.stale = mem::take(&mut self.fresh);
            self.turned_ms = now_ms;
        }
    }
}

/// How many messages lie between two; all of a new run that came before it.
fn missing(last: Sequence, now: Sequence) -> u64 {
    let before = if last.run == now.run { last.number } else { 0 };
    now.number.saturating_sub(before + 1)
}

fn locked<T>(share: &Mutex<T>) -> MutexGuard<'_, T> {
    // A count is whole between any two statements.
    share.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Publishers of different channels seldom meet.
const SHARES: usize = 16;

const SENDER_FORGETS_MS: u64 = 60_000;

/// Longer than any sender remembers, so that a gap is seen as long as there can be one.
const LISTENER_FORGETS_MS: u64 = 180_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Subjects;

    fn subject(id: u64) -> Subject {
        Subjects::of("test").unwrap().node(id)
    }

    /// A sender, a listener, and what happens between them.
    #[derive(Default)]
    struct Pair {
        sequences: Sequences,
        losses: Losses,
        now_ms: u64,
    }

    impl Pair {
        fn send(&self, subject_id: u64) -> Sequence {
            self.sequences.next(&subject(subject_id), self.now_ms)
        }

        fn arrive(&self, subject_id: u64, sequence: Sequence) -> u64 {
            self.losses.heard(7, subject(subject_id).as_str(), sequence, self.now_ms)
        }
    }

    #[test]
    fn what_did_not_come_is_counted() {
        let pair = Pair::default();
        assert_eq!(pair.arrive(1, pair.send(1)), 0);
        pair.send(1);
        pair.send(1);
        assert_eq!(pair.arrive(1, pair.send(1)), 2);
        assert_eq!(pair.arrive(2, pair.send(2)), 0);
        assert_eq!(pair.losses.total(), 2);
    }

    #[test]
    fn what_came_before_one_listened_is_no_loss() {
        let pair = Pair::default();
        pair.send(1);
        assert_eq!(pair.arrive(1, pair.send(1)), 0);
        pair.losses.forget(subject(1).as_str());
        pair.send(1);
        assert_eq!(pair.arrive(1, pair.send(1)), 0);
    }

    #[test]
    fn an_unused_count_is_forgotten_and_begins_anew_in_another_run() {
        let mut pair = Pair::default();
        let first = pair.send(1);
        pair.arrive(1, first);
        pair.now_ms += 59_000;
        assert_eq!(pair.send(1).number, 2, "a minute is not over");
        pair.now_ms += 2 * 60_000;
        let anew = pair.send(1);
        assert_eq!(anew.number, 1);
        assert_ne!(anew.run, first.run);
    }

    #[test]
    fn the_beginning_of_a_new_run_can_be_lost_and_is_counted() {
        let mut pair = Pair::default();
        for _ in 0..5 {
            pair.arrive(1, pair.send(1));
        }
        pair.now_ms += 130_000;
        for _ in 0..6 {
            pair.send(1);
        }
        assert_eq!(pair.arrive(1, pair.send(1)), 6);
    }

    #[test]
    fn neither_side_remembers_for_ever() {
        let mut pair = Pair::default();
        for id in 0..1_000 {
            pair.arrive(id, pair.send(id));
        }
        for _ in 0..4 {
            pair.now_ms += LISTENER_FORGETS_MS;
            // One of every share.
            for id in 2_000..2_200 {
                pair.arrive(id, pair.send(id));
            }
        }
        let sent = pair.sequences.shares.iter().map(|share| {
            let counts = locked(share);
            counts.fresh.len() + counts.stale.len()
        });
        let heard = pair.losses.shares.iter().map(|share| {
            let heard = locked(share);
            heard.fresh.len() + heard.stale.len()
        });
        assert!(sent.sum::<usize>() <= 400);
        assert!(heard.sum::<usize>() <= 400);
    }

    #[test]
    fn senders_are_counted_apart() {
        let losses = Losses::default();
        for sender in 0..40 {
            losses.heard(sender, "s", Sequence { run: 0, number: 1 }, 0);
        }
        let lost =
            (0..40).map(|sender| losses.heard(sender, "s", Sequence { run: 0, number: 3 }, 0));
        assert_eq!(lost.sum::<u64>(), 40);
    }
}
