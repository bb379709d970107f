//! One listener to a stream whose numbers come in order, without any left out: what it had to hear
//! while it was there, and what it heard.

/// A listener that comes and goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Follow {
    /// What it has to have heard; `None` before it came for the first time.
    visit: Option<Visit>,
    /// Numbers that it had to hear and did not.
    pub(super) missed: u64,
    /// Numbers that came again, or before their turn.
    pub(super) doubled: u64,
}

/// One stay.
#[derive(Debug, Clone, Copy)]
struct Visit {
    /// The first number that it must not miss: the next to be sent when it was confirmed. One that was
    /// under way then may come as well.
    from: u32,
    /// The number that has to come next; `None` until the first has come.
    next: Option<u32>,
    /// The first number that it may miss; `None` while it stays.
    until: Option<u32>,
}

impl Follow {
    /// It is there, and `from` is the next number to be sent.
    pub(super) fn arrive(&mut self, from: u32) {
        self.visit = Some(Visit { from, next: None, until: None });
    }

    /// It wants to hear no more; every number below `until` was sent and answered before. What is under
    /// way may still come.
    pub(super) fn leave(&mut self, until: u32) {
        if let Some(visit) = &mut self.visit {
            visit.until = Some(until);
        }
    }

    /// Whether it listens.
    pub(super) fn stays(&self) -> bool {
        self.visit.is_some_and(|visit| visit.until.is_none())
    }

    /// Whether it wants to hear no more, and is not back yet.
    pub(super) fn has_left(&self) -> bool {
        self.visit.is_some_and(|visit| visit.until.is_some())
    }

    /// Whether it has come, and has heard all numbers below `end` that it has to.
    pub(super) fn has_heard(&self, end: u32) -> bool {
        self.visit.is_some_and(|visit| visit.expected() >= visit.until.unwrap_or(end).min(end))
    }

    pub(super) fn hear(&mut self, number: u32) {
        let Some(visit) = &mut self.visit else {
            self.doubled += 1;
            return;
        };
        let expected = visit.expected();
        if visit.next.is_some() && number < expected {
            self.doubled += 1;
            return;
        }
        self.missed += u64::from(number.saturating_sub(expected));
        visit.next = Some(number + 1);
    }

    /// The stay is over, and nothing that belongs to it can come any more; `end` is the first number
    /// that nobody has to hear.
    pub(super) fn close(&mut self, end: u32) {
        if let Some(visit) = self.visit.take() {
            let until = visit.until.unwrap_or(end);
            self.missed += u64::from(until.saturating_sub(visit.expected()));
        }
    }
}

impl Visit {
    /// The least number that must not be missing.
    fn expected(self) -> u32 {
        self.next.unwrap_or(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(from: u32, numbers: &[u32], until: u32) -> (u64, u64) {
        let mut follow = Follow::default();
        follow.arrive(from);
        numbers.iter().for_each(|&number| follow.hear(number));
        follow.close(until);
        (follow.missed, follow.doubled)
    }

    #[test]
    fn everything_in_its_turn_is_neither_lost_nor_doubled() {
        assert_eq!(heard(3, &[3, 4, 5], 6), (0, 0));
    }

    #[test]
    fn what_was_under_way_on_arrival_may_come_or_not() {
        assert_eq!(heard(3, &[2, 3, 4], 5), (0, 0));
    }

    #[test]
    fn a_gap_in_front_within_or_at_the_end_is_lost() {
        assert_eq!(heard(3, &[4, 5], 6), (1, 0));
        assert_eq!(heard(3, &[3, 6], 7), (2, 0));
        assert_eq!(heard(3, &[3], 7), (3, 0));
        assert_eq!(heard(3, &[], 7), (4, 0));
    }

    #[test]
    fn what_comes_again_is_doubled() {
        assert_eq!(heard(0, &[0, 1, 1, 2, 0], 3), (0, 2));
    }

    #[test]
    fn after_it_has_left_nothing_more_is_owed_to_it() {
        let mut follow = Follow::default();
        follow.arrive(0);
        (0..5).for_each(|number| follow.hear(number));
        follow.leave(4);
        assert!(follow.has_left() && !follow.stays() && follow.has_heard(100));
        follow.close(100);
        assert_eq!((follow.missed, follow.doubled), (0, 0));
        follow.hear(7);
        assert_eq!(follow.doubled, 1, "a stay that is closed hears nothing");
    }

    #[test]
    fn one_that_stays_is_waited_for() {
        let mut follow = Follow::default();
        assert!(!follow.has_heard(0));
        follow.arrive(1);
        follow.hear(1);
        assert!(follow.stays() && follow.has_heard(2) && !follow.has_heard(3));
    }
}
