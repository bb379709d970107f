//! The console of one app, while somebody looks: the newest lines. Whoever adds one never waits
//! longer than for a push, and what comes too fast is only counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::line::{Line, LogType};
use crate::sharing::Said;

/// Lines of a second; nobody reads more.
pub const LINES_PER_S: u64 = 200;
/// Lines of one type in a second: a flood of one leaves room for the others.
const OF_ONE_TYPE_PER_S: u64 = 100;
/// Lines that are kept for those who look.
pub const LINES_KEPT: usize = 500;

/// How many types there are.
const TYPES: usize = LogType::ALL.len();

/// The newest lines of an app.
#[derive(Debug)]
pub struct Console {
    lines: Mutex<Lines>,
    window: Window,
    windows: [Window; TYPES],
    /// Lines of this node that came too fast, by type.
    left_out: [AtomicU64; TYPES],
    /// Lines of other nodes that came too fast, there or here, by type.
    left_out_elsewhere: [AtomicU64; TYPES],
}

/// How many lines of each type, in the order of [`LogType::ALL`].
pub type Counts = [u64; TYPES];

#[derive(Debug)]
struct Lines {
    kept: VecDeque<Arc<Line>>,
    /// The id of the next one.
    next: u64,
}

/// What there is after a line.
#[derive(Debug, Default)]
pub struct News {
    /// In order.
    pub lines: Vec<Arc<Line>>,
    /// Lines that have gone before they could be read.
    pub missed: u64,
}

impl Console {
    /// A console whose first line has this id.
    #[must_use]
    pub fn new(first_id: u64) -> Self {
        let kept = VecDeque::new();
        Self {
            lines: Mutex::new(Lines { kept, next: first_id }),
            window: Window::default(),
            windows: Default::default(),
            left_out: Default::default(),
            left_out_elsewhere: Default::default(),
        }
    }

    /// Adds a line, which is only made if there is room for it in this second.
    pub fn add(&self, now_ms: u64, kind: LogType, line: impl FnOnce() -> Line) {
        if self.has_room(now_ms, kind) {
            self.push(line());
        } else {
            self.left_out[kind as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Adds what another node has passed on. It gets its places here, and has to find room beside
    /// what happens here: however many nodes there are, nobody reads more.
    pub fn hear(&self, now_ms: u64, said: Said) {
        for (counter, count) in self.left_out_elsewhere.iter().zip(said.left_out) {
            counter.fetch_add(count, Ordering::Relaxed);
        }
        for line in said.lines {
            if self.has_room(now_ms, line.kind) {
                self.push(Line { node: Some(Arc::clone(&said.node)), ..line });
            } else {
                self.left_out_elsewhere[line.kind as usize].fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn has_room(&self, now_ms: u64, kind: LogType) -> bool {
        let second = now_ms / 1000;
        self.windows[kind as usize].take(second, OF_ONE_TYPE_PER_S)
            && self.window.take(second, LINES_PER_S)
    }

    fn push(&self, mut line: Line) {
        let mut lines = self.lock();
        line.id = lines.next;
        lines.next += 1;
        let full = lines.kept.len() >= LINES_KEPT;
        let oldest = if full { lines.kept.pop_front() } else { None };
        lines.kept.push_back(Arc::new(line));
        drop(lines);
        drop(oldest);
    }

    /// The id of the next line.
    #[must_use]
    pub fn next_id(&self) -> u64 {
        self.lock().next
    }

    /// The lines from this id on.
    #[must_use]
    pub fn since(&self, id: u64) -> News {
        let lines = self.lock();
        let first = lines.kept.front().map_or(lines.next, |line| line.id);
        let at = id.saturating_sub(first).min(lines.kept.len() as u64) as usize;
        News { lines: lines.kept.range(at..).cloned().collect(), missed: first.saturating_sub(id) }
    }

    /// The newest lines, so many at most.
    #[must_use]
    pub fn recent(&self, most: usize) -> Vec<Arc<Line>> {
        let lines = self.lock();
        let at = lines.kept.len().saturating_sub(most);
        lines.kept.range(at..).cloned().collect()
    }

    /// Lines that came too fast so far, here and elsewhere.
    #[must_use]
    pub fn left_out(&self) -> Counts {
        let elsewhere = counts(&self.left_out_elsewhere);
        let here = self.left_out_here();
        std::array::from_fn(|at| here[at] + elsewhere[at])
    }

    /// Lines of this node that came too fast so far.
    #[must_use]
    pub fn left_out_here(&self) -> Counts {
        counts(&self.left_out)
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counts(counters: &[AtomicU64; TYPES]) -> Counts {
    std::array::from_fn(|at| counters[at].load(Ordering::Relaxed))
}

/// How much of a second's room is taken: the second above, the count in the low 16 bits.
#[derive(Debug, Default)]
struct Window(AtomicU64);

/// Clocks of threads differ by a turn; beyond that a clock was set.
const CLOCKS_DIFFER_S: u64 = 5;

impl Window {
    /// Takes room in a second, if there is any.
    fn take(&self, second: u64, max: u64) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let (last, count) = (seen >> 16, seen & 0xFFFF);
            let is_set_back = last > second + CLOCKS_DIFFER_S;
            let (second, count) = match second > last || is_set_back {
                true => (second, 0),
                false => (last, count),
            };
            if count >= max {
                return false;
            }
            let taken = second << 16 | (count + 1);
            let relaxed = Ordering::Relaxed;
            match self.0.compare_exchange_weak(seen, taken, relaxed, relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(console: &Console, now_ms: u64, kind: LogType, times: usize) {
        for _ in 0..times {
            console.add(now_ms, kind, || Line::new(kind, now_ms, ""));
        }
    }

    #[test]
    fn what_comes_too_fast_is_counted_and_leaves_room_for_other_types() {
        let console = Console::new(1);
        add(&console, 5_000, LogType::ApiMessage, 1_000);
        add(&console, 5_999, LogType::Error, 3);
        assert_eq!(console.recent(1_000).len(), 103);
        assert_eq!(console.left_out()[LogType::ApiMessage as usize], 900);
        assert_eq!(console.left_out().iter().sum::<u64>(), 900);
        for kind in LogType::ALL {
            add(&console, 6_000, kind, 100);
        }
        assert_eq!(console.recent(1_000).len(), 303);
    }

    #[test]
    fn nothing_is_made_of_what_is_left_out() {
        let console = Console::new(1);
        add(&console, 5_000, LogType::Presence, 100);
        console.add(5_000, LogType::Presence, || panic!("there is no room"));
    }

    #[test]
    fn a_reader_goes_on_where_it_was_and_hears_what_it_missed() {
        let console = Console::new(10);
        assert_eq!(console.next_id(), 10);
        add(&console, 1_000, LogType::Presence, 3);
        let news = console.since(11);
        assert_eq!(news.lines.iter().map(|line| line.id).collect::<Vec<_>>(), [11, 12]);
        assert_eq!(news.missed, 0);
        assert!(console.since(13).lines.is_empty());
        for second in 2..9 {
            add(&console, second * 1_000, LogType::Presence, 100);
        }
        let news = console.since(13);
        assert_eq!((news.lines.len(), news.missed), (500, 200));
    }

    #[test]
    fn what_other_nodes_say_gets_places_here_and_is_within_the_same_limits() {
        let console = Console::new(10);
        add(&console, 5_000, LogType::Presence, 99);
        let mut left_out = Counts::default();
        left_out[LogType::Error as usize] = 7;
        let line = || Line { id: 3, ..Line::new(LogType::Presence, 1, "far") };
        console.hear(5_000, Said { node: "b".into(), lines: vec![line(), line()], left_out });
        let heard = console.since(109).lines;
        assert_eq!(heard.iter().map(|line| line.id).collect::<Vec<_>>(), [109]);
        assert_eq!(heard[0].node.as_deref(), Some("b"));
        let (all, here) = (console.left_out(), console.left_out_here());
        assert_eq!((all[LogType::Error as usize], all[LogType::Presence as usize]), (7, 1));
        assert_eq!(here, Counts::default(), "nothing of that is passed on");
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_console() {
        let console = Console::new(1);
        add(&console, 90_000_000, LogType::Presence, 100);
        add(&console, 1_000, LogType::Presence, 1);
        assert_eq!(console.recent(1_000).len(), 101);
    }
}
