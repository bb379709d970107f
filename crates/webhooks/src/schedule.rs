//! When a batch is tried again: after 1, 2, 4, … 60 s, each a little sooner or later by chance, and
//! one last time when its window ends.

/// The first delay.
const FIRST_MS: u64 = 1_000;
/// The longest delay of the usual window.
const LONGEST_MS: u64 = 60_000;
/// The longest delay of a window of hours.
const LONGEST_OF_HOURS_MS: u64 = 600_000;

/// How long to wait after so many failed attempts. `roll` is a random number.
#[must_use]
pub fn delay_ms(attempts: u32, window_ms: u64, roll: u64) -> u64 {
    let longest = if window_ms > 3_600_000 { LONGEST_OF_HOURS_MS } else { LONGEST_MS };
    let doubled = FIRST_MS << attempts.saturating_sub(1).min(10);
    let delay = doubled.min(longest);
    delay * 3 / 4 + roll % (delay / 2)
}

/// When to try again, or nothing if the last attempt was made. `Retry-After` only lengthens; it
/// cannot take the last attempt away.
#[must_use]
pub fn next_ms(now_ms: u64, delay_ms: u64, retry_after_ms: u64, deadline_ms: u64) -> Option<u64> {
    if now_ms >= deadline_ms {
        return None;
    }
    Some((now_ms + delay_ms.max(retry_after_ms)).min(deadline_ms))
}

/// A stream of numbers without a pattern that matters here (SplitMix64); the same for the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_minute_and_stray_by_a_quarter() {
        for (attempts, about) in [(1, 1_000), (2, 2_000), (3, 4_000), (7, 60_000), (99, 60_000)] {
            let mut dice = Dice::new(7);
            for _ in 0..1_000 {
                let delay = delay_ms(attempts, 290_000, dice.roll());
                assert!((about * 3 / 4..about * 5 / 4).contains(&delay), "{attempts}: {delay}");
            }
        }
    }

    #[test]
    fn the_last_attempt_is_made_when_the_window_ends_whatever_the_receiver_asks_for() {
        assert_eq!(next_ms(0, 1_000, 0, 290_000), Some(1_000));
        assert_eq!(next_ms(0, 1_000, 5_000, 290_000), Some(5_000));
        assert_eq!(next_ms(0, 9_000, 5_000, 290_000), Some(9_000));
        assert_eq!(next_ms(289_000, 60_000, 0, 290_000), Some(290_000));
        assert_eq!(next_ms(0, 1_000, 900_000, 290_000), Some(290_000));
        assert_eq!(next_ms(290_000, 1_000, 0, 290_000), None);
    }

    #[test]
    fn whatever_the_dice_say_an_outage_of_four_minutes_is_survived() {
        for seed in 0..1_000 {
            let mut dice = Dice::new(seed);
            let (mut now, mut attempts) = (0, 1);
            while let Some(next) =
                next_ms(now, delay_ms(attempts, 290_000, dice.roll()), 0, 290_000)
            {
                (now, attempts) = (next, attempts + 1);
            }
            assert_eq!(now, 290_000);
            assert!(attempts <= 14, "{attempts} attempts");
        }
    }
}
