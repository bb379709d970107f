//! What a run does with the engine's orders: the store keeps and answers, receivers are called.

use super::agenda::Act;
use super::court::Sight;
use super::laws::{Law, Lawful};
use super::run::Run;
use crate::attempt::Answer;
use crate::engine::Answered;
use crate::outbox::{Found, Outbox, Read, Step, Transaction};
use crate::turn::{Asker, Dispatch};

/// What the store is about to keep and to answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) ordered_ms: u64,
    pub(super) transaction: Transaction,
    reads: Vec<(Asker, Read)>,
}

/// How the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiskMood {
    Well,
    Slow,
    Failing,
}

/// How long a store that is well needs at most.
const WELL_MS: u64 = 15;
impl Run {
    /// Does what the engine orders.
    pub(super) fn obey(&mut self) -> Lawful {
        let orders = self.engine.orders(self.now_ms);
        for notice in &orders.notices {
            self.trace(|| format!("{notice:?}"));
            let sight = Sight::new(self.now_ms, &self.disk, &self.plan, &self.apps);
            self.court.noticed(sight, notice)?;
        }
        if let Some((transaction, reads)) = orders.job {
            self.start(transaction, reads)?;
        }
        for dispatch in orders.posts {
            self.post(&dispatch)?;
        }
        self.note_trouble(self.job.as_ref().map_or(self.now_ms, |job| job.ordered_ms));
        let sight = Sight::new(self.now_ms, &self.disk, &self.plan, &self.apps);
        self.court.check(sight, &self.engine, self.job.is_some())
    }

    fn start(&mut self, transaction: Transaction, reads: Vec<(Asker, Read)>) -> Lawful {
        self.trace(|| format!("{transaction:?} {reads:?}"));
        Law::Committed.holds(self.job.is_none(), || "two jobs at once".into())?;
        self.court.ordered(&transaction)?;
        self.job = Some(Job { ordered_ms: self.now_ms, transaction, reads });
        let takes_ms = match self.disk_mood {
            DiskMood::Slow => self.chance.between(50, 3_000),
            _ => self.chance.between(1, WELL_MS),
        };
        self.later(takes_ms, Act::Kept);
        Ok(())
    }

    /// The store is done with the job, or has failed.
    pub(super) fn keep(&mut self) -> Lawful {
        let Some(job) = self.job.take() else { return Ok(()) };
        self.note_trouble(job.ordered_ms);
        let fails = self.disk_mood == DiskMood::Failing;
        self.disk.fails = fails.then(|| self.chance.one_in(2));
        if !self.commit(&job.transaction)? {
            self.trace(|| "the store has failed".into());
            self.job = Some(job);
            let again_ms = self.chance.between(100, 5_000);
            self.later(again_ms, Act::Kept);
            return Ok(());
        }
        let read = |(asker, read): (Asker, Read)| (asker, self.disk.read(&read).unwrap());
        let found: Vec<(Asker, Found)> = job.reads.into_iter().map(read).collect();
        self.trace(|| format!("kept {}, found {found:?}", job.transaction.number));
        let sight = Sight::new(self.now_ms, &self.disk, &self.plan, &self.apps);
        self.court.kept(sight, &self.engine, job.ordered_ms, &job.transaction)?;
        // The store's change of an endpoint comes back like anybody's.
        if job.transaction.steps.iter().any(|step| matches!(step, Step::Disable { .. })) {
            self.later(1, Act::Configured);
        }
        self.engine.kept(self.now_ms, found);
        Ok(())
    }

    /// A store that is not well, or has not been since it was given a job, makes everybody wait.
    fn note_trouble(&mut self, ordered_ms: u64) {
        if self.disk_mood != DiskMood::Well || self.now_ms > ordered_ms + WELL_MS {
            self.court.troubled(self.now_ms);
        }
    }

    /// Whether the store has kept it. What has nothing to keep is not even offered.
    pub(super) fn commit(&mut self, transaction: &Transaction) -> Lawful<bool> {
        if transaction.steps.is_empty() {
            return Ok(true);
        }
        let result = self.disk.commit(transaction);
        self.disk.broken.take().map_or(Ok(result.is_ok()), Err)
    }

    fn post(&mut self, dispatch: &Dispatch) -> Lawful {
        self.trace(|| format!("{dispatch:?}"));
        let id = &dispatch.endpoint.id;
        let sight = Sight::new(self.now_ms, &self.disk, &self.plan, &self.apps);
        // What was removed a moment ago may still be sent.
        let is_there = self.disk.endpoints.contains_key(id);
        if is_there {
            self.court.dispatched(sight, dispatch)?;
        }
        let Some(receiver) = self.receivers.get(id) else { return Ok(()) };
        let reply = receiver.receive(&dispatch.batch.events, &mut self.chance);
        if reply.is_accepted && is_there {
            self.court.accepted(sight, dispatch);
        }
        self.answer_later(dispatch, reply.after_ms, reply.answer);
        Ok(())
    }

    fn answer_later(&mut self, dispatch: &Dispatch, after_ms: u64, answer: Answer) {
        let answered = Answered {
            endpoint: dispatch.endpoint.id.clone(),
            lane: dispatch.batch.lane,
            batch: dispatch.batch.id,
            at_ms: self.now_ms,
            answer,
        };
        self.later(after_ms, Act::Ends(Box::new(answered)));
    }
}
