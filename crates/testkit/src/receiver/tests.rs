use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::rules::is_title_case;
use super::{Answer, DeadPort, DeadTargets, Deaf, Delivery, Gap, Gate, Given, Receiver, View};
use crate::{Connection, Request, Response, hmac_hex};

const SECRET: &str = "secret-1";

/// A raw sender on one connection.
struct Sender(Connection<TcpStream>);

impl Sender {
    fn to(receiver: &Receiver) -> Self {
        Self(Connection::over(TcpStream::connect(receiver.addr).unwrap()))
    }

    fn post(&mut self, path: &str, body: &str) -> Response {
        self.0.exchange(&Request::new("POST", path).body(body))
    }
}

/// A request as the server would send it.
struct Webhook {
    id: String,
    sequence: u64,
    previous: u64,
    gap: Option<&'static str>,
    body: String,
}

impl Webhook {
    fn new(sequence: u64, previous: u64, events: &Value) -> Self {
        let body = format!("{{\"time_ms\":1700000000000,\"events\":{events}}}");
        Self { id: format!("msg_{sequence}"), sequence, previous, gap: None, body }
    }

    fn request(&self) -> Request {
        let request = Request::new("POST", "/hook")
            .header("Content-Type", "application/json")
            .header("X-Pusher-Key", "key-1")
            .header("X-Pusher-Signature", &hmac_hex(SECRET, &self.body))
            .header("Webhook-Id", &self.id)
            .header("Webhook-Timestamp", "1700000000")
            .header("Webhook-Signature", "v1,AAAA")
            .header("X-Bellwire-Attempt", "1")
            .header("X-Bellwire-Sequence", &self.sequence.to_string())
            .header("X-Bellwire-Previous-Sequence", &self.previous.to_string())
            .body(self.body.as_bytes());
        match self.gap {
            Some(gap) => request.header("X-Bellwire-Gap", gap),
            None => request,
        }
    }

    fn send(&self, receiver: &Receiver) -> Delivery {
        assert_eq!(Sender::to(receiver).0.exchange(&self.request()).status, 200);
        receiver.deliveries().pop().unwrap()
    }
}

fn occupied(channel: &str) -> Value {
    json!({ "name": "channel_occupied", "channel": channel })
}

fn vacated(channel: &str) -> Value {
    json!({ "name": "channel_vacated", "channel": channel })
}

fn member(name: &str, channel: &str, user: &str) -> Value {
    json!({ "name": name, "channel": channel, "user_id": user })
}

#[test]
fn a_request_is_kept_as_it_stands_on_the_wire() {
    let receiver = Receiver::start();
    let mut stream = TcpStream::connect(receiver.addr).unwrap();
    stream
        .write_all(b"POST /a?b=1 HTTP/1.1\r\nhost: x\r\nX-ODD-case:  1 \r\ncontent-length: 3\r\n\r\n\x00\xff{")
        .unwrap();
    let kept = receiver.hook("/a").expect_requests(1).remove(0);
    assert_eq!(kept.request_line(), "POST /a?b=1 HTTP/1.1");
    assert_eq!((kept.method(), kept.path(), kept.path_and_query()), ("POST", "/a", "/a?b=1"));
    assert_eq!(kept.headers()[1], ("X-ODD-case", "1"));
    assert!(kept.head.ends_with(b"content-length: 3\r\n\r\n"));
    assert_eq!(&*kept.body, b"\x00\xff{");
    assert!(kept.events().is_empty());
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert_eq!(receiver.deliveries()[0].given, Given::Status(200));
}

#[test]
fn a_chunked_body_is_put_together() {
    let receiver = Receiver::start();
    let request = Request::new("POST", "/").header("Transfer-Encoding", "chunked");
    let mut sender = Sender::to(&receiver);
    sender.0.write(&request.body("3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n").to_bytes()).unwrap();
    assert_eq!(sender.0.response().unwrap().status, 200);
    assert_eq!(&*receiver.deliveries()[0].body, b"abcd");
}

#[test]
fn the_queue_is_answered_first_and_each_path_has_its_own() {
    let receiver = Receiver::start();
    let hook = receiver.hook("/a");
    hook.times(2, &Answer::status(503)).then(Answer::retry_after(429, 7).body("slow down"));
    hook.always(Answer::status(204));
    let mut sender = Sender::to(&receiver);
    let answers: Vec<Response> = (0..5).map(|_| sender.post("/a", "{}")).collect();
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [503, 503, 429, 204, 204]);
    assert_eq!(answers[2].header("Retry-After"), Some("7"));
    assert_eq!(answers[2].text(), "slow down");
    assert_eq!(sender.post("/b", "{}").status, 200);
    assert_eq!(receiver.connections(), 1);
}

#[test]
fn a_decision_sees_the_request() {
    let receiver = Receiver::start();
    receiver.hook("/").decide(|request| match request.text().contains("bad") {
        true => Answer::status(400),
        false => Answer::redirect("http://elsewhere/"),
    });
    let mut sender = Sender::to(&receiver);
    assert_eq!(sender.post("/", "a bad one").status, 400);
    let redirect = sender.post("/", "a good one");
    assert_eq!((redirect.status, redirect.header("Location")), (302, Some("http://elsewhere/")));
}

#[test]
fn a_held_request_waits_for_its_gate_and_is_not_accepted_before() {
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let gate = hook.hold();
    let mut sender = Sender::to(&receiver);
    sender.0.write(&Webhook::new(1, 0, &json!([occupied("a")])).request().to_bytes()).unwrap();
    gate.expect_waiting(1);
    assert!(hook.accepted().is_empty());
    assert_eq!(hook.requests()[0].given, Given::Nothing);
    gate.open();
    assert_eq!(sender.0.response().unwrap().status, 200);
    hook.expect_event("channel_occupied", "a");
    assert_eq!(gate.waiting(), 0);
}

#[test]
fn a_gate_lets_go_when_the_receiver_ends() {
    let receiver = Receiver::start();
    let gate = Gate::closed();
    receiver.hook("/").always(Answer::ok().behind(&gate));
    let mut sender = Sender::to(&receiver);
    sender.0.write(&Request::new("POST", "/").to_bytes()).unwrap();
    gate.expect_waiting(1);
    drop(receiver);
    assert!(sender.0.response().is_err());
}

#[test]
fn answers_that_are_none() {
    let receiver = Receiver::start();
    for (answer, kind) in [
        (Answer::reset(), std::io::ErrorKind::ConnectionReset),
        (Answer::close(), std::io::ErrorKind::UnexpectedEof),
        (Answer::garbage(), std::io::ErrorKind::InvalidData),
    ] {
        receiver.hook("/").then(answer);
        let error = Sender::to(&receiver).0.try_exchange(&Request::new("POST", "/")).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(Sender::to(&receiver).post("/", "").status, 200);
    receiver.expect_nobody();
}

#[test]
fn answers_that_do_not_end() {
    let receiver = Receiver::start();
    let drip = Duration::from_millis(1);
    let read = |answer: Answer, bytes: usize| {
        receiver.hook("/").then(answer);
        let mut stream = TcpStream::connect(receiver.addr).unwrap();
        stream.write_all(&Request::new("POST", "/").to_bytes()).unwrap();
        let mut answer = vec![0; bytes];
        stream.read_exact(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    };
    assert!(!read(Answer::slow_head(drip), 60).contains("\r\n\r\n"));
    assert!(read(Answer::slow_body(drip), 60).contains("Content-Length: 1000000\r\n\r\nxxx"));
    assert!(read(Answer::endless_body(), 1 << 20).contains("\r\n10000\r\n"));
    assert!(read(Answer::long_body(100_000_000), 1 << 20).contains("Content-Length: 100000000"));
    receiver.expect_nobody();
}

#[test]
fn a_black_hole_says_nothing_and_stays() {
    let receiver = Receiver::start();
    receiver.hook("/").then(Answer::silence());
    let mut stream = TcpStream::connect(receiver.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    stream.write_all(&Request::new("POST", "/").to_bytes()).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock), "{error}");
    drop(stream);
    receiver.expect_nobody();
}

#[test]
fn a_delay_is_kept() {
    let receiver = Receiver::start();
    receiver.hook("/").then(Answer::ok().after(Duration::from_millis(200)));
    let asked = Instant::now();
    Sender::to(&receiver).post("/", "");
    assert!(asked.elapsed() >= Duration::from_millis(200));
}

#[test]
fn tls_shows_a_certificate_of_the_authority() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    let receiver = Receiver::start_tls();
    assert!(receiver.url("/").starts_with("https://127.0.0.1:"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(Receiver::ca_file()).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    for name in ["127.0.0.1", "localhost"] {
        let name = ServerName::try_from(name).unwrap();
        let session = rustls::ClientConnection::new(std::sync::Arc::new(config.clone()), name);
        let tcp = TcpStream::connect(receiver.addr).unwrap();
        let tls = rustls::StreamOwned::new(session.unwrap(), tcp);
        let response = Connection::over(tls).exchange(&Request::new("POST", "/").body("{}"));
        assert_eq!(response.status, 200);
    }
}

#[test]
fn a_dead_port_refuses_until_it_is_revived() {
    let port = DeadPort::take();
    let url = port.url("/");
    let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let error = TcpStream::connect(&address).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let receiver = port.revive();
    assert_eq!(receiver.url("/"), url);
    assert_eq!(Sender::to(&receiver).post("/", "").status, 200);
}

#[test]
fn the_deaf_take_a_connection_or_none_and_say_nothing() {
    let soon = Duration::from_millis(500);
    let connect = |deaf: &Deaf| {
        let address = deaf.url("").trim_start_matches("http://").parse().unwrap();
        TcpStream::connect_timeout(&address, soon)
    };
    let mut stream = connect(&Deaf::never_accepts()).unwrap();
    stream.set_read_timeout(Some(soon)).unwrap();
    assert!(stream.read(&mut [0]).is_err());
    let full = Deaf::full();
    assert!(connect(&full).is_err());
}

#[test]
fn dead_targets_are_of_every_kind_and_none_accepts_anything() {
    let targets = DeadTargets::start(70);
    assert_eq!(targets.urls().len(), 70);
    let mut kinds = std::collections::BTreeSet::new();
    for url in &targets.urls()[..7] {
        let (address, path) = url["http://".len()..].split_once('/').unwrap();
        let timeout = Duration::from_millis(300);
        let Ok(stream) = TcpStream::connect_timeout(&address.parse().unwrap(), timeout) else {
            kinds.insert("no connection".to_owned());
            continue;
        };
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut connection = Connection::over(stream);
        let request = Request::new("POST", &format!("/{path}")).body("{}");
        let kind = match connection.write(&request.to_bytes()).and_then(|()| connection.head()) {
            Ok(head) if head.status == 500 => "500".to_owned(),
            Ok(head) if head.header("Content-Length").is_some() => "drips".to_owned(),
            Ok(head) => format!("endless {:?}", head.header("Transfer-Encoding")),
            Err(e) => format!("{:?}", e.kind()),
        };
        kinds.insert(kind);
    }
    let expected = ["500", "ConnectionReset", "WouldBlock", "drips", "endless Some(\"chunked\")"];
    for kind in expected.into_iter().chain(["no connection"]) {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn signatures_are_checked_over_the_very_bytes() {
    let receiver = Receiver::start();
    let sent = Webhook::new(1, 0, &json!([occupied("a")])).send(&receiver);
    assert!(sent.verify_pusher(SECRET));
    assert!(!sent.verify_pusher("another"));
}

/// The example of the Standard Webhooks specification's own libraries.
#[test]
fn the_standard_signature_is_that_of_the_published_example() {
    let receiver = Receiver::start();
    let request = Request::new("POST", "/")
        .header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
        .header("webhook-timestamp", "1614265330")
        .header("webhook-signature", "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        .body(r#"{"test": 2432232314}"#);
    Sender::to(&receiver).0.exchange(&request);
    let sent = receiver.deliveries().remove(0);
    assert!(sent.verify_standard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    assert!(!sent.verify_standard("whsec_AAKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
}

#[test]
fn what_keeps_the_rules_passes() {
    let receiver = Receiver::start();
    let events = json!([
        occupied("presence-a"),
        member("member_added", "presence-a", "ann"),
        { "channel": "a", "name": "subscription_count", "subscription_count": 3 },
        { "name": "cache_miss", "channel": "cache-a" },
        { "name": "client_event", "channel": "private-a", "event": "client-x", "data": "{}",
          "socket_id": "1.2" },
    ]);
    Webhook::new(5, 0, &events).send(&receiver).assert_wire_rules();
    receiver.assert_wire_rules();
}

#[test]
fn what_breaks_a_rule_is_named() {
    let receiver = Receiver::start();
    let good = Webhook::new(1, 0, &json!([occupied("a")])).request();
    let without = |name: &str| {
        let mut request = good.clone();
        request.headers.retain(|(n, _)| n != name);
        request
    };
    let with_event = |event: Value| Webhook::new(1, 0, &json!([event])).request();
    let encrypted = json!([occupied("private-encrypted-a"), occupied("a")]);
    for (request, fault) in [
        (without("X-Pusher-Key"), "0 headers X-Pusher-Key"),
        (
            without("Content-Type").header("Content-Type", "application/json; charset=utf-8"),
            "charset",
        ),
        (without("X-Pusher-Key").header("x-pusher-key", "key-1"), "Title-Case"),
        (without("X-Bellwire-Sequence").header("X-Bellwire-Sequence", "0"), "0 follows 0"),
        (good.clone().body("{\"events\":[],\"time_ms\":1}"), "does not start with time_ms"),
        (good.clone().body("{\"time_ms\":1.5,\"events\":[]}"), "not time_ms and events"),
        (good.clone().body("{\"time_ms\":1,\"events\":[]}"), "0 events"),
        (with_event(json!({ "name": "channel_occupied" })), "the keys"),
        (with_event(json!({ "name": "channel_occupied", "channel": 1 })), "channel is 1"),
        (with_event(json!({ "name": "sold", "channel": "a" })), "unknown event"),
        (
            with_event(json!({ "name": "member_added", "channel": "presence-a", "user_id": 1 })),
            "user_id is 1",
        ),
        (Webhook::new(1, 0, &encrypted).request(), "encrypted channel in a POST with others"),
    ] {
        Sender::to(&receiver).0.exchange(&request);
        let delivery = receiver.deliveries().pop().unwrap();
        let found = super::rules::fault(&delivery).unwrap_or_default();
        assert!(found.contains(fault), "{fault}: {found:?}");
    }
}

#[test]
fn title_case_is_a_capital_after_each_hyphen() {
    for good in ["Host", "X-Pusher-Key", "Webhook-Id", "X-2fa"] {
        assert!(is_title_case(good), "{good}");
    }
    for bad in ["host", "X-pusher-Key", "x-Pusher", "X-PUSHER-KEY", "WebHook", "X-", ""] {
        assert!(!is_title_case(bad), "{bad}");
    }
}

#[test]
fn one_id_with_two_bodies_is_found() {
    let receiver = Receiver::start();
    let mut webhook = Webhook::new(1, 0, &json!([occupied("a")]));
    webhook.send(&receiver);
    webhook.send(&receiver);
    receiver.assert_wire_rules();
    webhook.body = webhook.body.replace("\"a\"", "\"b\"");
    webhook.send(&receiver);
    let fault = super::rules::first_fault(&receiver.deliveries()).unwrap();
    assert!(fault.contains("one id with two bodies"), "{fault}");
}

#[test]
fn events_are_those_of_accepted_requests_and_each_id_counts_once() {
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    hook.then(Answer::status(500));
    let first = Webhook::new(1, 0, &json!([occupied("a"), occupied("b")]));
    Sender::to(&receiver).0.exchange(&first.request());
    assert!(hook.events().is_empty());
    first.send(&receiver);
    first.send(&receiver);
    Webhook::new(2, 1, &json!([vacated("a")])).send(&receiver);
    assert_eq!(hook.requests().len(), 4);
    assert_eq!(hook.names_of("a"), ["channel_occupied", "channel_vacated"]);
    hook.expect_events(&[
        ("channel_occupied", "a"),
        ("channel_occupied", "b"),
        ("channel_vacated", "a"),
    ]);
    assert_eq!(hook.events_of("b"), [occupied("b")]);
    assert_eq!(hook.expect_event("channel_vacated", "a").sequence(), 2);
}

#[test]
#[should_panic = "the events of a"]
fn an_event_out_of_place_is_a_failure() {
    let receiver = Receiver::start();
    Webhook::new(1, 0, &json!([vacated("a")])).send(&receiver);
    receiver.hook("/hook").expect_names("a", &["channel_occupied", "channel_vacated"]);
}

#[test]
fn the_numbers_of_a_gap_are_read() {
    let receiver = Receiver::start();
    let mut webhook = Webhook::new(9, 3, &json!([occupied("a")]));
    assert_eq!(webhook.send(&receiver).gap(), None);
    webhook.gap = Some("4-8; count=2");
    assert_eq!(webhook.send(&receiver).gap(), Some(Gap { first: 4, last: 8 }));
}

/// Folds these requests: sequence, previous, events.
fn view_of(requests: &[(u64, u64, Value)]) -> View {
    let receiver = Receiver::start();
    for (sequence, previous, events) in requests {
        Webhook::new(*sequence, *previous, events).send(&receiver);
    }
    let mut view = View::new();
    view.catch_up(&receiver.hook("/hook"));
    view
}

#[test]
fn a_view_knows_who_is_where() {
    let view = view_of(&[
        (1, 0, json!([occupied("a"), occupied("presence-b")])),
        (3, 1, json!([member("member_added", "presence-b", "ann"), vacated("a")])),
        (4, 3, json!([member("member_added", "presence-b", "bob")])),
        (5, 4, json!([member("member_removed", "presence-b", "ann")])),
    ]);
    view.assert_sound();
    assert_eq!(view.occupied(), ["presence-b"]);
    assert_eq!(view.members("presence-b"), ["bob"]);
    assert_eq!(view.events(), 6);
}

#[test]
fn a_view_notices_every_broken_promise() {
    let added = |user: &str| member("member_added", "presence-a", user);
    for (requests, fault) in [
        (vec![(1, 0, json!([occupied("a"), occupied("a")]))], "occupied twice"),
        (vec![(1, 0, json!([vacated("a")]))], "vacated without being occupied"),
        (vec![(1, 0, json!([added("ann")]))], "a member of an empty channel"),
        (vec![(1, 0, json!([occupied("presence-a"), added("x"), added("x")]))], "added twice"),
        (
            vec![(1, 0, json!([occupied("presence-a"), added("x"), vacated("presence-a")]))],
            "vacated before its members left",
        ),
        (
            vec![(
                1,
                0,
                json!([occupied("presence-a"), member("member_removed", "presence-a", "x")]),
            )],
            "removed without being there",
        ),
        (vec![(1, 0, json!([occupied("a")])), (4, 2, json!([occupied("b")]))], "never came"),
        (
            vec![
                (1, 0, json!([occupied("a")])),
                (2, 1, json!([occupied("b")])),
                (3, 1, json!([occupied("c")])),
            ],
            "two follow the same",
        ),
    ] {
        let view = view_of(&requests);
        let found = view.violations().first().cloned().unwrap_or_default();
        assert!(found.contains(fault), "{fault}: {found:?}");
    }
}

#[test]
fn a_gap_explains_what_never_came() {
    let receiver = Receiver::start();
    Webhook::new(1, 0, &json!([occupied("a")])).send(&receiver);
    let mut late = Webhook::new(4, 3, &json!([vacated("a")]));
    late.gap = Some("2-3");
    late.send(&receiver);
    let mut view = View::new();
    view.catch_up(&receiver.hook("/hook"));
    view.assert_sound();
}

#[test]
fn after_a_crash_one_batch_of_a_lane_may_come_again() {
    let receiver = Receiver::start();
    let hook = receiver.hook("/hook");
    let (one, two, other) = (
        Webhook::new(1, 0, &json!([occupied("a")])),
        Webhook::new(2, 1, &json!([vacated("a")])),
        Webhook::new(3, 0, &json!([occupied("b")])),
    );
    let mut view = View::new();
    for webhook in [&one, &two, &other] {
        webhook.send(&receiver);
    }
    view.catch_up(&hook);
    view.crashed();
    two.send(&receiver);
    other.send(&receiver);
    view.catch_up(&hook);
    view.assert_sound();
    assert_eq!(view.duplicates(), 2);
    one.send(&receiver);
    view.catch_up(&hook);
    assert!(view.violations()[0].contains("two batches of one lane"), "{:?}", view.violations());
}
