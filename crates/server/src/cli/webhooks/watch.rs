//! Watching a replay until it ends. Nothing depends on it: the server goes on by itself.

use std::io::{IsTerminal as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use bellwire_webhooks::replay::{Progress, Replay, State};

use super::super::failure::Failure;
use super::super::output::note;
use super::desk::{Desk, TAKEN_UP_WITHIN};

/// How often the store is asked.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often progress is told where it cannot be told in place.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Watches a replay and tells of its progress; how it ended.
pub(super) fn until_it_ends(desk: &Desk, replay: &Replay) -> Result<Replay, Failure> {
    note(format!(
        "Ctrl-C leaves it running, `bellwire webhooks replay --cancel {}` stops it",
        replay.id
    ));
    let mut course = Course::new(replay.progress);
    let ended = course.follow(desk, replay);
    course.end();
    ended
}

/// What was told of a replay so far.
struct Course {
    started: Instant,
    /// When something was told last.
    told: Instant,
    before: Progress,
    /// Whether it was told that the endpoint is not well.
    is_waiting: bool,
    /// Whether progress can be told in place.
    in_place: bool,
}

impl Course {
    fn new(progress: Progress) -> Self {
        let (now, in_place) = (Instant::now(), std::io::stderr().is_terminal());
        Self { started: now, told: now, before: progress, is_waiting: false, in_place }
    }

    fn follow(&mut self, desk: &Desk, replay: &Replay) -> Result<Replay, Failure> {
        loop {
            let now = desk.replay(replay.id)?;
            let progress = now.progress;
            if progress.state != State::Running {
                return Ok(now);
            }
            let is_untouched = (progress.cursor, progress.delivered, progress.failed) == (0, 0, 0);
            let is_well = desk.endpoint(&replay.endpoint)?.failing_since_ms.is_none();
            if is_untouched && is_well && self.started.elapsed() > TAKEN_UP_WITHIN {
                return Err(desk.not_taken_up(replay.id));
            }
            self.tell(progress, replay.total, is_well);
            thread::sleep(LOOK_EVERY);
        }
    }

    fn tell(&mut self, now: Progress, total: u64, is_well: bool) {
        if now == self.before {
            if !is_well && !self.is_waiting && self.told.elapsed() > TELL_EVERY {
                self.is_waiting = true;
                note("the endpoint fails: it is tried again at least every minute");
            }
            return;
        }
        let done = format!("{} of {total} delivered, {} given up", now.delivered, now.failed);
        if self.in_place {
            eprint!("\r{done}");
            let _ = std::io::stderr().flush();
        } else if self.told.elapsed() > TELL_EVERY {
            note(done);
        } else {
            return;
        }
        (self.before, self.told, self.is_waiting) = (now, Instant::now(), false);
    }

    /// Leaves the line in which progress was told.
    fn end(&self) {
        if self.in_place && self.told > self.started {
            note("");
        }
    }
}
