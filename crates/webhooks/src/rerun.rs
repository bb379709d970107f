//! Sending again: a replay while it runs. One of its batches is on its way at a time, and live
//! events go first.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::attempt::{Answer, Attempt};
use crate::batch::{Batch, Outcome, REPLAY_LANE};
use crate::courier::Courier;
use crate::event::Event;
use crate::ids::BatchId;
use crate::lane::{Part, Stage, gather};
use crate::outbox::{Found, Read, Step};
use crate::replay::{Replay, ReplayOf, State};
use crate::schedule::{delay_ms, next_ms};
use crate::turn::{Asker, Notice, Turn};

/// Milliseconds between the end of one batch of a replay and the next: 50 a second at most.
const PAUSE_MS: u64 = 20;
/// What is read from the store at once.
const READ: u32 = 200;
/// What a test sends.
const TEST_EVENT: &str = r#"[{"name":"channel_occupied","channel":"bellwire-test"}]"#;

/// A replay while it runs.
#[derive(Debug)]
pub(crate) struct Rerun {
    pub(crate) replay: Replay,
    /// What was read and not sent yet.
    next: Next,
    /// Whether the store is being asked.
    is_reading: bool,
    /// Whether the store has no more.
    is_all_read: bool,
    /// What is on its way.
    part: Option<Part>,
    /// Not before.
    next_ms: u64,
}

#[derive(Debug)]
enum Next {
    Events(VecDeque<Arc<Event>>),
    Batches(VecDeque<Batch>),
}

impl Next {
    fn is_empty(&self) -> bool {
        match self {
            Self::Events(events) => events.is_empty(),
            Self::Batches(batches) => batches.is_empty(),
        }
    }
}

impl Rerun {
    /// A replay that goes on, with the batch that a former run has left on its way.
    pub(crate) fn new(replay: Replay, part: Option<Part>) -> Self {
        // A test has nothing to read and is one batch.
        let is_test = replay.of == ReplayOf::Test;
        let is_all_read = is_test && (part.is_some() || replay.progress.cursor > 0);
        let next = Next::Events(VecDeque::new());
        Self { replay, next, is_reading: false, is_all_read, part, next_ms: 0 }
    }

    /// What a batch is in, if it is one of this replay.
    pub(crate) fn part_of(&mut self, batch: BatchId) -> Option<&mut Part> {
        self.part.as_mut().filter(|part| part.batch.id == batch)
    }

    /// When there is something to do.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        match &self.part {
            Some(part) => match part.stage {
                Stage::Due(due_ms) => Some(due_ms),
                Stage::Cut | Stage::Sent => None,
            },
            None => (!self.is_reading && !self.is_done()).then_some(self.next_ms),
        }
    }

    /// The store's answer.
    pub(crate) fn found(&mut self, found: Found, wants: impl Fn(&Event) -> bool) {
        self.is_reading = false;
        match found {
            Found::Events(events) => {
                self.is_all_read = events.len() < READ as usize;
                let last = events.last().map(|event| event.seq);
                let wanted: VecDeque<Arc<Event>> =
                    events.into_iter().filter(wants).map(Arc::new).collect();
                if wanted.is_empty() {
                    self.replay.progress.cursor = last.unwrap_or(self.replay.progress.cursor);
                }
                self.next = Next::Events(wanted);
            }
            Found::Batches(batches) => {
                self.is_all_read = batches.len() < READ as usize;
                self.next = Next::Batches(batches.into());
            }
        }
    }

    fn is_done(&self) -> bool {
        self.replay.progress.state == State::Done
    }

    /// Whether somebody asked for it by name.
    pub(crate) fn is_urgent(&self) -> bool {
        matches!(self.replay.of, ReplayOf::Test | ReplayOf::Delivery(_))
    }
}

impl Courier {
    /// When replays go on.
    pub(crate) fn next_rerun_ms(&self) -> Option<u64> {
        let reruns = self.reruns.iter().filter(|rerun| self.has_slot_for(rerun));
        reruns.filter_map(|rerun| self.may_rerun_ms(rerun, rerun.next_ms()?)).min()
    }

    /// When a replay that can go on at a time may do so. What somebody asks for by name is sent even
    /// if the endpoint is disabled or not well.
    fn may_rerun_ms(&self, rerun: &Rerun, ms: u64) -> Option<u64> {
        if rerun.is_urgent() {
            return Some(ms);
        }
        let ms = match self.breaker.probe_ms() {
            None => ms,
            // Where no live event can probe, a replay does.
            Some(probe_ms) if self.under_way == 0 && !self.has_live() => ms.max(probe_ms),
            Some(_) => return None,
        };
        (!self.is_disabled()).then(|| self.not_before(ms))
    }

    /// Whether one more POST may be under way. Whoever asks by name does not wait for an endpoint to
    /// show that it is well.
    fn has_slot_for(&self, rerun: &Rerun) -> bool {
        let most = usize::from(self.endpoint.terms.max_in_flight);
        self.has_slot() || (rerun.is_urgent() && self.under_way < most)
    }

    pub(crate) fn run_reruns(&mut self, turn: &mut Turn) {
        for at in (0..self.reruns.len()).rev() {
            let may_ms = self.may_rerun_ms(&self.reruns[at], turn.now_ms);
            if self.has_slot_for(&self.reruns[at]) && may_ms.is_some_and(|ms| ms <= turn.now_ms) {
                self.run_rerun(at, turn);
            }
        }
    }

    fn run_rerun(&mut self, at: usize, turn: &mut Turn) {
        let rerun = &mut self.reruns[at];
        if let Some(part) = &mut rerun.part {
            let is_due = matches!(part.stage, Stage::Due(due_ms) if due_ms <= turn.now_ms);
            if is_due {
                part.stage = Stage::Sent;
                let (batch, attempt) = (Arc::clone(&part.batch), part.attempts + 1);
                self.goes(turn.now_ms);
                let dispatch = self.dispatch(batch, attempt, turn.now_ms);
                turn.posts.push(dispatch);
            }
        } else if rerun.is_reading || rerun.is_done() || rerun.next_ms > turn.now_ms {
        } else if rerun.next.is_empty() && rerun.is_all_read {
            // It stays until people's list says so too, or an old list could start it again.
            rerun.replay.progress.state = State::Done;
            keep_progress(&rerun.replay, turn);
        } else if rerun.next.is_empty() && rerun.replay.of != ReplayOf::Test {
            rerun.is_reading = true;
            let asker = Asker::Replay(self.endpoint.id.clone(), rerun.replay.id);
            let read = Read::Replay { replay: Box::new(rerun.replay.clone()), limit: READ };
            turn.reads.push((asker, read));
        } else {
            self.cut_rerun(at, turn);
        }
    }

    /// Cuts the next batch of a replay, with a fresh time: SDKs refuse an old one (contract 16.6).
    fn cut_rerun(&mut self, at: usize, turn: &mut Turn) {
        let app = self.endpoint.app.clone();
        let mut batch = self.batch(app, REPLAY_LANE, 0, &[], turn);
        let batching = self.batching;
        let rerun = &mut self.reruns[at];
        batch.replay = Some(rerun.replay.id);
        let cursor = match &mut rerun.next {
            Next::Batches(batches) => {
                let Some(old) = batches.pop_front() else { return };
                batch.parent = Some(old.parent.filter(|_| old.replay.is_some()).unwrap_or(old.id));
                batch.events = old.events;
                batch.seqs = old.seqs;
                old.id.number()
            }
            Next::Events(_) if rerun.replay.of == ReplayOf::Test => {
                batch.events = TEST_EVENT.into();
                rerun.is_all_read = true;
                1
            }
            Next::Events(events) => {
                let taken = gather(events, batching);
                let Some(last) = taken.last() else { return };
                let last = last.seq;
                batch.seqs = taken.iter().map(|event| event.seq).collect();
                batch.events = self.render(&taken);
                last
            }
        };
        let batch = Arc::new(batch);
        let rerun = &mut self.reruns[at];
        rerun.replay.progress.cursor = cursor;
        rerun.part = Some(Part::new(Arc::clone(&batch), Stage::Cut));
        turn.steps.push(Step::Cut(Arc::clone(&batch)));
        keep_progress(&rerun.replay, turn);
        self.goes(turn.now_ms);
        let dispatch = self.dispatch(batch, 1, turn.now_ms);
        turn.cut.push(dispatch);
    }

    pub(crate) fn rerun_answered(
        &mut self,
        batch: BatchId,
        at_ms: u64,
        answer: Answer,
        turn: &mut Turn,
    ) {
        let at = self.reruns.iter_mut().position(|rerun| rerun.part_of(batch).is_some());
        let Some(at) = at else { return };
        let Some(mut part) = self.reruns[at].part.take() else { return };
        self.under_way = self.under_way.saturating_sub(1);
        part.attempts += 1;
        self.note_health(&answer, turn);
        let attempt = Attempt { batch, number: part.attempts, at_ms, answer };
        let answer = attempt.answer.clone();
        turn.steps.push(Step::Attempt(Arc::new(attempt)));
        if !answer.is_accepted() && answer.status != Some(410) {
            let delay = delay_ms(part.attempts, self.window_ms(turn), turn.dice.roll());
            let after = answer.retry_after_ms.unwrap_or(0);
            if let Some(due) = next_ms(turn.now_ms, delay, after, part.batch.deadline_ms) {
                part.stage = Stage::Due(due);
                self.reruns[at].part = Some(part);
                return;
            }
        }
        self.rerun_ended(at, &part, answer.is_accepted(), turn);
        if answer.status == Some(410) && !self.is_disabled() {
            self.disable("gone", turn);
        }
    }

    fn rerun_ended(&mut self, at: usize, part: &Part, is_delivered: bool, turn: &mut Turn) {
        let rerun = &mut self.reruns[at];
        rerun.next_ms = turn.now_ms + PAUSE_MS;
        let is_log = matches!(rerun.replay.of, ReplayOf::Log(_));
        let count = if is_log { part.batch.seqs.len() as u64 } else { 1 };
        let progress = &mut rerun.replay.progress;
        let outcome = if is_delivered {
            progress.delivered += count;
            Outcome::Delivered
        } else {
            progress.failed += count;
            Outcome::Failed
        };
        keep_progress(&rerun.replay, turn);
        let at_ms = turn.now_ms;
        turn.steps.push(Step::End { batch: part.batch.id, outcome, at_ms });
        if let (Some(batch), true) = (part.batch.parent, is_delivered) {
            turn.steps.push(Step::End { batch, outcome, at_ms });
        }
        let (endpoint, batch) = (self.endpoint.id.clone(), part.batch.id);
        let events = part.batch.seqs.len();
        turn.notice(if is_delivered {
            let took_ms = turn.now_ms.saturating_sub(part.batch.time_ms);
            Notice::Delivered { endpoint, batch, events, attempts: part.attempts, took_ms }
        } else {
            Notice::GivenUp { endpoint, batch, events, reason: "expired" }
        });
    }

    /// A replay is over, or somebody stopped it.
    pub(crate) fn end_rerun(&mut self, at: usize, turn: &mut Turn) {
        let rerun = self.reruns.swap_remove(at);
        let Some(part) = rerun.part else { return };
        if matches!(part.stage, Stage::Cut | Stage::Sent) {
            self.under_way = self.under_way.saturating_sub(1);
        }
        self.end(&part, Outcome::Discarded, turn);
    }
}

fn keep_progress(replay: &Replay, turn: &mut Turn) {
    turn.steps.push(Step::Replayed { replay: replay.id, progress: replay.progress });
}
