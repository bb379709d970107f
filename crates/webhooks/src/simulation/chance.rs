//! Chance from a seed, in the words that a simulation needs.

use crate::schedule::Dice;

/// Everything that is random in a run.
#[derive(Debug)]
pub(super) struct Chance(Dice);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        // Neighbouring seeds have neighbouring states; the first roll sets them apart.
        let first = Dice::new(seed).roll();
        Self(Dice::new(first))
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0.roll()
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// A number from `first` to `last`.
    pub(super) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub(super) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())].clone()
    }
}
