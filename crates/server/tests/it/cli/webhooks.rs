//! `bellwire webhooks` beside a running server, with `bellwire listen` or the test kit's receiver.

mod deliveries;
mod endpoints;
mod replays;

use bellwire_testkit::{App, Client, Config, Hook, Server};
use serde_json::Value;

use super::{run, run_in};
use crate::support::{eventually, serve};

/// A server with one app and a short grace.
fn server() -> Server {
    serve(config())
}

fn config() -> Config {
    Config::with(App::new(1)).webhooks("grace_ms = 300").webhooks("retry_window_ms = 1000")
}

/// An endpoint, once the server knows it: the answer of `add`.
#[track_caller]
fn added(server: &Server, url: &str, args: &[&str]) -> Value {
    let args = [&["webhooks", "add", "1001", url, "--json"], args].concat();
    let made = run(server, &args).json();
    known(server, id_of(&made));
    made
}

fn id_of(json: &Value) -> &str {
    json["id"].as_str().unwrap()
}

/// Waits until the server has the latest of an endpoint: it takes up changes in their order.
#[track_caller]
fn known(server: &Server, id: &str) {
    run(server, &["webhooks", "test", id, "--wait"]).ok();
}

/// A client that has occupied a channel; the event has come to the hook.
#[track_caller]
fn occupied(server: &Server, hook: &Hook, channel: &str) -> Client {
    let mut client = server.connect();
    client.subscribe(channel);
    hook.expect_event("channel_occupied", channel);
    client
}

/// The deliveries that these flags select, newest first.
#[track_caller]
fn deliveries(server: &Server, args: &[&str]) -> Vec<Value> {
    let args = [&["webhooks", "deliveries", "1001", "--json"], args].concat();
    match run(server, &args).json() {
        Value::Array(deliveries) => deliveries,
        other => panic!("no list: {other}"),
    }
}

/// Waits for a delivery that these flags select.
#[track_caller]
fn delivery(server: &Server, args: &[&str]) -> Value {
    eventually(&format!("a delivery {args:?}"), || !deliveries(server, args).is_empty());
    deliveries(server, args).remove(0)
}

/// Waits for a delivery of this channel that was given up.
#[track_caller]
fn failed(server: &Server, channel: &str) -> Value {
    delivery(server, &["--status", "failed", "--channel", channel])
}

#[test]
fn what_is_not_there_is_code_3() {
    let server = server();
    for (args, words) in [
        (&["add", "9", "http://127.0.0.1:9000/"][..], "there is no app 9"),
        (&["list", "9"], "there is no app 9"),
        (&["deliveries", "9"], "there is no app 9"),
        (&["deliveries", "--endpoint", "ep_0"], "webhooks list"),
        (&["gaps", "9"], "there is no app 9"),
        (&["snapshot", "9"], "there is no app 9"),
        (&["set", "ep_0", "--enable"], "there is no endpoint ep_0"),
        (&["remove", "ep_0", "--yes"], "there is no endpoint ep_0"),
        (&["test", "ep_0"], "there is no endpoint ep_0"),
        (&["rotate-secret", "ep_0"], "there is no endpoint ep_0"),
        (&["show", "ep_0"], "there is no endpoint ep_0"),
        (&["show", "msg_0000000000000001"], "there is no delivery msg_0000000000000001"),
        (&["replay", "msg_0000000000000001"], "keep_failed_hours"),
        (&["replay", "--endpoint", "ep_0", "--failed"], "there is no endpoint ep_0"),
        (&["replay", "--cancel", "rpl_0000000000000001"], "webhooks replays"),
    ] {
        run(&server, &[&["webhooks"], args].concat()).fails(3, &[words]);
    }
    let empty = server.dir().join("empty");
    std::fs::create_dir(&empty).unwrap();
    for args in [&["list"][..], &["verify"], &["deliveries"], &["replays"]] {
        let args = [&["webhooks"], args].concat();
        run_in(&empty, &args).fails(3, &["no Bellwire database in ./bellwire-data", "--data-dir"]);
    }
}
