//! A server with a database and no bus: it may be the only one there.

use bellwire_testkit::postgres::Postgres;
use bellwire_testkit::{App, Config, Server};

use crate::support::{binary, eventually, serve};

#[test]
fn a_second_node_without_a_bus_is_refused_and_told_what_is_missing() {
    let database = Postgres::shared().database().url();
    let config = |name: &str| {
        let config = Config::with(App::new(1)).setting(&format!("database = {database:?}"));
        config.setting(&format!("[cluster]\nnode_name = {name:?}"))
    };
    let mut first = serve(config("first"));
    let toml = config("second").to_toml("{listen}", "127.0.0.1:0", "{dir}");
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
    drop(serve(config("third")));
}
