//! The ledger in PostgreSQL, as in [`crate::ledger`]: people's questions wait for no commit, and no
//! commit waits for them.

mod announced;
mod deliveries;
mod replays;
mod verify;

use bellwire_protocol::AppId;
use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::endpoint::{Endpoint, SigningSecret, Terms};
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::ledger::{Delivery, DeliveryFilter, Ledger, Lost, Snapshot, Verdict};
use bellwire_webhooks::replay::{Replay, ReplayOf};

use super::{Postgres, apps, endpoints};
use crate::StoreError;

impl Ledger for Postgres {
    type Error = StoreError;

    fn changes(&self) -> Result<u64, StoreError> {
        self.alone(apps::changes)
    }

    fn endpoints(&self, app: Option<&AppId>) -> Result<Vec<Endpoint>, StoreError> {
        self.read(|session| endpoints::all(session, app))
    }

    fn endpoint(&self, id: &EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.read(|session| endpoints::one(session, id))
    }

    fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        self.write(|session| endpoints::put(session, endpoint))
    }

    fn set_terms(&self, id: &EndpointId, terms: &Terms) -> Result<bool, StoreError> {
        self.write(|session| endpoints::set_terms(session, id, terms))
    }

    fn set_enabled(&self, id: &EndpointId, on: bool, now_ms: u64) -> Result<bool, StoreError> {
        self.write(|session| endpoints::set_enabled(session, id, on, now_ms))
    }

    fn remove_endpoint(&self, id: &EndpointId) -> Result<bool, StoreError> {
        endpoints::remove(self, id)
    }

    fn rotate(
        &self,
        id: &EndpointId,
        secret: &SigningSecret,
        overlap_until_ms: u64,
    ) -> Result<bool, StoreError> {
        self.write(|session| endpoints::rotate(session, id, secret, overlap_until_ms))
    }

    fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.read(|session| deliveries::page(session, filter))
    }

    fn delivery(&self, id: BatchId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.read(|session| deliveries::with_attempts(session, id))
    }

    fn gaps(&self, app: &AppId) -> Result<Vec<Lost>, StoreError> {
        self.alone(|session| deliveries::gaps(session, app))
    }

    fn count(&self, endpoint: &EndpointId, of: &ReplayOf) -> Result<u64, StoreError> {
        self.read(|session| replays::count(session, endpoint, of))
    }

    fn put_replay(&self, replay: &Replay) -> Result<(), StoreError> {
        // What has to be searched for is searched for while others may write.
        let replay = self.read(|session| replays::bounded(session, replay))?;
        self.write(|session| replays::put(session, &replay))
    }

    fn replays(&self, app: Option<&AppId>) -> Result<Vec<Replay>, StoreError> {
        self.read(|session| replays::all(session, app))
    }

    fn replay(&self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        self.alone(|session| replays::one(session, id))
    }

    fn cancel_replay(&self, id: ReplayId) -> Result<bool, StoreError> {
        self.write(|session| replays::cancel(session, id))
    }

    fn snapshot(&self, app: &AppId) -> Result<Snapshot, StoreError> {
        self.read(|session| announced::snapshot(session, app))
    }

    fn log(&self, app: &AppId, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.alone(|session| announced::log(session, app, after, limit))
    }

    fn verify(&self) -> Result<Verdict, StoreError> {
        self.read(verify::verify)
    }
}
