//! Whether this node is alone or one of several, and what follows from that.

use std::sync::Arc;

use anyhow::Context as _;
use bellwire_cluster::Link;
use bellwire_hub::{Apps, Hub, Peers};
use bellwire_store::Sqlite;
use bellwire_webhooks::service::Service;
use tokio::runtime::Handle;

use crate::cluster::{Cluster, Newcomer};
use crate::config::Config;
use crate::gateway::Switchboard;
use crate::live::{Deputy, Informant, Live};
use crate::ops::cellar::Cellar;
use crate::ops::facts::Facts;
use crate::ops::webhooks::Workshop;

/// Whether this node is alone.
pub(super) enum Footing {
    Alone(Arc<Sqlite>),
    Together(Box<Newcomer>),
}

impl Footing {
    /// Finds out, and takes a number among the others.
    pub(super) fn find(config: &Config, cellar: &Cellar, apps: &Arc<Apps>) -> anyhow::Result<Self> {
        match cellar {
            Cellar::File(store) => Ok(Self::Alone(Arc::clone(store))),
            Cellar::Shared(database) => {
                let newcomer = Newcomer::join(config, database, apps)?;
                Ok(Self::Together(Box::new(newcomer)))
            }
        }
    }

    /// The first half of this node's socket ids, never 0.
    fn number(&self) -> anyhow::Result<u64> {
        match self {
            Self::Alone(_) => {
                let random = getrandom::u32().context("the system has no random numbers")?;
                Ok(u64::from(random) + 1)
            }
            Self::Together(newcomer) => Ok(newcomer.node().number()),
        }
    }

    /// The hub of this node.
    pub(super) fn hub(
        &self,
        config: &Config,
        switchboard: &Arc<Switchboard>,
        facts: &Arc<Facts>,
    ) -> anyhow::Result<Arc<Hub>> {
        let (outlet, facts) = (Arc::clone(switchboard), Arc::clone(facts));
        let hub = Hub::new(self.number()?, config.cache_bytes_max, outlet, facts);
        Ok(Arc::new(match self.link() {
            Some(link) => hub.with_peers(link as Arc<dyn Peers>),
            None => hub,
        }))
    }

    fn link(&self) -> Option<Arc<Link>> {
        match self {
            Self::Alone(_) => None,
            Self::Together(newcomer) => newcomer.link().cloned(),
        }
    }

    /// Lets people at other nodes see what happens here, and the other way round. The link to the other
    /// nodes, if there may be any.
    pub(super) fn share(
        &self,
        config: &Config,
        live: &Arc<Live>,
        informant: &Arc<Informant>,
        runtime: &Handle,
    ) -> Option<Arc<Link>> {
        let link = self.link()?;
        link.set_consoles(Arc::clone(live) as _);
        live.share(&config.cluster.node_name, Arc::clone(&link) as _, runtime);
        link.set_answers(Deputy::new(informant, &link, runtime));
        Some(link)
    }

    /// Starts the webhooks, and what a node of a cluster has.
    pub(super) fn start(
        self,
        config: &Config,
        hub: &Arc<Hub>,
        workshop: Workshop,
        runtime: &Handle,
    ) -> anyhow::Result<(Arc<Service>, Option<Arc<Cluster>>)> {
        match self {
            Self::Alone(store) => {
                let outbox = store.outbox(config.webhooks.durability.into())?;
                Ok((workshop.start(hub, Box::new(outbox))?, None))
            }
            Self::Together(newcomer) => {
                let (webhooks, cluster) = newcomer.start(config, hub, workshop, runtime)?;
                Ok((webhooks, Some(Arc::new(cluster))))
            }
        }
    }
}
