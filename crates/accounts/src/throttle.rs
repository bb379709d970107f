//! Guessing passwords is made slow: after a few failures each further try has to wait, by the e-mail
//! that was tried and by the address it came from.

use std::collections::HashMap;

/// Failures of late.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: HashMap<String, Failures>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last_ms: u64,
}

/// Whether somebody may try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Now.
    Now,
    /// After so many seconds.
    After(u64),
}

/// Failures that cost nothing: of one who is tried, and of a place from which many may come.
const FREE: (u32, u32) = (5, 30);
/// What the next one costs; each further twice as much.
const FIRST_MS: u64 = 2_000;
/// What one costs at most.
const MOST_MS: u64 = 15 * 60_000;
/// After this time without a failure all is forgotten.
const FORGET_MS: u64 = 60 * 60_000;
/// Names that are remembered. Above it the oldest go.
const NAMES: usize = 10_000;

impl Throttle {
    /// Whether somebody at a place may try now to be `who`. The try is taken for a failure until
    /// [`Throttle::succeeded`]: who tries many at once gets no more of them.
    pub fn tries(&mut self, now_ms: u64, who: &str, place: &str) -> Verdict {
        let (who, place) = names(who, place);
        let wait_ms = self.wait_ms(now_ms, &who, FREE.0).max(self.wait_ms(now_ms, &place, FREE.1));
        if wait_ms > 0 {
            return Verdict::After(wait_ms.div_ceil(1000));
        }
        for name in [who, place] {
            let failures = self.failures.entry(name).or_insert(Failures { count: 0, last_ms: 0 });
            if failures.last_ms + FORGET_MS <= now_ms {
                failures.count = 0;
            }
            (failures.count, failures.last_ms) = (failures.count.saturating_add(1), now_ms);
        }
        self.forget(now_ms);
        Verdict::Now
    }

    /// The last try was right. The place keeps its other failures: whoever guesses may know one
    /// password.
    pub fn succeeded(&mut self, who: &str, place: &str) {
        let (who, place) = names(who, place);
        self.failures.remove(&who);
        if let Some(failures) = self.failures.get_mut(&place) {
            failures.count = failures.count.saturating_sub(1);
        }
    }

    fn wait_ms(&self, now_ms: u64, name: &str, free: u32) -> u64 {
        let Some(failures) = self.failures.get(name) else { return 0 };
        let over = failures.count.saturating_sub(free);
        if over == 0 || failures.last_ms + FORGET_MS <= now_ms {
            return 0;
        }
        let cost_ms = (FIRST_MS << (over - 1).min(20)).min(MOST_MS);
        (failures.last_ms + cost_ms).saturating_sub(now_ms)
    }

    fn forget(&mut self, now_ms: u64) {
        if self.failures.len() <= NAMES {
            return;
        }
        self.failures.retain(|_, failures| failures.last_ms + FORGET_MS > now_ms);
        if self.failures.len() > NAMES {
            let mut times: Vec<u64> = self.failures.values().map(|f| f.last_ms).collect();
            times.sort_unstable();
            let middle = times[times.len() / 2];
            self.failures.retain(|_, failures| failures.last_ms > middle);
        }
    }
}

fn names(who: &str, place: &str) -> (String, String) {
    (format!("who {who}"), format!("place {place}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_failure_makes_the_next_wait_ever_longer() {
        let mut throttle = Throttle::default();
        for _ in 0..6 {
            assert_eq!(throttle.tries(0, "ada", "here"), Verdict::Now);
        }
        assert_eq!(throttle.tries(0, "ada", "there"), Verdict::After(2));
        assert_eq!(throttle.tries(0, "bob", "here"), Verdict::Now);
        assert_eq!(throttle.tries(2_000, "ada", "here"), Verdict::Now);
        assert_eq!(throttle.tries(2_000, "ada", "here"), Verdict::After(4));
        throttle.succeeded("ada", "here");
        assert_eq!(throttle.tries(2_000, "ada", "here"), Verdict::Now);
    }

    #[test]
    fn a_place_from_which_many_names_are_tried_waits_too() {
        let mut throttle = Throttle::default();
        for n in 0..31 {
            assert_eq!(throttle.tries(0, &format!("guess{n}"), "here"), Verdict::Now);
        }
        assert_eq!(throttle.tries(0, "ada", "here"), Verdict::After(2));
        assert_eq!(throttle.tries(0, "ada", "there"), Verdict::Now);
    }

    #[test]
    fn who_signs_in_well_all_day_never_waits() {
        let mut throttle = Throttle::default();
        for n in 0..1_000 {
            assert_eq!(throttle.tries(n, "ada", "here"), Verdict::Now);
            throttle.succeeded("ada", "here");
        }
    }

    #[test]
    fn the_wait_is_bounded_and_forgotten() {
        let mut throttle = Throttle::default();
        let mut now_ms = 0;
        for _ in 0..20 {
            while throttle.tries(now_ms, "ada", "here") != Verdict::Now {
                now_ms += 1_000;
            }
        }
        let Verdict::After(seconds) = throttle.tries(now_ms, "ada", "here") else {
            panic!("no wait")
        };
        assert!(seconds <= 900, "{seconds}");
        assert_eq!(throttle.tries(now_ms + FORGET_MS, "ada", "here"), Verdict::Now);
    }

    #[test]
    fn it_does_not_remember_everybody() {
        let mut throttle = Throttle::default();
        for n in 0..30_000u64 {
            throttle.tries(n, &format!("guess{n}"), &format!("place{n}"));
        }
        assert!(throttle.failures.len() <= NAMES + 2, "{}", throttle.failures.len());
    }
}
