//! A server with a database and no bus: it may be the only one there.

use bellwire_testkit::postgres::Postgres;
use bellwire_testkit::redis::Redis;
use bellwire_testkit::{App, Config, LEASE, Request, Server};
use serde_json::json;

use crate::support::{binary, eventually, serve};

fn config(database: &str, name: &str) -> Config {
    let config = Config::with(App::new(1)).setting(&format!("database = {database:?}"));
    config
        .setting(&format!("[cluster]\nnode_name = {name:?}"))
        .setting(&format!("node_lease_ms = {}", LEASE.as_millis()))
}

#[test]
fn a_second_node_without_a_bus_is_refused_and_told_what_is_missing() {
    let database = Postgres::shared().database().url();
    let mut first = serve(config(&database, "first"));
    let toml = config(&database, "second").to_toml("{listen}", "127.0.0.1:0", "{dir}");
    let refusal = Server::refused(&binary(), &toml);
    assert_eq!(refusal.code, Some(1), "{}", refusal.stderr);
    let why = format!("the node first ({}) uses this database", first.target().addr);
    assert!(refusal.stderr.contains(&why), "{}", refusal.stderr);
    assert!(refusal.stderr.contains("several nodes need [cluster] bus"), "{}", refusal.stderr);
    assert!(!refusal.stderr.contains(&database), "{}", refusal.stderr);
    // Nothing was done to the first, and there is room once it has ended.
    let mut client = first.connect();
    client.subscribe("room");
    first.api().publish("room", "tick", "");
    eventually("it is heard", || client.drain().iter().any(|frame| frame.event() == "tick"));
    first.terminate();
    assert_eq!(first.wait().code(), Some(0), "{}", first.stderr());
    drop(serve(config(&database, "third")));
}

#[test]
fn after_a_crash_a_node_without_a_bus_starts_again_when_its_lease_is_over() {
    let database = Postgres::shared().database().url();
    let mut server = serve(config(&database, "only"));
    server.crash();
    server.restart();
    server.connect().subscribe("room");
    assert!(server.stderr().contains("waiting whether this node still lives"));
}

#[test]
fn a_node_without_a_bus_says_so_when_another_comes_that_has_one() {
    let (database, redis) = (Postgres::shared().database().url(), Redis::start());
    let first = serve(config(&database, "first"));
    let state = || first.http(&Request::get("/ready")).json();
    eventually("all is well", || state()["state"] == "well");
    let bus = format!("bus = \"redis://{}\"", redis.address());
    let _second = serve(config(&database, "second").setting(&bus));
    eventually("it is not", || state()["reasons"] == json!(["no_bus"]));
}
