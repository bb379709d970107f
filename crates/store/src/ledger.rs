//! The ledger in SQLite: people read by connections of their own, so their questions wait for no
//! commit and no commit waits for them.

mod announced;
pub(crate) mod deliveries;
pub(crate) mod replays;
mod verify;

use bellwire_protocol::AppId;
use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::endpoint::{Endpoint, SigningSecret, Terms};
use bellwire_webhooks::event::Event;
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::ledger::{Delivery, DeliveryFilter, Ledger, Lost, Snapshot, Verdict};
use bellwire_webhooks::replay::{Replay, ReplayOf};

use crate::{Sqlite, StoreError, apps, endpoints};

impl Ledger for Sqlite {
    type Error = StoreError;

    fn changes(&self) -> Result<u64, StoreError> {
        self.read(apps::changes)
    }

    fn endpoints(&self, app: Option<&AppId>) -> Result<Vec<Endpoint>, StoreError> {
        self.read(|connection| endpoints::all(connection, app))
    }

    fn endpoint(&self, id: &EndpointId) -> Result<Option<Endpoint>, StoreError> {
        self.read(|connection| endpoints::one(connection, id))
    }

    fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        self.write(|connection| endpoints::put(connection, endpoint))
    }

    fn set_terms(&self, id: &EndpointId, terms: &Terms) -> Result<bool, StoreError> {
        self.write(|connection| endpoints::set_terms(connection, id, terms))
    }

    fn set_enabled(&self, id: &EndpointId, on: bool, now_ms: u64) -> Result<bool, StoreError> {
        self.write(|connection| endpoints::set_enabled(connection, id, on, now_ms))
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
        self.write(|connection| endpoints::rotate(connection, id, secret, overlap_until_ms))
    }

    fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<Delivery>, StoreError> {
        self.read(|connection| deliveries::page(connection, filter))
    }

    fn delivery(&self, id: BatchId) -> Result<Option<(Delivery, Vec<Attempt>)>, StoreError> {
        self.read(|connection| deliveries::with_attempts(connection, id))
    }

    fn gaps(&self, app: &AppId) -> Result<Vec<Lost>, StoreError> {
        self.read(|connection| deliveries::gaps(connection, app))
    }

    fn count(&self, endpoint: &EndpointId, of: &ReplayOf) -> Result<u64, StoreError> {
        self.read(|connection| replays::count(connection, endpoint, of))
    }

    fn put_replay(&self, replay: &Replay) -> Result<(), StoreError> {
        // What has to be searched for is searched for while others may write.
        let replay = self.read(|connection| replays::bounded(connection, replay))?;
        self.write(|connection| replays::put(connection, &replay))
    }

    fn replays(&self, app: Option<&AppId>) -> Result<Vec<Replay>, StoreError> {
        self.read(|connection| replays::all(connection, app))
    }

    fn replay(&self, id: ReplayId) -> Result<Option<Replay>, StoreError> {
        self.read(|connection| replays::one(connection, id))
    }

    fn cancel_replay(&self, id: ReplayId) -> Result<bool, StoreError> {
        self.write(|connection| replays::cancel(connection, id))
    }

    fn snapshot(&self, app: &AppId) -> Result<Snapshot, StoreError> {
        self.read(|connection| announced::snapshot(connection, app))
    }

    fn log(&self, app: &AppId, after: u64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read(|connection| announced::log(connection, app, after, limit))
    }

    fn verify(&self) -> Result<Verdict, StoreError> {
        self.read(verify::verify)
    }
}
