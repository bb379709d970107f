//! Where things are kept: a file of this node, or a database that several nodes share.

use std::sync::Arc;

use anyhow::Context as _;
use bellwire_store::{Postgres, Sqlite, Store};

use crate::config::Config;

/// The store, with what only one of its kinds has.
#[derive(Clone)]
pub(crate) enum Cellar {
    /// SQLite.
    File(Arc<Sqlite>),
    /// PostgreSQL.
    Shared(Arc<Postgres>),
}

impl Cellar {
    /// Opens what the configuration names, and makes it if it is not there.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        match &config.database {
            None => Ok(Self::File(Arc::new(Sqlite::open(&config.data_dir)?))),
            Some(url) => {
                let store = Postgres::open(url.reveal());
                Ok(Self::Shared(Arc::new(store.context("[server] database")?)))
            }
        }
    }

    /// What people read and write.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::File(store) => Arc::clone(store) as _,
            Self::Shared(store) => Arc::clone(store) as _,
        }
    }
}
