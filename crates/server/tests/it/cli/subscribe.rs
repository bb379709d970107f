//! `bellwire subscribe`: what it prints, how it ends, and that it comes back.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bellwire_testkit::{App, Config, PATIENCE, Server};
use rustix::process::Signal;
use serde_json::json;

use super::running::Running;
use super::{address, ask};
use crate::support::{featured, serve, serve_app, server};

/// A `subscribe` that runs against the server, in its folder.
fn listener(server: &Server, args: &[&str]) -> Running {
    listener_at(server, &address(server), args)
}

fn listener_at(server: &Server, host: &str, args: &[&str]) -> Running {
    Running::start(server.dir(), &[&["subscribe", "--host", host], args].concat())
}

// contract: 4.6, 3.7
#[test]
fn events_come_one_a_line_until_ctrl_c_ends_it_well() {
    let server = server();
    for signal in [Signal::INT, Signal::TERM] {
        let listener = listener(&server, &["a", "b"]);
        listener.note("connected to");
        listener.note("subscribed to a");
        listener.note("subscribed to b");
        server.api().publish("a", "x", "{\"n\": 1}");
        server.api().publish("b", "y", "two\nlines\u{1b}[31m");
        let first = listener.line();
        assert!(first.ends_with("Z  a  x  {\"n\": 1}"), "{first}");
        assert!(listener.line().ends_with(r"  b  y  two\nlines\u{1b}[31m"));
        assert_eq!(listener.end(signal), (0, Vec::new()));
    }
}

// contract: 4.6, 3.2
#[test]
fn programs_get_every_message_as_it_came() {
    let server = server();
    let listener = listener(&server, &["a", "--json"]);
    assert_eq!(listener.json()["event"], "pusher:connection_established");
    let succeeded = listener.json();
    assert_eq!(succeeded["event"], "pusher_internal:subscription_succeeded");
    server.api().publish("a", "x", "two\nlines");
    assert_eq!(listener.json(), json!({ "event": "x", "channel": "a", "data": "two\nlines" }));
    assert_eq!(listener.end(Signal::INT).0, 0);
}

// contract: 4.4, 5.4, 5.7, 7.1
#[test]
fn private_and_presence_channels_are_signed() {
    let server = serve_app(featured());
    let args = ["private-a", "presence-r", "--user-id", "cli", "--user-info", r#"{"name":"Zoë"}"#];
    let listener = listener(&server, &args);
    listener.note("subscribed to private-a");
    listener.note("subscribed to presence-r, 1 there: cli");
    let mut ann = server.connect();
    let succeeded = ann.join("presence-r", r#"{"user_id":"ann"}"#);
    assert_eq!(succeeded.data()["presence"]["hash"]["cli"]["name"], "Zoë");
    ann.trigger("presence-r", "client-hi", &json!({ "a": 1 }));
    let shown: Vec<String> = (0..3).map(|_| listener.line()).collect();
    let shows = |end: &str| shown.iter().any(|line| line.ends_with(end));
    assert!(shows("private-a  pusher:subscription_count  {\"subscription_count\":1}"), "{shown:?}");
    assert!(shows("presence-r  pusher:member_added  {\"user_id\":\"ann\"}"), "{shown:?}");
    assert!(shows("presence-r  client-hi  {\"a\":1}  from ann"), "{shown:?}");
}

// contract: 1.1, 4.4
#[test]
fn tls_carries_a_subscription_too() {
    let server = serve(Config::with(App::new(1)).tls());
    ask(&server, &["subscribe", "a"]).fails(5, &["certificate", "--insecure"]);
    let listener = listener(&server, &["private-a", "--insecure"]);
    listener.note("subscribed to private-a");
    server.api().publish("private-a", "x", &"long".repeat(2_000));
    assert!(listener.line().ends_with(&"long".repeat(2_000)));
}

// contract: 1.7, 1.8, 4.8
#[test]
fn what_cannot_get_better_ends_with_a_clear_error() {
    let server = serve(Config::with(App::new(1)).app(App::new(2).with("force_tls = true")));
    let key = |key| ["subscribe", "a", "--key", key];
    ask(&server, &key("nope")).fails(4, &["4001", "nope", "hint: is --key an active key"]);
    ask(&server, &key("key-2")).fails(4, &["4000", "use https://"]);
    let wrong = ["subscribe", "a", "private-a", "--key", "key-1", "--secret", "geheim"];
    let refused = ask(&server, &wrong);
    refused.fails(4, &["refused a subscription", "Invalid signature", "hint: --key"]);
    assert!(!refused.err.contains("geheim"), "{refused:?}");
}

// contract: 4.3
#[test]
fn a_wrong_line_is_told_before_anything_is_sent() {
    let server = server();
    for (args, words) in [
        (&["subscribe"][..], "<CHANNEL>"),
        (&["subscribe", "a b"], "channel name must be"),
        (&["subscribe", "presence-a"], "--user-id"),
        (&["subscribe", "a", "--user-info", "{}"], "--user-id"),
        (&["subscribe", "presence-a", "--user-id", "u", "--user-info", "[]"], "JSON object"),
    ] {
        ask(&server, args).fails(2, &[words]);
    }
    let nowhere = ["subscribe", "a", "--host", "http://127.0.0.1:1"];
    super::run(&server, &nowhere).fails(5, &["cannot be reached"]);
    let no_websocket = format!("{}/else", address(&server));
    let elsewhere = ["subscribe", "a", "--host", &no_websocket];
    super::run(&server, &elsewhere).fails(4, &["4005"]);
}

// contract: 4.14
#[test]
fn a_broken_connection_is_made_again_with_its_subscriptions() {
    let server = server();
    let relay = Relay::to(server.target().addr);
    let listener = listener_at(&server, &relay.address, &["a", "private-b"]);
    listener.note("subscribed to private-b");
    relay.cut();
    listener.note("the connection broke; trying again in 1 s");
    listener.note("subscribed to a");
    listener.note("subscribed to private-b");
    server.api().publish("private-b", "after", "{}");
    assert!(listener.line().ends_with("private-b  after  {}"));
}

// contract: 1.17, 1.18
#[test]
fn a_server_that_leaves_is_waited_for() {
    let server = server();
    let listener = listener(&server, &["a"]);
    listener.note("subscribed to a");
    server.terminate();
    listener.note("4200");
    listener.note("trying again in 2 s");
    assert_eq!(listener.end(Signal::INT), (0, Vec::new()));
}

/// Stands between client and server, and can cut the connections that go through it.
struct Relay {
    address: String,
    open: Receiver<TcpStream>,
}

impl Relay {
    fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, open): (Sender<TcpStream>, _) = channel();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(server).unwrap();
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || std::io::copy(&mut from, &mut to));
                }
                if sender.send(client).is_err() {
                    return;
                }
            }
        });
        Self { address, open }
    }

    /// Cuts the first connection that is still there.
    fn cut(&self) {
        self.open.recv_timeout(PATIENCE).unwrap().shutdown(Shutdown::Both).unwrap();
    }
}
