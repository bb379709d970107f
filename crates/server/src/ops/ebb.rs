//! Notices that many connections have left, so that the memory they had can go back to the system: the
//! C library keeps pages in which something small still lives, and would keep them for good.

/// Fewer are not worth it.
const LEFT_MIN: usize = 1_000;
/// Looks after which what the last ones had is free, too.
const CALM: usize = 2;

/// How many connections there were and are.
#[derive(Debug, Default)]
pub(crate) struct Ebb {
    /// The most since memory was given back.
    most: usize,
    /// How many there were at the last look.
    last: usize,
    /// Looks in a row at which no more were leaving.
    calm: usize,
}

impl Ebb {
    /// Whether a quarter or more have left, and no more are leaving; says so once. `peak` is the most
    /// there were since the last look.
    pub(crate) fn is_out(&mut self, connections: usize, peak: usize) -> bool {
        self.most = self.most.max(peak).max(connections);
        let left = self.most - connections;
        let leaving = connections + LEFT_MIN / 10 < self.last;
        self.last = connections;
        self.calm = if leaving { 0 } else { self.calm + 1 };
        let out = self.calm >= CALM && left >= LEFT_MIN.max(self.most / 4);
        if out {
            self.most = connections;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_once_when_all_have_left() {
        let mut ebb = Ebb::default();
        let looks = [0, 5_000, 10_000, 10_000, 6_000, 1_000, 0, 0, 0, 0];
        let told: Vec<bool> = looks.map(|count| ebb.is_out(count, count)).into();
        assert_eq!(told, [false, false, false, false, false, false, false, false, true, false]);
    }

    #[test]
    fn a_few_of_many_may_come_and_go() {
        let mut ebb = Ebb::default();
        assert!([10_000, 8_000, 8_000, 9_000, 8_000].iter().all(|count| !ebb.is_out(*count, 0)));
        assert!([7_000, 7_000].iter().all(|count| !ebb.is_out(*count, 0)));
        assert!(ebb.is_out(7_000, 0), "three in ten have left");
        assert!([6_500, 6_000, 6_000, 6_000].iter().all(|count| !ebb.is_out(*count, 0)));
    }

    #[test]
    fn those_who_came_and_left_between_two_looks_count() {
        let mut ebb = Ebb::default();
        assert!(!ebb.is_out(0, 5_000));
        assert!(ebb.is_out(0, 0));
    }

    #[test]
    fn a_small_server_is_left_alone() {
        let mut ebb = Ebb::default();
        assert!([900, 0, 0, 0, 0].iter().all(|count| !ebb.is_out(*count, 0)));
    }
}
