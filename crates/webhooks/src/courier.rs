//! The courier of one endpoint: its lanes, its breaker, and which of them goes next. Unrelated
//! channels do not wait for each other, endpoints never do.

use std::sync::Arc;

use crate::announcement::count_changed;
use crate::attempt::{Answer, Attempt};
use crate::batch::{Batch, Gap, Outcome, join};
use crate::breaker::Breaker;
use crate::endpoint::Endpoint;
use crate::event::{Event, Kind, LANES};
use crate::ids::BatchId;
use crate::lane::{Lane, Part, Stage};
use crate::outbox::{Read, Step};
use crate::pace::Pace;
use crate::rerun::Rerun;
#[cfg(test)]
use crate::sabotage::{Sabotage, sabotaged};
use crate::schedule::{delay_ms, next_ms};
use crate::turn::{Asker, Dispatch, Notice, Turn};

/// Events that are read from the store at once for a lane.
pub(crate) const READ: u32 = 256;
/// POSTs that may be under way to an endpoint that has not shown that it is well: so a thousand
/// that are not cost little, and one that holds a request does not hold everything.
const UNPROVEN_IN_FLIGHT: usize = 2;
/// Places by which the store's knowledge of what waits may be older than it could be.
const BEHIND_SLACK: u64 = 4_096;

/// The courier of an endpoint.
#[derive(Debug)]
pub(crate) struct Courier {
    /// Where it goes.
    pub(crate) endpoint: Arc<Endpoint>,
    /// Whether several events may go in one POST.
    pub(crate) batching: bool,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) reruns: Vec<Rerun>,
    /// POSTs that are cut or on their way.
    pub(crate) under_way: usize,
    pub(crate) breaker: Breaker,
    /// Not before: the receiver asked for it, or the rate limit.
    pace: Pace,
    /// The lane that is looked at first, so that all get their turn.
    first_lane: usize,
    failing_since_ms: Option<u64>,
    /// When people were last told that it has been failing for long.
    warned_at_ms: u64,
    /// When it last accepted something.
    accepted_at_ms: u64,
    /// Events that wait in memory.
    pub(crate) waiting: usize,
    /// The last place of the log that was for it.
    heard: u64,
    /// The place after which something waits, as the store knows it; none: it knows that nothing
    /// does.
    behind: Option<u64>,
    /// Whether it has accepted something and its breaker did not open since.
    is_proven: bool,
    /// Whether it stands in the line of those that have their turn after the others.
    pub(crate) is_in_line: bool,
    /// When the engine will run it again.
    pub(crate) alarm_ms: Option<u64>,
}

impl Courier {
    /// `last_seq`: the last place of the log of its app.
    pub(crate) fn new(endpoint: Endpoint, batching: bool, last_seq: u64) -> Self {
        Self {
            batching,
            lanes: (0..LANES).map(|_| Lane::default()).collect(),
            reruns: Vec::new(),
            under_way: 0,
            breaker: Breaker::default(),
            pace: Pace::default(),
            first_lane: 0,
            failing_since_ms: endpoint.failing_since_ms,
            warned_at_ms: 0,
            accepted_at_ms: 0,
            waiting: 0,
            heard: last_seq,
            behind: None,
            is_proven: false,
            is_in_line: false,
            alarm_ms: None,
            endpoint: Arc::new(endpoint),
        }
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.endpoint.disabled.is_some()
    }

    /// Whether the endpoint is to hear of an event.
    pub(crate) fn wants(&self, event: &Event) -> bool {
        #[cfg(test)]
        if self.gets_all(event) {
            return true;
        }
        self.endpoint.terms.wants(event.kind, &event.channel)
    }

    /// Whether it has its turn after the others: nothing says that it is well, and no last attempt
    /// is due.
    pub(crate) fn is_patient(&self, now_ms: u64) -> bool {
        let is_over = self.last_ms().is_some_and(|ms| ms <= now_ms);
        !self.is_proven && !self.is_disabled() && !is_over
    }

    /// When the first of its batches that wait for another attempt has the last one.
    pub(crate) fn last_ms(&self) -> Option<u64> {
        self.lanes.iter().filter_map(Lane::due).map(|(_, deadline_ms)| deadline_ms).min()
    }

    /// A former run has left something waiting.
    pub(crate) fn resume(&mut self, after: u64) {
        self.behind = Some(after);
        self.lanes.iter_mut().for_each(|lane| lane.resume(after));
    }

    /// A new event of the log. Returns whether there is something to be done about it now: an
    /// endpoint that is not well waits for its probe, and then a thousand such cost an event little.
    pub(crate) fn hear(&mut self, event: &Arc<Event>, in_memory: bool) -> bool {
        #[cfg(not(test))]
        let at = usize::from(event.lane());
        #[cfg(test)]
        let at = usize::from(crate::sabotage::lane_of(event));
        self.heard = event.seq;
        let lane = &mut self.lanes[at];
        if self.endpoint.disabled.is_some() {
            lane.sleeps_through(Gap { first: event.seq, last: event.seq, count: 1 });
            return !lane.tells_later();
        }
        let waited = lane.waiting();
        // The memory that all share is not for those that are not well.
        lane.push(event, in_memory && !self.breaker.is_open());
        self.waiting += lane.waiting() - waited;
        let is_awaited = self.alarm_ms.is_some() || self.under_way > 0;
        let is_known = self.behind.is_some() && is_awaited;
        !(is_known && (self.breaker.is_open() || !self.is_proven && !self.has_slot()))
    }

    /// Sends and cuts what can be, and tells the store what waits.
    pub(crate) fn run(&mut self, turn: &mut Turn) {
        if !self.is_disabled() {
            self.run_lanes(turn);
        }
        self.run_reruns(turn);
        self.bookmark(turn);
    }

    /// When to run again, if nothing happens before.
    pub(crate) fn next_ms(&self, now_ms: u64) -> Option<u64> {
        let due = self.lanes.iter().filter_map(Lane::due);
        let last = self.last_ms();
        let is_idle = |lane: &Lane| lane.is_idle() && (lane.has_waiting() || self.may_read());
        let idle = self.lanes.iter().any(is_idle).then_some(now_ms);
        let first = due.map(|(due_ms, _)| due_ms).chain(idle).min();
        let send = first.and_then(|first_ms| self.may_send_ms(first_ms));
        [last, send, self.next_rerun_ms()].into_iter().flatten().min()
    }

    /// When something that can go at a time may go. What has no slot, or waits for a probe, waits
    /// for an answer, not for the clock.
    fn may_send_ms(&self, first_ms: u64) -> Option<u64> {
        match self.breaker.probe_ms() {
            Some(probe_ms) => (self.under_way == 0).then(|| self.pace.not_before(probe_ms)),
            None => self.has_slot().then(|| self.pace.not_before(first_ms)),
        }
    }

    /// Whether the store may be asked for what another lane waits for: not for more than there are
    /// slots for.
    fn may_read(&self) -> bool {
        let reading = self.lanes.iter().filter(|lane| lane.is_reading()).count();
        match self.breaker.is_open() {
            true => self.under_way + reading == 0,
            false => self.under_way + reading < self.slots(),
        }
    }

    fn run_lanes(&mut self, turn: &mut Turn) {
        let lanes = self.lanes.len();
        // A probe is something that was tried before, if there is such a thing.
        let has_parts = self.lanes.iter().any(|lane| !lane.parts.is_empty());
        let only_parts = self.breaker.is_open() && has_parts;
        let first = self.first_lane;
        for at in (0..lanes).map(|step| (first + step) % lanes) {
            if only_parts && self.lanes[at].parts.is_empty() {
                continue;
            }
            let under_way = self.under_way;
            self.run_lane(at, turn);
            if self.under_way > under_way {
                // Whoever had a slot is the last to get the next one.
                self.first_lane = (at + 1) % lanes;
            }
        }
    }

    fn run_lane(&mut self, at: usize, turn: &mut Turn) {
        let now_ms = turn.now_ms;
        let may_send = self.may_send(now_ms);
        let lane = &self.lanes[at];
        match lane.parts.front() {
            Some(part) => {
                let Stage::Due(due_ms) = part.stage else { return };
                // The last attempt is everybody's right, whatever the breaker and the pace say.
                let is_last = now_ms >= part.batch.deadline_ms;
                if is_last || (may_send && (self.breaker.is_open() || due_ms <= now_ms)) {
                    self.send(at, turn);
                }
            }
            None if !may_send => {}
            None if lane.has_waiting() => self.cut(at, turn),
            None if lane.is_idle() && self.may_read() => self.read(at, turn),
            None => {}
        }
    }

    fn read(&mut self, at: usize, turn: &mut Turn) {
        let Some(after) = self.lanes[at].read() else { return };
        let app = self.endpoint.app.clone();
        let asker = Asker::Lane(self.endpoint.id.clone(), at as u8);
        let read = Read::Lane { app, lane: at as u8, after, limit: READ };
        turn.reads.push((asker, read));
    }

    fn send(&mut self, at: usize, turn: &mut Turn) {
        #[cfg(test)]
        self.cut_again(at);
        let Some(part) = self.lanes[at].parts.front_mut() else { return };
        part.stage = Stage::Sent;
        let (batch, attempt) = (Arc::clone(&part.batch), part.attempts + 1);
        self.goes(turn.now_ms);
        let dispatch = self.dispatch(batch, attempt, turn.now_ms);
        turn.posts.push(dispatch);
    }

    /// A POST takes a slot, and its time in the endpoint's pace.
    pub(crate) fn goes(&mut self, now_ms: u64) {
        self.under_way += 1;
        self.pace.sent(now_ms, self.endpoint.terms.max_per_second);
    }

    /// Cuts the next batch of a lane; it is sent once it is kept.
    fn cut(&mut self, at: usize, turn: &mut Turn) {
        let lane = &mut self.lanes[at];
        let previous = lane.previous;
        let events = lane.cut(self.batching);
        let Some(first) = events.first() else { return };
        let app = first.app.clone();
        let batch = self.batch(app, at as u8, previous, &events, turn);
        let batch = Arc::new(batch);
        self.lanes[at].parts.push_back(Part::new(Arc::clone(&batch), Stage::Cut));
        self.goes(turn.now_ms);
        turn.steps.push(Step::Cut(Arc::clone(&batch)));
        let dispatch = self.dispatch(batch, 1, turn.now_ms);
        #[cfg(test)]
        if sabotaged(Sabotage::SendBeforeCommit) {
            turn.posts.push(dispatch.clone());
        }
        turn.cut.push(dispatch);
    }

    pub(crate) fn batch(
        &self,
        app: bellwire_protocol::AppId,
        lane: u8,
        previous: u64,
        events: &[Arc<Event>],
        turn: &mut Turn,
    ) -> Batch {
        Batch {
            id: turn.batch_id(),
            app,
            endpoint: self.endpoint.id.clone(),
            lane,
            time_ms: turn.now_ms,
            events: self.render(events),
            seqs: events.iter().map(|event| event.seq).collect(),
            previous,
            gap: self.lanes.get(usize::from(lane)).and_then(|lane| lane.owes),
            deadline_ms: turn.now_ms + self.window_ms(turn),
            replay: None,
            parent: None,
        }
    }

    pub(crate) fn render(&self, events: &[Arc<Event>]) -> Box<str> {
        if !self.endpoint.terms.says_count_changed() {
            return join(events.iter().map(|event| &*event.body));
        }
        let renamed: Vec<String> = events
            .iter()
            .map(|event| match event.kind {
                Kind::SubscriptionCount => count_changed(&event.body),
                _ => event.body.to_string(),
            })
            .collect();
        join(renamed.iter().map(String::as_str))
    }

    pub(crate) fn dispatch(&mut self, batch: Arc<Batch>, attempt: u32, now_ms: u64) -> Dispatch {
        let lane = self.lanes.get_mut(usize::from(batch.lane));
        // Of hours, every attempt has a time of its own, or Python's SDK would refuse it.
        let fresh = self.endpoint.terms.retry_hours.is_some() && attempt > 1;
        Dispatch {
            time_ms: if fresh { now_ms } else { batch.time_ms },
            gap: lane.and_then(Lane::name),
            endpoint: Arc::clone(&self.endpoint),
            batch,
            attempt,
        }
    }

    /// A batch that was cut is kept. Whether it goes now: it may have been discarded meanwhile, the
    /// receiver may have asked for a rest, or the breaker may have opened.
    pub(crate) fn kept(&mut self, dispatch: &Dispatch, now_ms: u64) -> bool {
        let id = dispatch.batch.id;
        let rest_ms = self.pace.rest_ms();
        let is_probe = self.under_way == 1;
        let may_go = self.breaker.probe_ms().is_none_or(|ms| is_probe && ms <= now_ms);
        // A last attempt asks for no slot, so there may be fewer than when this one was cut.
        let fits = self.under_way <= usize::from(self.endpoint.terms.max_in_flight);
        let (part, is_urgent) = match self.lanes.get_mut(usize::from(dispatch.batch.lane)) {
            Some(lane) => (lane.parts.front_mut().filter(|part| part.batch.id == id), false),
            None => self.rerun_part(id),
        };
        let Some(part) = part else { return false };
        let goes = is_urgent || (fits && may_go && rest_ms <= now_ms);
        part.stage = if goes { Stage::Sent } else { Stage::Due(rest_ms.max(now_ms)) };
        self.under_way -= usize::from(!goes);
        goes
    }

    /// A batch of a replay, and whether somebody asked for it by name.
    fn rerun_part(&mut self, batch: BatchId) -> (Option<&mut Part>, bool) {
        let mut parts = self.reruns.iter_mut().filter_map(|rerun| {
            let is_urgent = rerun.is_urgent();
            Some((rerun.part_of(batch)?, is_urgent))
        });
        parts.next().map_or((None, false), |(part, is_urgent)| (Some(part), is_urgent))
    }

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

    /// Records that the receiver misses something of a lane, and will name it.
    pub(crate) fn lose(&mut self, lane: u8, gap: Gap, reason: &'static str, turn: &mut Turn) {
        let endpoint = self.endpoint.id.clone();
        let at_ms = turn.now_ms;
        turn.steps.push(Step::Lost { endpoint, gap, reason, at_ms });
        #[cfg(test)]
        if sabotaged(Sabotage::SilentGap) {
            return;
        }
        self.lanes[usize::from(lane)].misses(gap);
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

    /// The server disables the endpoint; its owner may enable it again.
    pub(crate) fn disable(&mut self, reason: &'static str, turn: &mut Turn) {
        let (endpoint, at_ms) = (self.endpoint.id.clone(), turn.now_ms);
        turn.steps.push(Step::Disable { endpoint: endpoint.clone(), reason, at_ms });
        turn.notice(Notice::Disabled { endpoint, reason });
        let mut disabled = Endpoint::clone(&self.endpoint);
        disabled.disabled = Some(crate::endpoint::Disabled { reason: reason.into(), at_ms });
        self.endpoint = Arc::new(disabled);
        self.discard(turn);
    }

    /// Its owner has enabled it again: it is not measured by what was.
    pub(crate) fn wake(&mut self, turn: &mut Turn) {
        self.lanes.iter_mut().for_each(Lane::wake);
        if self.failing_since_ms.take().is_some() {
            let endpoint = self.endpoint.id.clone();
            turn.steps.push(Step::Failing { endpoint, since_ms: None });
        }
    }

    /// Lets go of everything that waits, because the endpoint is disabled.
    pub(crate) fn discard(&mut self, turn: &mut Turn) {
        for lane in 0..LANES {
            let state = &mut self.lanes[usize::from(lane)];
            let parts: Vec<Part> = state.parts.drain(..).collect();
            let parts_gap = parts.iter().filter_map(|part| part.batch.as_gap()).reduce(Gap::and);
            let waited = state.clear(self.heard);
            for part in &parts {
                if matches!(part.stage, Stage::Sent | Stage::Cut) {
                    self.under_way = self.under_way.saturating_sub(1);
                }
                self.end(part, Outcome::Discarded, turn);
            }
            let gap = parts_gap.into_iter().chain(waited).reduce(Gap::and);
            if let Some(gap) = gap {
                self.lose(lane, gap, "disabled", turn);
            }
        }
        self.breaker = Breaker::default();
        self.is_proven = false;
    }

    /// Whether another POST may go now.
    fn may_send(&self, now_ms: u64) -> bool {
        let probing = match self.breaker.probe_ms() {
            Some(probe_ms) => self.under_way == 0 && probe_ms <= now_ms,
            None => self.has_slot(),
        };
        probing && self.not_before(now_ms) <= now_ms
    }

    /// Whether live events are on their way or wait for it.
    pub(crate) fn has_live(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.parts.is_empty() || lane.has_waiting())
    }

    /// A time, or when the endpoint's pace has room after it.
    pub(crate) fn not_before(&self, ms: u64) -> u64 {
        self.pace.not_before(ms)
    }

    pub(crate) fn has_slot(&self) -> bool {
        self.under_way < self.slots()
    }

    /// POSTs that may be under way at once.
    fn slots(&self) -> usize {
        let most = usize::from(self.endpoint.terms.max_in_flight);
        if self.is_proven { most } else { most.min(UNPROVEN_IN_FLIGHT) }
    }

    pub(crate) fn window_ms(&self, turn: &Turn) -> u64 {
        let hours = self.endpoint.terms.retry_hours;
        hours.map_or(turn.rules.window_ms, |hours| u64::from(hours) * 3_600_000)
    }

    /// Tells the store whether something waits, and what the receiver misses.
    pub(crate) fn bookmark(&mut self, turn: &mut Turn) {
        self.waiting = 0;
        for at in 0..self.lanes.len() {
            self.waiting += self.lanes[at].waiting();
            self.keep_debt(at, turn);
        }
        self.keep_behind(turn);
    }

    fn keep_behind(&mut self, turn: &mut Turn) {
        let behind = self.lanes.iter().filter_map(Lane::behind).min();
        let is_known = match (self.behind, behind) {
            (Some(known), Some(after)) => (known..known + BEHIND_SLACK).contains(&after),
            (known, after) => known == after,
        };
        if is_known {
            return;
        }
        self.behind = behind;
        let endpoint = self.endpoint.id.clone();
        turn.steps.push(match behind {
            Some(after) => Step::Behind { endpoint, after },
            None => Step::CaughtUp { endpoint },
        });
    }

    /// Only at the end of a run: what a request names has to be kept before.
    fn keep_debt(&mut self, at: usize, turn: &mut Turn) {
        let is_disabled = self.is_disabled();
        let Some(owes) = self.lanes[at].debt(is_disabled) else { return };
        let (endpoint, lane) = (self.endpoint.id.clone(), at as u8);
        turn.steps.push(match owes {
            Some(gap) => Step::Owes { endpoint, lane, gap },
            None => Step::Paid { endpoint, lane },
        });
    }
}
