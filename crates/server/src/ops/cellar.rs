//! Where things are kept: a file of this node, or a database that several nodes share.

use std::sync::Arc;

use anyhow::Context as _;
use bellwire_store::{Durability as Kept, Postgres, Sqlite, Store};
use bellwire_webhooks::outbox::Outbox;

use crate::config::{Config, Durability};

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

    /// Where webhooks are kept.
    pub(crate) fn outbox(&self, durability: Durability) -> anyhow::Result<Box<dyn Outbox>> {
        let kept = match durability {
            Durability::Power => Kept::Power,
            Durability::Process => Kept::Process,
        };
        match self {
            Self::File(store) => Ok(Box::new(store.outbox(kept)?)),
            Self::Shared(_) => anyhow::bail!("not yet"),
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
