//! Several servers that are one: a PostgreSQL database and a bus of their own, and a network between
//! them and each of the two that can be cut.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::nats::Nats;
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::{App, Client, Config, PATIENCE, Proxy, Server};

/// What carries live messages between the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Redis.
    Redis,
    /// NATS.
    Nats,
}

/// Nodes, and the engines between them.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Node>,
    /// What carries live messages.
    pub bus: Engine,
    /// The server of the database, if it is of its own.
    postgres: Option<Postgres>,
    database: String,
    plan: Plan,
}

/// How nodes are started.
#[derive(Clone, Debug)]
struct Plan {
    binary: PathBuf,
    config: Config,
    /// Whether there is a network that can be cut.
    has_ways: bool,
    lease: Duration,
}

/// A server among others.
#[derive(Debug)]
pub struct Node {
    server: Server,
    ways: Option<Ways>,
}

/// The ways to both engines.
#[derive(Debug)]
struct Ways {
    database: Proxy,
    bus: Proxy,
}

/// What carries live messages.
#[derive(Debug)]
pub enum Engine {
    /// Redis.
    Redis(Redis),
    /// NATS.
    Nats(Nats),
}

/// How long a node that is not heard of counts as there: short, but longer than this machine is ever
/// busy with something else.
pub const LEASE: Duration = Duration::from_secs(4);

impl Cluster {
    /// So many nodes with the same config, that know each other. The first has the desk of webhooks.
    #[must_use]
    #[track_caller]
    pub fn start(binary: &Path, config: Config, via: Via, count: usize) -> Self {
        let database = Postgres::shared().database().url();
        Self::over(binary, config, via, count, None, (database, LEASE))
    }

    /// Like [`start`](Self::start), with this lease, a PostgreSQL server of its own, and a network
    /// between each node and each engine.
    #[must_use]
    #[track_caller]
    pub fn start_apart(
        binary: &Path,
        config: Config,
        via: Via,
        count: usize,
        lease: Duration,
    ) -> Self {
        let postgres = Postgres::start();
        let database = postgres.database().url();
        Self::over(binary, config, via, count, Some(postgres), (database, lease))
    }

    #[track_caller]
    fn over(
        binary: &Path,
        config: Config,
        via: Via,
        count: usize,
        postgres: Option<Postgres>,
        (database, lease): (String, Duration),
    ) -> Self {
        let config = config.app(App::new(STAGEHAND));
        let plan = Plan { binary: binary.to_owned(), config, has_ways: postgres.is_some(), lease };
        let mut cluster =
            Self { nodes: Vec::new(), bus: Engine::start(via), postgres, database, plan };
        cluster.add(1);
        wait_until("the first node has the desk", || cluster[0].has_desk());
        cluster.add(count - 1);
        cluster.wait_until_whole();
        cluster
    }

    /// Starts more nodes, all at once.
    #[track_caller]
    pub fn add(&mut self, count: usize) {
        let first = self.nodes.len();
        let started: Vec<Node> = thread::scope(|scope| {
            let cluster = &*self;
            let start = |n| scope.spawn(move || cluster.start_node(n));
            let started: Vec<_> = (first..first + count).map(start).collect();
            started.into_iter().map(|node| node.join().expect("a node starts")).collect()
        });
        self.nodes.extend(started);
    }

    fn start_node(&self, n: usize) -> Node {
        let (database, bus) = (address_of(&self.database), self.bus.address());
        let ways = self
            .plan
            .has_ways
            .then(|| Ways { database: Proxy::to(database.parse().unwrap()), bus: Proxy::to(bus) });
        let (database, bus) = match &ways {
            Some(ways) => {
                let address = ways.database.address().to_string();
                (self.database.replace(&database, &address), ways.bus.address())
            }
            None => (self.database.clone(), bus),
        };
        let environment = [
            ("BELLWIRE_DATABASE", database),
            ("BELLWIRE_BUS", format!("{}://{bus}", self.bus.scheme())),
            ("BELLWIRE_NODE_NAME", format!("node-{n}")),
            ("BELLWIRE_NODE_LEASE_MS", self.plan.lease.as_millis().to_string()),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        let Plan { binary, config, .. } = &self.plan;
        Node { server: Server::start_in(binary, config.clone(), environment), ways }
    }

    /// Waits until every node knows what is on every other.
    #[track_caller]
    pub fn wait_until_whole(&self) {
        let all: Vec<usize> = (0..self.nodes.len()).collect();
        self.wait_until_know_each_other(&all);
    }

    /// Waits until each of these nodes knows what is on the others of them.
    #[track_caller]
    pub fn wait_until_know_each_other(&self, nodes: &[usize]) {
        let app = self.plan.config.numbered(STAGEHAND);
        let come = |n: &usize| {
            let mut client = self[*n].connect_to(app);
            client.subscribe(&format!("node-{n}"));
            client
        };
        let clients: Vec<Client> = nodes.iter().map(come).collect();
        wait_until("all nodes know each other", || {
            nodes.iter().all(|n| {
                let there = self[*n].api_of(app).get("/channels").send().ok();
                there["channels"].as_object().unwrap().len() == clients.len()
            })
        });
        clients.into_iter().for_each(Client::leave);
        wait_until("all nodes have forgotten each other's", || {
            nodes.iter().all(|n| {
                let there = self[*n].api_of(app).get("/channels").send().ok();
                there["channels"].as_object().unwrap().is_empty()
            })
        });
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The PostgreSQL server, if it is of its own.
    #[must_use]
    #[track_caller]
    pub fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect("the server is shared")
    }
}

impl std::ops::Index<usize> for Cluster {
    type Output = Node;

    fn index(&self, n: usize) -> &Node {
        &self.nodes[n]
    }
}

impl std::ops::IndexMut<usize> for Cluster {
    fn index_mut(&mut self, n: usize) -> &mut Node {
        &mut self.nodes[n]
    }
}

impl Node {
    /// Whether it has the desk of webhooks, as far as it has said.
    #[must_use]
    pub fn has_desk(&self) -> bool {
        let said = self.server.stderr() + &self.server.stdout();
        let last = |words: &str| said.rfind(words);
        let (come, gone) = (last("desk of webhooks is here"), last("desk of webhooks is handed"));
        come.is_some() && come > gone.max(last("desk of webhooks is lost"))
    }

    /// The way to the database.
    #[must_use]
    #[track_caller]
    pub fn database(&self) -> &Proxy {
        &self.ways.as_ref().expect("a cluster that was started apart").database
    }

    /// The way to the bus.
    #[must_use]
    #[track_caller]
    pub fn bus(&self) -> &Proxy {
        &self.ways.as_ref().expect("a cluster that was started apart").bus
    }
}

impl Deref for Node {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Node {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

impl Engine {
    fn start(via: Via) -> Self {
        match via {
            Via::Redis => Self::Redis(Redis::start()),
            Via::Nats => Self::Nats(Nats::start()),
        }
    }

    fn scheme(&self) -> &'static str {
        match self {
            Self::Redis(_) => "redis",
            Self::Nats(_) => "nats",
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Redis(redis) => redis.address(),
            Self::Nats(nats) => nats.address(),
        }
    }

    /// Kills it.
    pub fn stop(&mut self) {
        match self {
            Self::Redis(redis) => redis.stop(),
            Self::Nats(nats) => nats.stop(),
        }
    }

    /// Starts it again, at the same place.
    pub fn start_again(&mut self) {
        match self {
            Self::Redis(redis) => redis.start_again(),
            Self::Nats(nats) => nats.start_again(),
        }
    }
}

/// The number of an app without webhooks, by which nodes are seen to know each other.
const STAGEHAND: u32 = 99;

/// Host and port of a URL.
fn address_of(url: &str) -> String {
    let (_, rest) = url.split_once('@').unwrap();
    rest.split('/').next().unwrap().to_owned()
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
