//! Where the commands find endpoints, deliveries and replays: the server's database, with a sentence
//! for what is not there.

use std::time::Duration;

use bellwire_protocol::AppId;
use bellwire_store::Store;
use bellwire_webhooks::endpoint::{Endpoint, Origin};
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::ledger::Delivery;
use bellwire_webhooks::replay::{Progress, Replay, ReplayOf, State};

use super::super::failure::Failure;
use super::super::place::{Cellar, Place};
use crate::ops::clock::now_ms;

/// A running server notices what is written down within a fraction of a second, even on a machine
/// that has a lot to do.
pub(super) const TAKEN_UP_WITHIN: Duration = Duration::from_secs(30);

/// The database with what it is called.
pub(super) struct Desk {
    cellar: Cellar,
}

impl Desk {
    /// Opens the database that is there.
    pub(super) fn open(place: &Place) -> Result<Self, Failure> {
        let cellar = place.look()?;
        cellar.store()?;
        Ok(Self { cellar })
    }

    /// Says whether there is anything to know of an app: it is there, or the database has endpoints
    /// of it, as of one that is declared in a config file that nobody named.
    pub(super) fn expect_app(&self, id: &AppId) -> Result<(), Failure> {
        match self.cellar.app(id) {
            Err(_) if !self.store()?.endpoints(Some(id))?.is_empty() => Ok(()),
            found => found.map(drop),
        }
    }

    /// Whether endpoints must be https.
    pub(super) fn requires_https(&self) -> bool {
        self.cellar.require_https
    }

    /// The database.
    pub(super) fn store(&self) -> Result<&dyn Store, Failure> {
        self.cellar.store()
    }

    /// One endpoint.
    pub(super) fn endpoint(&self, id: &EndpointId) -> Result<Endpoint, Failure> {
        self.store()?.endpoint(id)?.ok_or_else(|| {
            Failure::not_found(format!("there is no endpoint {id} in {}", self.cellar.folder()))
                .hint("`bellwire webhooks list` shows those that are there")
        })
    }

    /// One endpoint that can be changed here.
    pub(super) fn changeable(&self, id: &EndpointId) -> Result<Endpoint, Failure> {
        let endpoint = self.endpoint(id)?;
        match endpoint.origin {
            Origin::Stored => Ok(endpoint),
            Origin::File => {
                let why = format!(
                    "endpoint {id} is declared in the server's configuration, read-only here"
                );
                Err(Failure::failed(why).hint(
                    "change its [[apps.webhooks]] section, then send SIGHUP to the server; --enable, \
                     test and replay work here",
                ))
            }
        }
    }

    /// One delivery.
    pub(super) fn delivery(&self, id: BatchId) -> Result<Delivery, Failure> {
        match self.store()?.delivery(id)? {
            Some((delivery, _)) => Ok(delivery),
            None => Err(self.no_delivery(id)),
        }
    }

    /// What to say of a delivery that is not there.
    pub(super) fn no_delivery(&self, id: BatchId) -> Failure {
        Failure::not_found(format!("there is no delivery {id} in {}", self.cellar.folder())).hint(
            "`bellwire webhooks deliveries` shows those that are there; old ones are let go \
             (keep_delivered_hours, keep_failed_hours)",
        )
    }

    /// One replay.
    pub(super) fn replay(&self, id: ReplayId) -> Result<Replay, Failure> {
        self.store()?.replay(id)?.ok_or_else(|| {
            Failure::not_found(format!("there is no replay {id} in {}", self.cellar.folder()))
                .hint("`bellwire webhooks replays` shows those that are there")
        })
    }

    /// Writes a replay down, for the server to find.
    pub(super) fn ask_for(
        &self,
        endpoint: &Endpoint,
        of: ReplayOf,
        total: u64,
    ) -> Result<Replay, Failure> {
        let store = self.store()?;
        let last = store.replays(None)?.iter().map(|replay| replay.id).max();
        let created_at_ms = now_ms();
        let replay = Replay {
            id: ReplayId::after(last.unwrap_or(ReplayId::of(0)), created_at_ms),
            app: endpoint.app.clone(),
            endpoint: endpoint.id.clone(),
            of,
            created_at_ms,
            total,
            progress: Progress { cursor: 0, delivered: 0, failed: 0, state: State::Running },
        };
        store.put_replay(&replay)?;
        Ok(replay)
    }

    /// What to say of a replay that no server begins.
    pub(super) fn not_taken_up(&self, id: ReplayId) -> Failure {
        let folder = self.cellar.folder();
        Failure::unreachable(format!("no server has begun with {id}")).hint(format!(
            "is `bellwire serve` running on {folder}? It will begin when it does, unless `bellwire \
             webhooks replay --cancel {id}` takes it back"
        ))
    }
}
