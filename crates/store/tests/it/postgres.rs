//! PostgreSQL keeps the contracts.

mod opening;
mod together;

use std::sync::OnceLock;

use bellwire_accounts::AccountStore;
use bellwire_hub::AppStore;
use bellwire_live::LiveStore;
use bellwire_store::{Postgres, StoreError};
use bellwire_testkit::postgres::{Database, Postgres as Server};
use bellwire_webhooks::ledger::Ledger;
use bellwire_webhooks::outbox::Outbox;

use crate::contract;

/// A store in a database that goes with it.
pub(crate) struct Place {
    store: Postgres,
    /// Behind the store, so that it goes after it.
    pub(crate) database: Database<'static>,
}

impl Place {
    pub(crate) fn new() -> Self {
        // The tables are made once, and then copied.
        static MADE: OnceLock<Database<'static>> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let database = Server::shared().database();
            drop(Postgres::open(&database.url()).unwrap());
            database
        });
        let database = Server::shared().database_like(made.name());
        Self { store: Postgres::open(&database.url()).unwrap(), database }
    }
}

impl contract::Place for Place {
    type Store = Postgres;

    fn store(&self) -> &Postgres {
        &self.store
    }

    fn again(&self) -> Postgres {
        Postgres::open(&self.database.url()).unwrap()
    }

    fn outbox(&self) -> Box<dyn Outbox> {
        panic!("laws that need an outbox are not kept yet")
    }
}

mod keeps_the_contract_of_apps {
    use super::Place;
    crate::contract::apps_contract!(Place::new);
}

mod keeps_the_contract_of_live {
    use super::Place;
    crate::contract::live_contract!(Place::new);
}

mod keeps_the_contract_of_accounts {
    use super::Place;
    crate::contract::accounts_contract!(Place::new);
}

mod keeps_the_contract_of_the_ledger {
    use super::Place;
    crate::contract::laws! { Place::new, endpoints:
        an_endpoint_is_found_as_it_was_put
        endpoints_of_an_app_are_listed_oldest_first
        secrets_count_only_with_a_new_endpoint
        terms_change_in_place
        a_new_secret_ends_the_older_ones
    }
    crate::contract::laws! { Place::new, replays:
        a_replay_needs_its_endpoint
    }
}

#[test]
fn every_port_can_be_chosen_while_the_server_runs() {
    let place = Place::new();
    let apps: &dyn AppStore<Error = StoreError> = &place.store;
    let accounts: &dyn AccountStore<Error = StoreError> = &place.store;
    let live: &dyn LiveStore<Error = StoreError> = &place.store;
    let ledger: &dyn Ledger<Error = StoreError> = &place.store;
    assert_eq!(apps.version().unwrap(), ledger.changes().unwrap());
    assert!(!accounts.has_operator().unwrap());
    assert!(live.messages(0).unwrap().is_empty());
}
