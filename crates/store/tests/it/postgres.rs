//! PostgreSQL keeps the contracts.

mod cap;
mod failing;
mod feed;
mod listen;
mod opening;
mod proxy;
mod roll;
mod speed;
mod together;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bellwire_accounts::AccountStore;
use bellwire_hub::AppStore;
use bellwire_live::LiveStore;
use bellwire_store::{Durability, Postgres, StoreError};
use bellwire_testkit::postgres::{Database, Postgres as Server};
use bellwire_webhooks::ledger::Ledger;
use bellwire_webhooks::outbox::Outbox;
use postgres::{Client, NoTls};

use crate::contract;

/// A store in a database of its own.
pub(crate) struct Place {
    store: Postgres,
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

    /// A connection that does what no store would.
    fn client(&self) -> Client {
        Client::connect(&self.database.url(), NoTls).unwrap()
    }

    /// Waits until somebody waits for another.
    fn wait_for_a_lock(&self) {
        let sql = "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        self.wait_for(sql, |count| count != "0");
    }

    /// Asks until the answer is good.
    #[track_caller]
    fn wait_for(&self, sql: &str, is_good: impl Fn(&str) -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !is_good(&self.database.ask(sql)) {
            assert!(Instant::now() < end, "{sql}");
        }
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
        Box::new(self.store.outbox(Durability::Process).unwrap())
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
    crate::contract::ledger_contract!(Place::new);
}

mod keeps_the_contract_of_the_outbox {
    use super::Place;
    crate::contract::outbox_contract!(Place::new);
    crate::contract::retention_contract!(Place::new);
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
