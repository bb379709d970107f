//! How long to wait before a connection is tried again.

use std::hash::BuildHasher;
use std::time::Duration;

use foldhash::quality::RandomState;

/// Doubles from try to try, with chance in it, so that the nodes of a cluster do not come back in
/// one moment.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
    chance: RandomState,
}

impl Backoff {
    /// The next pause: between half and all of what it is the turn of.
    pub(crate) fn pause(&mut self) -> Duration {
        let whole = LONGEST.min(SHORTEST * (1 << self.tries.min(10)));
        self.tries += 1;
        let chance = self.chance.hash_one(self.tries) % 1_000;
        whole / 2 + whole / 2 * chance as u32 / 1_000
    }

    /// A connection lived for a while.
    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

/// A connection that lived so long was a good one: the next try comes soon.
pub(crate) const STEADY: Duration = Duration::from_secs(5);

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_again() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..50).map(|_| backoff.pause()).collect();
        assert!(pauses[0] <= SHORTEST);
        assert!(pauses.windows(3).take(5).all(|three| three[0] <= three[2]));
        assert!(pauses[10..].iter().all(|pause| (LONGEST / 2..=LONGEST).contains(pause)));
        backoff.reset();
        assert!(backoff.pause() <= SHORTEST);
    }
}
