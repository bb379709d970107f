//! What the store answers, and what it lets go.

use bellwire_protocol::AppId;

use super::{Disk, Kept, LaneId};
use crate::batch::{Batch, Gap, Outcome};
use crate::event::{Event, LANES};
use crate::ids::EndpointId;
use crate::ledger::Lost;
use crate::outbox::{Found, Retention, Swept};
use crate::replay::{Replay, ReplayOf};

impl Disk {
    /// What a replay repeats, whatever its cursor: places of the log, or numbers of batches.
    pub(in crate::simulation) fn range(&self, replay: &Replay) -> Vec<u64> {
        let mut all = replay.clone();
        all.progress.cursor = 0;
        match self.replayed(&all, u32::MAX) {
            Found::Events(events) => events.iter().map(|event| event.seq).collect(),
            Found::Batches(batches) => batches.iter().map(|batch| batch.id.number()).collect(),
        }
    }

    pub(super) fn lane(&self, app: &AppId, lane: u8, after: u64, limit: u32) -> Vec<Event> {
        let Some(log) = self.logs.get(app) else { return Vec::new() };
        let first = (after + 1).max(log.swept_to);
        let of_lane = log.events.range(first..).filter(|(_, event)| event.lane() == lane);
        of_lane.take(limit as usize).map(|(_, event)| Event::clone(event)).collect()
    }

    pub(super) fn replayed(&self, replay: &Replay, limit: u32) -> Found {
        match &replay.of {
            ReplayOf::Log(_) => Found::Events(self.replayed_events(replay, limit as usize)),
            _ => Found::Batches(self.replayed_batches(replay, limit as usize)),
        }
    }

    fn replayed_events(&self, replay: &Replay, limit: usize) -> Vec<Event> {
        let (ReplayOf::Log(filter), Some(log)) = (&replay.of, self.logs.get(&replay.app)) else {
            return Vec::new();
        };
        let first = filter.from_seq.unwrap_or(0).max(replay.progress.cursor + 1);
        let first = first.max(log.swept_to);
        let last = filter.to_seq.unwrap_or(u64::MAX);
        if first > last {
            return Vec::new();
        }
        let channel = filter.channel.as_deref();
        let kind = filter.event.as_deref();
        let span = filter.span;
        log.events
            .range(first..=last)
            .map(|(_, event)| event)
            .filter(|event| channel.is_none_or(|channel| event.channel.as_str() == channel))
            .filter(|event| kind.is_none_or(|kind| event.kind.name() == kind))
            .filter(|event| span.from_ms.is_none_or(|from| event.at_ms >= from))
            .filter(|event| span.to_ms.is_none_or(|to| event.at_ms <= to))
            .take(limit)
            .map(|event| Event::clone(event))
            .collect()
    }

    fn replayed_batches(&self, replay: &Replay, limit: usize) -> Vec<Batch> {
        let after = replay.progress.cursor;
        let later = self.batches.values().filter(|kept| kept.batch.id.number() > after);
        later
            .filter(|kept| kept.batch.endpoint == replay.endpoint && !kept.is_swept)
            .filter(|kept| repeats(&replay.of, kept, replay.created_at_ms))
            .take(limit)
            .map(|kept| Batch::clone(&kept.batch))
            .collect()
    }

    /// Lets go of what is too old.
    pub(super) fn let_go(&mut self, rules: &Retention, now_ms: u64) -> Swept {
        let oldest_ms = now_ms.saturating_sub(rules.failed_ms);
        let swept = self.sweep_lanes(oldest_ms, now_ms);
        for log in self.logs.values_mut() {
            let young =
                log.events.range(log.swept_to..).find(|(_, event)| event.at_ms >= oldest_ms);
            log.swept_to = young.map_or(log.last_seq + 1, |(seq, _)| *seq);
        }
        for kept in self.batches.values_mut() {
            let keep_ms = match kept.outcome {
                None => continue,
                Some(Outcome::Delivered) => rules.delivered_ms,
                Some(_) => rules.failed_ms,
            };
            kept.is_swept |= kept.ended_at_ms + keep_ms < now_ms;
        }
        swept
    }
    /// What waits in lanes and is too old is lost; the rest that is too old just goes.
    fn sweep_lanes(&mut self, oldest_ms: u64, now_ms: u64) -> Swept {
        let mut swept = Swept::default();
        let lanes = |id: &EndpointId| (0..LANES).map(|lane| (id.clone(), lane)).collect::<Vec<_>>();
        let lanes: Vec<LaneId> = self.behind.keys().flat_map(lanes).collect();
        for lane in lanes {
            let Some(gap) = self.too_old(&lane, oldest_ms) else { continue };
            let owed = self.owed.entry(lane.clone()).or_insert(gap);
            *owed = if *owed == gap { gap } else { owed.and(gap) };
            let (endpoint, lane) = lane;
            swept.lost.push((endpoint.clone(), lane, gap));
            self.lost.push(Lost { endpoint, gap, reason: "retention".to_owned(), at_ms: now_ms });
        }
        swept
    }

    /// What waits in a lane and is too old.
    fn too_old(&self, lane: &LaneId, oldest_ms: u64) -> Option<Gap> {
        let row = self.endpoints.get(&lane.0)?;
        let log = self.logs.get(&row.app)?;
        let previous = self.previous.get(lane).copied().unwrap_or(0);
        let after = (*self.behind.get(&lane.0)?).max(previous);
        let old = log.events.range(log.swept_to.max(after + 1)..);
        let old = old.map(|(_, event)| event).filter(|event| event.lane() == lane.1);
        let old = old.take_while(|event| event.at_ms < oldest_ms);
        let old = old.filter(|event| row.terms.wants(event.kind, &event.channel));
        let gap = old.map(|event| Gap { first: event.seq, last: event.seq, count: 1 });
        gap.reduce(Gap::and)
    }
}

/// Whether a replay of deliveries repeats one.
fn repeats(of: &ReplayOf, kept: &Kept, asked_at_ms: u64) -> bool {
    let batch = &kept.batch;
    match (of, kept.outcome) {
        (ReplayOf::Delivery(id), Some(_)) => batch.id.to_string() == *id,
        (ReplayOf::Failed(span), Some(Outcome::Failed)) => {
            // It does not chase what fails while it runs, its own batches least of all.
            batch.replay.is_none()
                && span.from_ms.is_none_or(|from| batch.time_ms >= from)
                && batch.time_ms <= span.to_ms.unwrap_or(asked_at_ms)
        }
        _ => false,
    }
}
