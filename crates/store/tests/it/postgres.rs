//! PostgreSQL keeps the contracts.

mod opening;

use std::sync::OnceLock;

use bellwire_store::Postgres;
use bellwire_testkit::postgres::{Database, Postgres as Server};

/// A store in a database that goes with it.
struct Place {
    store: Postgres,
    /// Behind the store, so that it goes after it.
    database: Database<'static>,
}

impl Place {
    fn new() -> Self {
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
