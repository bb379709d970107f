//! What follows from an answer: the end of a batch, another attempt, two halves, or a gap.

use std::sync::Arc;

use super::Courier;
use crate::attempt::{Answer, Attempt};
use crate::batch::{Batch, Outcome, join};
use crate::ids::BatchId;
use crate::lane::{Lane, Part, Stage};
use crate::outbox::Step;
use crate::schedule::{delay_ms, next_ms};
use crate::turn::{Notice, Turn};

impl Courier {
    /// An attempt has ended.
    pub(crate) fn answered(
        &mut self,
        batch: BatchId,
        lane: u8,
        at_ms: u64,
        answer: Answer,
        turn: &mut Turn,
    ) {
        let Some(lane_at) = self.lanes.get(usize::from(lane)).map(|_| usize::from(lane)) else {
            self.rerun_answered(batch, at_ms, answer, turn);
            return;
        };
        let part = self.lanes[lane_at].parts.front_mut();
        let Some(part) = part.filter(|part| part.batch.id == batch && part.stage == Stage::Sent)
        else {
            return;
        };
        part.attempts += 1;
        self.under_way = self.under_way.saturating_sub(1);
        let number = part.attempts;
        self.note_health(&answer, turn);
        let attempt = Attempt { batch, number, at_ms, answer };
        let answer = attempt.answer.clone();
        turn.steps.push(Step::Attempt(Arc::new(attempt)));
        if answer.is_accepted() {
            self.delivered(lane_at, turn);
        } else if answer.status == Some(410) {
            self.disable("gone", turn);
        } else {
            self.failed(lane_at, &answer, turn);
        }
    }

    /// What an attempt says of the endpoint as a whole.
    pub(crate) fn note_health(&mut self, answer: &Answer, turn: &mut Turn) {
        let endpoint = self.endpoint.id.clone();
        let now_ms = turn.now_ms;
        if answer.is_accepted() {
            self.accepted_at_ms = now_ms;
            self.is_proven = true;
            if self.failing_since_ms.take().is_some() {
                turn.steps.push(Step::Failing { endpoint: endpoint.clone(), since_ms: None });
            }
            if self.breaker.accepted() {
                turn.notice(Notice::Breaker { endpoint, open: false });
                self.hurry(now_ms);
            }
            return;
        }
        if self.failing_since_ms.is_none() {
            self.failing_since_ms = Some(now_ms);
            let since_ms = Some(now_ms);
            turn.steps.push(Step::Failing { endpoint: endpoint.clone(), since_ms });
        }
        if matches!(answer.status, Some(429 | 503)) {
            self.pace.rest(now_ms, answer.retry_after_ms.unwrap_or(0));
        }
        let window_ms = self.window_ms(turn);
        if self.breaker.failed(now_ms, answer, window_ms, turn.dice.roll()) {
            self.is_proven = false;
            self.lanes.iter_mut().for_each(Lane::shed);
            turn.notice(Notice::Breaker { endpoint, open: true });
        }
    }

    /// The endpoint is well again: what waits for another attempt need not wait longer.
    fn hurry(&mut self, now_ms: u64) {
        for part in self.lanes.iter_mut().filter_map(|lane| lane.parts.front_mut()) {
            if let Stage::Due(due_ms) = &mut part.stage {
                *due_ms = now_ms.min(*due_ms);
            }
        }
    }

    fn delivered(&mut self, at: usize, turn: &mut Turn) {
        let Some(part) = self.lanes[at].parts.pop_front() else { return };
        let endpoint = self.endpoint.id.clone();
        self.lanes[at].accepted();
        self.end(&part, Outcome::Delivered, turn);
        turn.notice(Notice::Delivered {
            endpoint,
            batch: part.batch.id,
            events: part.batch.seqs.len(),
            attempts: part.attempts,
            took_ms: turn.now_ms.saturating_sub(part.batch.time_ms),
        });
    }

    pub(crate) fn end(&self, part: &Part, outcome: Outcome, turn: &mut Turn) {
        let at_ms = turn.now_ms;
        turn.steps.push(Step::End { batch: part.batch.id, outcome, at_ms });
    }

    fn failed(&mut self, at: usize, answer: &Answer, turn: &mut Turn) {
        #[cfg(test)]
        if crate::sabotage::gives_up(answer) {
            let Some(part) = self.lanes[at].parts.pop_front() else { return };
            self.end(&part, Outcome::Delivered, turn);
            return;
        }
        let now_ms = turn.now_ms;
        let Some(part) = self.lanes[at].parts.front_mut() else { return };
        if part.failed_at_ms == 0 {
            part.failed_at_ms = now_ms;
        }
        let is_refused = matches!(answer.status, Some(400 | 413 | 422));
        part.refusals = if is_refused { part.refusals + 1 } else { 0 };
        if part.refusals >= 2 && part.batch.seqs.len() > 1 {
            self.split(at, turn);
            return;
        }
        // Alone, refused again and again while others are accepted: it is the poison.
        let is_poison = part.refusals >= 3
            && part.batch.parent.is_some()
            && self.accepted_at_ms >= part.failed_at_ms;
        match self.retry_ms(at, answer, turn).filter(|_| !is_poison) {
            Some(due_ms) => self.retry(at, due_ms, answer, turn),
            None => self.give_up(at, if is_poison { "refused" } else { "expired" }, turn),
        }
        self.check_failing_long(turn);
    }

    fn retry_ms(&self, at: usize, answer: &Answer, turn: &mut Turn) -> Option<u64> {
        let part = self.lanes[at].parts.front()?;
        let delay = delay_ms(part.attempts, self.window_ms(turn), turn.dice.roll());
        let after = answer.retry_after_ms.unwrap_or(0);
        next_ms(turn.now_ms, delay, after, part.batch.deadline_ms)
    }

    fn retry(&mut self, at: usize, due_ms: u64, answer: &Answer, turn: &mut Turn) {
        let endpoint = self.endpoint.id.clone();
        let Some(part) = self.lanes[at].parts.front_mut() else { return };
        part.stage = Stage::Due(due_ms);
        if let Some(failure) = answer.failure {
            turn.notice(Notice::Retried {
                endpoint,
                batch: part.batch.id,
                attempts: part.attempts,
                failure,
                status: answer.status,
                next_in_ms: due_ms - turn.now_ms,
            });
        }
        if part.refusals > 0 {
            self.let_others_pass(at);
        }
    }

    /// A lone event that is refused lets the next one of another channel go first: so it shows
    /// whether the endpoint or the event is at fault.
    fn let_others_pass(&mut self, at: usize) {
        let parts = &mut self.lanes[at].parts;
        let (Some(first), Some(second)) = (parts.front(), parts.get(1)) else { return };
        let is_lone = first.batch.seqs.len() == 1 && first.batch.parent.is_some();
        let channels = |part: &Part| part.batch.channels();
        let refused = channels(first);
        if is_lone && !channels(second).iter().any(|channel| refused.contains(channel)) {
            parts.swap(0, 1);
        }
    }

    fn give_up(&mut self, at: usize, reason: &'static str, turn: &mut Turn) {
        let Some(part) = self.lanes[at].parts.pop_front() else { return };
        self.end(&part, Outcome::Failed, turn);
        let endpoint = self.endpoint.id.clone();
        turn.notice(Notice::GivenUp {
            endpoint,
            batch: part.batch.id,
            events: part.batch.seqs.len(),
            reason,
        });
        let Some(gap) = part.batch.as_gap() else { return };
        self.lose(at as u8, gap, reason, turn);
    }

    /// Puts two halves in the place of a batch that was refused twice.
    fn split(&mut self, at: usize, turn: &mut Turn) {
        let Some(part) = self.lanes[at].parts.pop_front() else { return };
        let whole = &part.batch;
        let bodies = whole.bodies();
        let middle = whole.seqs.len() / 2;
        let half = |range: std::ops::Range<usize>, previous: u64, turn: &mut Turn| Batch {
            id: turn.batch_id(),
            time_ms: turn.now_ms,
            events: join(bodies[range.clone()].iter().map(|body| body.get())),
            seqs: whole.seqs[range].to_vec(),
            previous,
            deadline_ms: turn.now_ms + self.window_ms(turn),
            parent: Some(whole.id),
            ..Batch::clone(whole)
        };
        let first = half(0..middle, whole.previous, turn);
        let second = half(middle..whole.seqs.len(), first.last_seq(), turn);
        self.end(&part, Outcome::Split, turn);
        for batch in [second, first] {
            let batch = Arc::new(batch);
            turn.steps.push(Step::Cut(Arc::clone(&batch)));
            let mut half = Part::new(batch, Stage::Due(turn.now_ms));
            // It takes one more refusal, not two, to know of a half.
            half.refusals = 1;
            self.lanes[at].parts.push_front(half);
        }
        // The first half takes the way of everything that is cut: kept first, then sent.
        let Some(front) = self.lanes[at].parts.front_mut() else { return };
        front.stage = Stage::Cut;
        let batch = Arc::clone(&front.batch);
        self.goes(turn.now_ms);
        let dispatch = self.dispatch(batch, 1, turn.now_ms);
        turn.cut.push(dispatch);
    }

    fn check_failing_long(&mut self, turn: &mut Turn) {
        const DAY_MS: u64 = 24 * 3_600_000;
        let Some(since_ms) = self.failing_since_ms else { return };
        let for_ms = turn.now_ms.saturating_sub(since_ms);
        if for_ms >= turn.rules.disable_after_ms {
            self.disable("failing", turn);
        } else if for_ms >= DAY_MS && turn.now_ms - self.warned_at_ms >= DAY_MS {
            self.warned_at_ms = turn.now_ms;
            let endpoint = self.endpoint.id.clone();
            turn.notice(Notice::FailingLong { endpoint, for_ms });
        }
    }
}
