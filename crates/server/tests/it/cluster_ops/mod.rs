//! What an operator of a cluster asks for: health, metrics, the nodes, and the commands beside them.

mod commands;
mod first;
mod health;

use bellwire_testkit::postgres::{Database, Postgres};
use bellwire_testkit::redis::Redis;
use bellwire_testkit::{App, Config, Connection, Request, Server};
use serde_json::{Value, json};

use crate::cli::run;
use crate::support::{eventually, serve};

/// The engines of a cluster.
struct Engines {
    database: Database<'static>,
    redis: Redis,
}

/// How long the lease of these nodes is.
const LEASE_MS: u32 = 2_000;

impl Engines {
    fn start() -> Self {
        Self { database: Postgres::shared().database(), redis: Redis::start() }
    }

    /// A node of the cluster.
    #[track_caller]
    fn node(&self, name: &str) -> Server {
        node(name, &self.database.url(), &self.redis)
    }

    /// The URL of the database, with a password that nobody may see.
    fn url_with_password(&self) -> String {
        self.database.url().replace("bellwire@", &format!("bellwire:{PASSWORD}@"))
    }
}

/// Everybody is let in, so any will do.
const PASSWORD: &str = "hunter2secret";

#[track_caller]
fn node(name: &str, database: &str, redis: &Redis) -> Server {
    node_with(Config::with(App::new(1)), name, database, redis)
}

#[track_caller]
fn node_with(config: Config, name: &str, database: &str, redis: &Redis) -> Server {
    let bus = format!("redis://{}", redis.address());
    let config = config
        .setting("admin_listen = \"{admin}\"")
        .setting("log_format = \"json\"")
        .setting("drain_window_s = 0")
        .setting(&format!("database = {database:?}"))
        .setting(&format!("[cluster]\nbus = {bus:?}"))
        .setting(&format!("node_name = {name:?}"))
        .setting(&format!("node_lease_ms = {LEASE_MS}"));
    serve(config)
}

fn ready(server: &Server) -> Value {
    let answer = server.http(&Request::get("/ready"));
    // Clients are served, whatever else is wrong.
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Waits until a node is degraded for these reasons, or well for none.
#[track_caller]
fn becomes(server: &Server, reasons: &[&str]) {
    let state = if reasons.is_empty() { "well" } else { "degraded" };
    eventually(&format!("{state} {reasons:?}"), || {
        let ready = ready(server);
        ready["state"] == state && ready["reasons"] == json!(reasons)
    });
}

/// The value of a metric, if it is there.
fn metric(server: &Server, name: &str) -> Option<f64> {
    let text = Connection::open(server.admin()).exchange(&Request::get("/metrics"));
    let line = text.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// What the management API says of the nodes.
fn cluster(server: &Server) -> Value {
    let made = run(server, &["tokens", "create", "--json"]).json();
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    let request = Request::get("/management/v1/cluster").header("Authorization", &bearer);
    server.http(&request).ok()
}
