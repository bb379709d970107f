//! Health, metrics and what is logged.

use std::time::Duration;

use bellwire_testkit::{App, Config, Proxy, Request};
use serde_json::json;

use super::{Engines, becomes, cluster, metric, node, ready};
use crate::support::{eventually, serve};

#[test]
fn a_node_alone_says_nothing_of_a_cluster() {
    let server = serve(Config::with(App::new(1)).setting("admin_listen = \"{admin}\""));
    assert_eq!(ready(&server), json!({ "ready": true, "webhooks": { "durable": true } }));
    // The next round of figures.
    eventually("figures", || metric(&server, "bellwire_channels").is_some());
    for name in ["bellwire_cluster_nodes", "bellwire_bus_up", "bellwire_bus_published_total"] {
        assert_eq!(metric(&server, name), None);
    }
    let cluster = cluster(&server);
    assert_eq!(cluster["is_cluster"], false);
    assert_eq!((&cluster["state"], &cluster["bus"]), (&json!("well"), &json!(null)));
    let [only] = &cluster["nodes"].as_array().unwrap()[..] else { panic!("{cluster}") };
    assert_eq!(only["id"], cluster["answered_by"]);
    assert_eq!((&only["has_desk"], &only["lease_left_ms"]), (&json!(true), &json!(null)));
}

#[test]
fn a_node_without_its_bus_is_ready_but_degraded_and_says_so_once() {
    let mut engines = Engines::start();
    let node = engines.node("one");
    becomes(&node, &[]);
    eventually("up", || metric(&node, "bellwire_bus_up") == Some(1.0));
    engines.redis.stop();
    becomes(&node, &["bus_down"]);
    eventually("down", || metric(&node, "bellwire_bus_up") == Some(0.0));
    let told = cluster(&node);
    assert_eq!((&told["state"], &told["bus"]["is_up"]), (&json!("degraded"), &json!(false)));
    assert_eq!(told["reasons"][0]["reason"], "bus_down");
    assert!(told["reasons"][0]["meaning"].as_str().unwrap().contains("clients of the node"));
    // Its own clients are served.
    let mut client = node.connect();
    client.send(r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#);
    client.expect_on("pusher_internal:subscription_succeeded", "news");
    node.api().publish("news", "hello", "{}");
    client.expect_on("hello", "news");
    engines.redis.start_again();
    becomes(&node, &[]);
    eventually("said", || node.stderr().contains("the bus is back"));
    let log = node.stderr();
    assert_eq!(log.matches("the bus is down").count(), 1, "{log}");
    assert_eq!(log.matches("the bus is back").count(), 1, "{log}");
    eventually("counted", || metric(&node, "bellwire_bus_reconnects_total") >= Some(1.0));
}

#[test]
fn a_node_without_its_database_is_ready_but_degraded() {
    let engines = Engines::start();
    let url = engines.database.url();
    let (_, at) = url.split_once('@').unwrap();
    let (address, name) = at.split_once('/').unwrap();
    let line = Proxy::to(address.parse().unwrap());
    let node =
        node("one", &format!("postgres://bellwire@{}/{name}", line.address()), &engines.redis);
    becomes(&node, &[]);
    eventually("up", || metric(&node, "bellwire_cluster_database_up") == Some(1.0));
    let apps =
        || node.http(&Request::get("/management/v1/apps").header("Authorization", "Bearer x"));
    assert_eq!(apps().status, 401);
    line.cut();
    becomes(&node, &["database_down"]);
    let refused = apps();
    assert_eq!((refused.status, refused.header("Retry-After")), (503, Some("1")));
    let detail = refused.json()["detail"].clone();
    assert!(detail.as_str().unwrap().starts_with("The database does not answer"), "{detail}");
    eventually("down", || metric(&node, "bellwire_cluster_database_up") == Some(0.0));
    eventually("lease", || metric(&node, "bellwire_cluster_lease") == Some(0.0));
    line.restore();
    becomes(&node, &[]);
    eventually("lease", || metric(&node, "bellwire_cluster_lease") == Some(1.0));
}

#[test]
fn nodes_see_each_other_and_one_of_them_has_the_desk() {
    let engines = Engines::start();
    let nodes = [engines.node("one"), engines.node("two")];
    for node in &nodes {
        eventually("both", || metric(node, "bellwire_cluster_nodes") == Some(2.0));
        eventually("neighbours", || metric(node, "bellwire_cluster_neighbours") == Some(1.0));
        eventually("whole", || metric(node, "bellwire_cluster_whole") == Some(1.0));
    }
    let desk = |node| metric(node, "bellwire_cluster_desk").unwrap_or_default();
    let desks = || nodes.iter().map(desk).sum::<f64>();
    eventually("one desk", || desks() == 1.0);
    eventually("all know it", || {
        nodes.iter().all(|node| {
            let told = cluster(node);
            let nodes = told["nodes"].as_array().unwrap();
            let names = nodes.iter().map(|node| node["name"].as_str().unwrap());
            assert_eq!(names.collect::<Vec<_>>(), ["one", "two"]);
            nodes.iter().filter(|node| node["has_desk"] == true).count() == 1
        })
    });
    let mut client = nodes[0].connect();
    client.send(r#"{"event":"pusher:subscribe","data":{"channel":"news"}}"#);
    client.expect_on("pusher_internal:subscription_succeeded", "news");
    nodes[1].api().publish("news", "hello", "{}");
    client.expect_on("hello", "news");
    eventually("counted", || metric(&nodes[1], "bellwire_bus_published_total") >= Some(1.0));
    eventually("counted", || metric(&nodes[0], "bellwire_bus_received_total") >= Some(1.0));
    assert_eq!(metric(&nodes[0], "bellwire_bus_lost_total"), Some(0.0));
}

#[test]
fn what_the_libraries_of_the_engines_say_is_not_in_the_log() {
    let engines = Engines::start();
    let node = engines.node("one");
    becomes(&node, &[]);
    // Which the server says to each of them, and the library tells.
    assert!(engines.database.cut_connections() > 0);
    std::thread::sleep(Duration::from_millis(500));
    becomes(&node, &[]);
    let log = node.stderr();
    for library in ["postgres", "tokio_postgres", "async_nats"] {
        let words = format!("\"target\":\"{library}");
        assert!(!log.contains(&words), "{library}: {log}");
    }
}
