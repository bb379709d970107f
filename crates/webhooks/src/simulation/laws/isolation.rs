//! The endpoint that is always well hears soon, whatever becomes of the others.

use std::collections::BTreeMap;

use super::{Law, Lawful};
use crate::batch::Batch;
use crate::endpoint::Endpoint;
use crate::event::Event;
use crate::simulation::disk::Disk;

/// What is kept and has not reached the endpoint that is well.
#[derive(Debug)]
pub(in crate::simulation) struct Isolation {
    endpoint: Endpoint,
    /// Places of the log, with the time when they were kept.
    waiting: BTreeMap<u64, u64>,
}

/// How long an event may take. Each of a burst in one lane waits for those before it.
const SOON_MS: u64 = 3_000;

impl Isolation {
    pub(in crate::simulation) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, waiting: BTreeMap::new() }
    }

    pub(in crate::simulation) fn kept(&mut self, now_ms: u64, event: &Event) {
        let wants = self.endpoint.terms.wants(event.kind, &event.channel);
        if event.app == self.endpoint.app && wants {
            self.waiting.insert(event.seq, now_ms);
        }
    }

    pub(in crate::simulation) fn accepted(&mut self, batch: &Batch) {
        if batch.endpoint == self.endpoint.id {
            for seq in &batch.seqs {
                self.waiting.remove(seq);
            }
        }
    }

    /// `since_ms`: when the last trouble with the store or the server was over.
    pub(in crate::simulation) fn check(
        &mut self,
        now_ms: u64,
        since_ms: u64,
        disk: &Disk,
    ) -> Lawful {
        while let Some(first) = self.waiting.first_entry() {
            let (seq, kept_ms) = (*first.key(), *first.get());
            if now_ms <= since_ms.max(kept_ms) + SOON_MS {
                break;
            }
            let is_lost = disk.has_lost(&self.endpoint.id, seq);
            Law::Isolation.holds(is_lost, || format!("{seq} waits since {kept_ms}"))?;
            first.remove();
        }
        Ok(())
    }
}
