//! `bellwire subscribe`: what it prints, how it ends, and that it comes back.

use std::io::{BufRead as _, BufReader, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use bellwire_testkit::{App, Config, PATIENCE, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{address, ask, command};
use crate::support::{featured, serve, serve_app, server};

/// A `subscribe` that runs.
struct Listener {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Listener {
    /// Starts against the server, in its folder.
    fn start(server: &Server, args: &[&str]) -> Self {
        Self::start_at(server, &address(server), args)
    }

    fn start_at(server: &Server, host: &str, args: &[&str]) -> Self {
        let args = [&["subscribe", "--host", host], args].concat();
        let mut child = command(server.dir(), &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { child, out: lines(out), err: lines(err) }
    }

    /// The next line of its result.
    #[track_caller]
    fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).expect("no line came")
    }

    /// The next message of its result.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Waits for a note with these words.
    #[track_caller]
    fn note(&self, words: &str) -> String {
        loop {
            let line = self.err.recv_timeout(PATIENCE).expect(words);
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ends it with a signal; its exit code, and whatever it had printed beyond what was read.
    fn end(mut self, signal: Signal) -> (i32, Vec<String>) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let status = self.child.wait().unwrap();
        (status.code().unwrap(), self.out.iter().collect())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

// contract: 4.6, 3.7
#[test]
fn events_come_one_a_line_until_ctrl_c_ends_it_well() {
    let server = server();
    for signal in [Signal::INT, Signal::TERM] {
        let listener = Listener::start(&server, &["a", "b"]);
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
    let listener = Listener::start(&server, &["a", "--json"]);
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
    let listener = Listener::start(&server, &args);
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
    let listener = Listener::start(&server, &["private-a", "--insecure"]);
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
    let listener = Listener::start_at(&server, &relay.address, &["a", "private-b"]);
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
    let listener = Listener::start(&server, &["a"]);
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
