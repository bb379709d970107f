//! The engine's part of a law: it numbers transactions and asks.

use bellwire_webhooks::batch::Batch;
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ledger::Ledger as _;
use bellwire_webhooks::outbox::{
    Announced, Found, Outbox, OutboxError, Read, Remains, Retention, Step, Swept, Transaction,
};
use bellwire_webhooks::replay::Replay;

use super::Place;
use super::things::{app, endpoint};

/// An outbox, with what it held when it was opened.
pub(crate) struct Desk {
    pub(crate) outbox: Box<dyn Outbox>,
    pub(crate) remains: Remains,
    pub(crate) announced: Vec<Announced>,
    /// The number of the last transaction that was kept.
    pub(crate) number: u64,
}

impl Desk {
    /// Starts, or starts again.
    pub(crate) fn open(place: &impl Place) -> Self {
        let mut outbox = place.outbox();
        let mut announced = Vec::new();
        let remains = outbox.recover(&mut |thing| announced.push(thing)).unwrap();
        let number = remains.last_transaction;
        Self { outbox, remains, announced, number }
    }

    /// Starts where these endpoints are.
    pub(crate) fn with_endpoints(place: &impl Place, names: &[&str]) -> Self {
        for name in names {
            place.store().put_endpoint(&endpoint(name)).unwrap();
        }
        Self::open(place)
    }

    pub(crate) fn try_keep(&mut self, steps: Vec<Step>) -> Result<(), OutboxError> {
        let number = self.number + 1;
        self.outbox.commit(&Transaction { number, steps })?;
        self.number = number;
        Ok(())
    }

    pub(crate) fn keep(&mut self, steps: Vec<Step>) {
        self.try_keep(steps).unwrap();
    }

    pub(crate) fn lane(&mut self, lane: u8, after: u64, limit: u32) -> Vec<Event> {
        match self.outbox.read(&Read::Lane { app: app(), lane, after, limit }).unwrap() {
            Found::Events(events) => events,
            Found::Batches(_) => panic!("a lane has events"),
        }
    }

    pub(crate) fn events_of(&mut self, replay: &Replay, limit: u32) -> Vec<u64> {
        match self.read_replay(replay, limit) {
            Found::Events(events) => events.iter().map(|event| event.seq).collect(),
            Found::Batches(_) => panic!("a log has events"),
        }
    }

    pub(crate) fn batches_of(&mut self, replay: &Replay, limit: u32) -> Vec<Batch> {
        match self.read_replay(replay, limit) {
            Found::Batches(batches) => batches,
            Found::Events(_) => panic!("deliveries are batches"),
        }
    }

    fn read_replay(&mut self, replay: &Replay, limit: u32) -> Found {
        let replay = Box::new(replay.clone());
        self.outbox.read(&Read::Replay { replay, limit }).unwrap()
    }

    /// Sweeps until nothing more goes.
    pub(crate) fn sweep(&mut self, rules: &Retention, now_ms: u64) -> Swept {
        let mut all = Swept::default();
        loop {
            let swept = self.outbox.sweep(rules, now_ms).unwrap();
            if swept.rows == 0 {
                return all;
            }
            all.rows += swept.rows;
            all.lost.extend(swept.lost);
        }
    }
}
