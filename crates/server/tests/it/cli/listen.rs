//! `bellwire listen`: what it prints of hand-made webhooks, how it answers, and how it ends.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bellwire_testkit::{Connection, Request, Response, Target, hmac_hex};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::running::Running;
use super::{run, run_in};
use crate::support::server;

/// A receiver and its address.
pub(crate) struct Listening {
    pub(super) running: Running,
    pub(super) address: SocketAddr,
}

impl Listening {
    /// A receiver in this folder, on a port of its own.
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        let running = Running::start(folder, &[&["listen", "--port", "0"], args].concat());
        let told = running.note("listening on http://");
        let (_, rest) = told.split_once("http://").unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        Self { running, address: address.parse().unwrap() }
    }

    /// One that knows the secret of key `k`, in a folder without a server.
    fn alone(args: &[&str]) -> Self {
        let known = ["--app-secret", "k=geheim", "--data-dir", "missing"];
        Self::start(&std::env::temp_dir(), &[&known, args].concat())
    }

    /// Waits for a note with these words.
    #[track_caller]
    pub(crate) fn note(&self, words: &str) -> String {
        self.running.note(words)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn send(&self, request: &Request) -> Response {
        Connection::open(Target { addr: self.address, tls: false }).exchange(request)
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

fn body(time_ms: u64) -> String {
    format!(r#"{{"time_ms":{time_ms},"events":[{{"name":"channel_occupied","channel":"a"}}]}}"#)
}

/// A POST with this body, signed with the secret of key `k`.
fn signed(body: &str) -> Request {
    Request::new("POST", "/")
        .header("X-Pusher-Key", "k")
        .header("X-Pusher-Signature", &hmac_hex("geheim", body))
        .body(body)
}

/// A webhook of now with this id and these places.
fn webhook(id: &str, sequence: u64, previous: u64) -> Request {
    signed(&body(now_ms()))
        .header("Webhook-Id", id)
        .header("X-Bellwire-Sequence", &sequence.to_string())
        .header("X-Bellwire-Previous-Sequence", &previous.to_string())
}

#[test]
fn a_webhook_is_printed_with_its_checks_and_each_event_until_ctrl_c() {
    for signal in [Signal::INT, Signal::TERM] {
        let listening = Listening::alone(&[]);
        let add = listening.running.note("to add it: ");
        assert!(add.contains(&format!("webhooks add APP_ID {}", listening.url())), "{add}");
        assert_eq!(listening.send(&webhook("msg_1", 5, 0)).status, 204);
        let first = listening.running.line();
        assert!(first.ends_with("Z  msg_1  sequence 5  answered 204"), "{first}");
        let checks = listening.running.line();
        assert!(checks.starts_with("  ✓ X-Pusher-Signature valid (key k)   – "), "{checks}");
        assert!(checks.ends_with(" old   ✓ sequence 5 follows nothing"), "{checks}");
        assert_eq!(listening.running.line(), "    channel_occupied  a");
        assert_eq!(listening.running.end(signal), (0, Vec::new()));
    }
}

#[test]
fn the_end_tells_what_came_in_all() {
    let listening = Listening::alone(&[]);
    for (id, sequence, previous) in [("a", 1, 0), ("a", 1, 0), ("b", 9, 4)] {
        listening.send(&webhook(id, sequence, previous));
    }
    listening.send(&signed("{}"));
    let Listening { running, .. } = listening;
    let told = running.end_with_note(Signal::INT, "webhook(s)");
    assert_eq!(
        told,
        "4 webhook(s) with 3 event(s): 1 duplicate(s), 1 after something missing, 1 wrong or too old"
    );
}

#[test]
fn what_is_not_right_is_said_in_words() {
    let listening = Listening::alone(&["--json"]);
    let stale = body(now_ms() - 301_000);
    let good = body(now_ms());
    let upper = hmac_hex("geheim", &good).to_uppercase();
    let bare = || Request::new("POST", "/").body(good.clone());
    let key = |key| bare().header("X-Pusher-Key", key);
    for (request, pusher, age) in [
        (signed(&good), "valid", "fresh"),
        (key("k").header("X-Pusher-Signature", &upper), "wrong", "fresh"),
        (key("other").header("X-Pusher-Signature", "00"), "unchecked", "fresh"),
        (bare(), "missing", "fresh"),
        (signed(&stale), "valid", "stale"),
        (signed("{\"events\":[]}"), "valid", "missing"),
        (signed("\u{1b}[31m no JSON"), "valid", "missing"),
    ] {
        assert_eq!(listening.send(&request).status, 204);
        let came = listening.running.json();
        assert_eq!(
            (&came["pusher_signature"], &came["age"]),
            (&json!(pusher), &json!(age)),
            "{came}"
        );
        assert_eq!(came["standard_signature"], "missing");
    }
}

#[test]
fn a_standard_signature_is_checked_with_the_secret_that_is_given() {
    // The example of the specification of Standard Webhooks.
    let example = Request::new("POST", "/hook?x=1")
        .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
        .header("webhook-timestamp", "1614265330")
        .header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        .body(r#"{"test": 2432232314}"#);
    for (secret, word) in [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "stale"),
        ("whsec_AAKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "wrong"),
    ] {
        let listening = Listening::alone(&["--json", "--signing-secret", secret]);
        listening.send(&example);
        let came = listening.running.json();
        assert_eq!((&came["standard_signature"], &came["path"]), (&json!(word), &json!("/hook")));
    }
}

#[test]
fn duplicates_and_what_is_missing_are_marked() {
    let listening = Listening::alone(&["--json"]);
    let came = |request: &Request| -> [Value; 2] {
        listening.send(request);
        let came = listening.running.json();
        [came["duplicate"].clone(), came["order"].clone()]
    };
    assert_eq!(came(&webhook("a", 10, 0)), [json!(false), json!("first")]);
    assert_eq!(came(&webhook("b", 12, 10)), [json!(false), json!("follows")]);
    assert_eq!(came(&webhook("b", 12, 10)), [json!(true), json!("follows")]);
    assert_eq!(came(&webhook("c", 20, 15)), [json!(false), json!("missing")]);
    assert_eq!(came(&webhook("d", 21, 3)), [json!(false), json!("before_start")]);
    let gap = webhook("e", 30, 25).header("X-Bellwire-Gap", "22-25;count=2");
    assert_eq!(came(&gap), [json!(false), json!("follows")]);
    let replay = webhook("a", 10, 0).header("X-Bellwire-Replay", "rpl_1");
    assert_eq!(came(&replay), [json!(true), json!("replay")]);
}

#[test]
fn a_refused_webhook_that_comes_again_is_no_duplicate() {
    let listening = Listening::alone(&["--status", "503", "--first", "2", "--json"]);
    for (status, duplicate) in [(503, false), (503, false), (204, false), (204, true)] {
        assert_eq!(listening.send(&webhook("a", 1, 0)).status, status);
        let came = listening.running.json();
        assert_eq!((&came["answered"], &came["duplicate"]), (&json!(status), &json!(duplicate)));
    }
    let always = Listening::alone(&["--status", "410"]);
    for _ in 0..3 {
        assert_eq!(always.send(&webhook("a", 1, 0)).status, 410);
    }
}

#[test]
fn an_answer_can_be_late() {
    let listening = Listening::alone(&["--delay", "300ms"]);
    let asked = Instant::now();
    assert_eq!(listening.send(&webhook("a", 1, 0)).status, 204);
    assert!(asked.elapsed() >= Duration::from_millis(300));
    assert!(listening.running.line().ends_with("answered 204 after 300 ms"));
}

#[test]
fn text_of_others_cannot_steer_the_terminal() {
    let listening = Listening::alone(&[]);
    let events = "{\"time_ms\":1,\"events\":[{\"name\":\"\\u001b[31m\",\"channel\":\"a\\nb\"}]}";
    listening.send(&signed(events).header("Webhook-Id", "a\tb"));
    let lines: Vec<String> = (0..3).map(|_| listening.running.line()).collect();
    assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{lines:?}");
    assert_eq!(lines[2], "    \\u{1b}[31m  a\\nb");
}

#[test]
fn only_posts_of_a_fair_size_are_taken() {
    let listening = Listening::alone(&["--json"]);
    let get = listening.send(&Request::get("/"));
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    // The declared length decides before the body has come.
    let large = Request::new("POST", "/").header("Content-Length", "999999999");
    assert_eq!(listening.send(&large).status, 413);
    listening.running.note("refused a POST of more than");
    listening.send(&webhook("a", 1, 0));
    assert_eq!(listening.running.json()["id"], "a");
}

#[test]
fn a_wrong_line_or_a_taken_port_is_told() {
    let here = std::env::temp_dir();
    for (args, words) in [
        (&["--first", "3"][..], "--status"),
        (&["--status", "99"], "200..=599"),
        (&["--delay", "2"], "500ms or 2s"),
        (&["--app-secret", "k"], "KEY=SECRET"),
        (&["--signing-secret", "geheim"], "whsec_"),
        (&["--address", "localhost"], "IP address"),
        (&["--port", "70000"], "--port"),
    ] {
        run_in(&here, &[&["listen"], args].concat()).fails(2, &[words]);
    }
    let listening = Listening::alone(&[]);
    let port = listening.address.port().to_string();
    run_in(&here, &["listen", "--port", &port, "--data-dir", "missing"])
        .fails(1, &["cannot listen on 127.0.0.1", "--port"]);
}

#[test]
fn the_secrets_of_a_server_here_are_found_even_if_they_are_made_later() {
    let server = server();
    let listening = Listening::start(server.dir(), &["--json"]);
    listening.running.note("webhooks add 1001 http://");
    let sent = |key: &str, secret: &str| {
        let body = body(now_ms());
        let request = Request::new("POST", "/")
            .header("X-Pusher-Key", key)
            .header("X-Pusher-Signature", &hmac_hex(secret, &body))
            .body(body);
        listening.send(&request);
        listening.running.json()["pusher_signature"].clone()
    };
    assert_eq!(sent("key-1", "secret-1"), "valid");
    assert_eq!(sent("key-1", "secret-2"), "wrong");
    assert_eq!(sent("key-2", "secret-2"), "unchecked");
    let create = ["apps", "create", "--key", "key-2", "--secret", "secret-2"];
    run(&server, &create).ok();
    assert_eq!(sent("key-2", "secret-2"), "valid");
}
