//! The courier of one endpoint: its lanes, its breaker, and which of them goes next. Unrelated
//! channels do not wait for each other, endpoints never do.

mod books;
mod outcome;
mod parcel;

use std::sync::Arc;

use crate::batch::Gap;
use crate::breaker::Breaker;
use crate::endpoint::Endpoint;
use crate::event::{Event, LANES};
use crate::lane::{Lane, Stage};
use crate::outbox::Read;
use crate::pace::Pace;
use crate::rerun::Rerun;
use crate::turn::{Asker, Turn};

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
        let is_ready = |lane: &Lane| lane.is_idle() && lane.has_waiting();
        let is_idle = self.lanes.iter().any(is_ready)
            || (self.lanes.iter().any(Lane::is_idle) && self.may_read(self.reading()));
        let idle = is_idle.then_some(now_ms);
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

    /// Lanes for which the store is being asked.
    fn reading(&self) -> usize {
        self.lanes.iter().filter(|lane| lane.is_reading()).count()
    }

    /// Whether the store may be asked for what another lane waits for: not for more than there are
    /// slots for.
    fn may_read(&self, reading: usize) -> bool {
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
        let mut reading = None;
        for at in (0..lanes).map(|step| (first + step) % lanes) {
            if only_parts && self.lanes[at].parts.is_empty() {
                continue;
            }
            let under_way = self.under_way;
            self.run_lane(at, &mut reading, turn);
            if self.under_way > under_way {
                // Whoever had a slot is the last to get the next one.
                self.first_lane = (at + 1) % lanes;
            }
        }
    }

    fn run_lane(&mut self, at: usize, reading: &mut Option<usize>, turn: &mut Turn) {
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
            None if lane.is_idle() => {
                let reading = reading.get_or_insert_with(|| self.reading());
                if self.may_read(*reading) {
                    *reading += 1;
                    self.read(at, turn);
                }
            }
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
}
