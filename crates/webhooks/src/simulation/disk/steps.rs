//! What the store does with a transaction, and what it finds wrong there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwire_protocol::AppId;

use super::{Disk, Kept, Named};
use crate::attempt::Attempt;
use crate::batch::{Batch, Outcome, REPLAY_LANE};
use crate::endpoint::Disabled;
use crate::event::{Event, Kind};
use crate::ids::BatchId;
use crate::ledger::Lost;
use crate::outbox::{Step, Transaction};
use crate::replay::State;
use crate::simulation::laws::{Law, Lawful};

impl Disk {
    /// Does what a transaction says, and checks that it may be said.
    pub(super) fn apply(&mut self, transaction: &Transaction) -> Lawful {
        let before: BTreeMap<AppId, u64> =
            self.logs.iter().map(|(app, log)| (app.clone(), log.last_seq)).collect();
        for step in &transaction.steps {
            self.step(step)?;
        }
        self.check_places(&before, &transaction.steps)
    }

    fn step(&mut self, step: &Step) -> Lawful {
        match step {
            Step::Append(event) => return self.append(event),
            Step::Skip { app, last } => {
                let log = self.logs.entry(app.clone()).or_default();
                log.last_seq = log.last_seq.max(*last);
            }
            Step::Cut(batch) => return self.cut(batch),
            Step::Attempt(attempt) => return self.attempt(attempt),
            Step::End { batch, outcome, at_ms } => return self.end(*batch, *outcome, *at_ms),
            Step::Replayed { replay, progress } => {
                let replay = self.replays.get_mut(replay);
                // Whoever cancels a replay has the last word.
                if let Some(replay) = replay.filter(|r| r.progress.state == State::Running) {
                    replay.progress = *progress;
                }
            }
            of_an_endpoint => self.step_of_endpoint(of_an_endpoint),
        }
        Ok(())
    }

    fn step_of_endpoint(&mut self, step: &Step) {
        let (Step::Behind { endpoint, .. }
        | Step::CaughtUp { endpoint }
        | Step::Owes { endpoint, .. }
        | Step::Paid { endpoint, .. }
        | Step::Lost { endpoint, .. }
        | Step::Failing { endpoint, .. }
        | Step::Disable { endpoint, .. }) = step
        else {
            return;
        };
        // It may have been removed since.
        let Some(row) = self.endpoints.get_mut(endpoint) else { return };
        let lane_id = |lane: &u8| (endpoint.clone(), *lane);
        match step {
            Step::Behind { after, .. } => {
                self.behind.insert(endpoint.clone(), *after);
            }
            Step::CaughtUp { .. } => {
                self.behind.remove(endpoint);
            }
            Step::Owes { lane, gap, .. } => {
                self.owed.insert(lane_id(lane), *gap);
            }
            Step::Paid { lane, .. } => {
                self.owed.remove(&lane_id(lane));
            }
            Step::Lost { gap, reason, at_ms, .. } => self.lost.push(Lost {
                endpoint: endpoint.clone(),
                gap: *gap,
                reason: (*reason).to_owned(),
                at_ms: *at_ms,
            }),
            Step::Failing { since_ms, .. } => row.failing_since_ms = *since_ms,
            Step::Disable { reason, at_ms, .. } => {
                row.disabled = Some(Disabled { reason: (*reason).to_owned(), at_ms: *at_ms });
            }
            _ => {}
        }
    }

    fn append(&mut self, event: &Arc<Event>) -> Lawful {
        let log = self.logs.entry(event.app.clone()).or_default();
        if event.seq <= log.last_seq {
            return Law::Alternation.broken(format!("place {} is taken already", event.seq));
        }
        log.last_seq = event.seq;
        log.events.insert(event.seq, Arc::clone(event));
        self.announce(event)
    }

    fn announce(&mut self, event: &Event) -> Lawful {
        let channel = event.channel.as_str().to_owned();
        let key = (event.app.clone(), channel.clone(), event.user.clone());
        let of_channel = (event.app.clone(), channel, None);
        let is_told = self.announced.contains_key(&key);
        let is_occupied = self.announced.contains_key(&of_channel);
        let alternates = match event.kind {
            Kind::Occupied => !is_told,
            Kind::MemberAdded => !is_told && is_occupied,
            Kind::MemberRemoved => is_told && is_occupied,
            Kind::Vacated => is_told && self.members(&of_channel) == 0,
            Kind::ClientEvent | Kind::CacheMiss | Kind::SubscriptionCount => return Ok(()),
        };
        if !alternates {
            return Law::Alternation.broken(format!("stray {event:?}"));
        }
        if matches!(event.kind, Kind::Occupied | Kind::MemberAdded) {
            self.announced.insert(key, event.seq);
        } else {
            self.announced.remove(&key);
        }
        Ok(())
    }

    fn members(&self, channel: &Named) -> usize {
        let rest = self.announced.range(channel.clone()..);
        let same = |key: &Named| key.0 == channel.0 && key.1 == channel.1;
        rest.take_while(|(key, _)| same(key)).filter(|(key, _)| key.2.is_some()).count()
    }

    /// Places ascend by one, except for those that this transaction skips.
    fn check_places(&self, before: &BTreeMap<AppId, u64>, steps: &[Step]) -> Lawful {
        let skips: BTreeSet<&AppId> = steps
            .iter()
            .filter_map(|step| match step {
                Step::Skip { app, .. } => Some(app),
                _ => None,
            })
            .collect();
        for (app, log) in &self.logs {
            let from = before.get(app).copied().unwrap_or(0);
            let added = log.events.range(from + 1..).count() as u64;
            if from + added != log.last_seq && !skips.contains(app) {
                let what = format!("places between {from} and {} are missing", log.last_seq);
                return Law::Alternation.broken(what);
            }
        }
        Ok(())
    }

    fn cut(&mut self, batch: &Arc<Batch>) -> Lawful {
        if !self.endpoints.contains_key(&batch.endpoint) {
            return Ok(());
        }
        if self.batches.contains_key(&batch.id) {
            return Law::SameBytes.broken(format!("{} is cut again", batch.id));
        }
        if batch.lane != REPLAY_LANE {
            self.check_cut_once(batch)?;
            self.check_chain(batch)?;
        }
        let kept = Kept {
            batch: Arc::clone(batch),
            attempts: Vec::new(),
            outcome: None,
            ended_at_ms: 0,
            is_swept: false,
        };
        self.batches.insert(batch.id, kept);
        Ok(())
    }

    fn check_cut_once(&mut self, batch: &Batch) -> Lawful {
        for seq in &batch.seqs {
            let key = (batch.endpoint.clone(), *seq);
            let before = self.cut_in.insert(key, batch.id);
            if before.is_some() && before != batch.parent {
                return Law::SameBytes.broken(format!("{seq} is in {before:?} and {}", batch.id));
            }
        }
        Ok(())
    }

    fn check_chain(&mut self, batch: &Batch) -> Lawful {
        if batch.parent.is_some() {
            return Ok(());
        }
        let lane = (batch.endpoint.clone(), batch.lane);
        let last = self.previous.insert(lane, batch.last_seq()).unwrap_or(0);
        if batch.previous == last {
            return Ok(());
        }
        Law::Chain.broken(format!("{} follows {}, not {last}", batch.id, batch.previous))
    }

    fn attempt(&mut self, attempt: &Arc<Attempt>) -> Lawful {
        let Some(kept) = self.batches.get_mut(&attempt.batch) else { return Ok(()) };
        let expected = kept.attempts.len() as u32 + 1;
        kept.attempts.push(Arc::clone(attempt));
        if attempt.number == expected {
            return Ok(());
        }
        Law::SameBytes.broken(format!("attempt {} is not {expected}", attempt.number))
    }

    fn end(&mut self, id: BatchId, outcome: Outcome, at_ms: u64) -> Lawful {
        let Some(kept) = self.batches.get_mut(&id) else { return Ok(()) };
        let replay = kept.batch.replay.and_then(|id| self.replays.get(&id));
        let runs = replay.is_some_and(|replay| replay.progress.state == State::Running);
        let is_dropped = outcome == Outcome::Discarded && runs;
        Law::Replays.holds(!is_dropped, || format!("{replay:?} loses {id}"))?;
        let before = kept.outcome.replace(outcome);
        kept.ended_at_ms = at_ms;
        // A replay that was accepted makes good what failed.
        if before.is_none() || outcome == Outcome::Delivered {
            return Ok(());
        }
        Law::SameBytes.broken(format!("{id} ended {before:?} and again {outcome:?}"))
    }
}
