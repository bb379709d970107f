//! Contract B5: xhr_polling.

use bellwire_testkit::{Connection, FallbackFrame, Frame};
use serde_json::json;

use crate::fallback::{fallback, opened_by_polls, socket_id};
use crate::support::server;

// contract: B1.1, B5.1, B5.2
#[test]
fn a_whole_conversation_runs_over_polls() {
    let server = server();
    let fallback = fallback(&server);
    let opening = fallback.poll();
    assert!(matches!(opening[0], FallbackFrame::Open(_)), "{opening:?}");
    let mut heard = Vec::new();
    for frame in &opening[1..] {
        if let FallbackFrame::Messages(messages) = frame {
            heard.extend(messages.iter().cloned().map(Frame::parse));
        }
    }
    if heard.is_empty() {
        heard = fallback.poll_messages();
    }
    socket_id(&heard[0]);
    fallback.say("pusher:subscribe", &json!({ "channel": "public" }));
    let succeeded = fallback.poll_messages();
    assert_eq!(succeeded[0].event(), "pusher_internal:subscription_succeeded");
    for n in 0..3 {
        server.api().publish("public", "sold", &n.to_string());
    }
    let mut sold = Vec::new();
    while sold.len() < 3 {
        sold.extend(fallback.poll_messages());
    }
    let data: Vec<_> = sold.iter().map(Frame::data_text).collect();
    assert_eq!(data, ["0", "1", "2"]);
}

// contract: B5.1
#[test]
fn the_first_poll_ends_at_once_with_o() {
    let server = server();
    let response = Connection::open(server.target()).exchange(&fallback(&server).request("xhr"));
    assert_eq!(response.status, 200);
    assert!(response.text().starts_with("o\n") || response.text().starts_with("o{"));
}

// contract: B5.2
#[test]
fn a_poll_with_nothing_to_say_ends_with_h() {
    let server = server();
    let fallback = fallback(&server);
    while !fallback.poll().contains(&FallbackFrame::Heartbeat) {}
    server.connect().settle();
}

// contract: B5.3
#[test]
fn a_ping_ends_the_pending_poll_with_an_empty_array() {
    let server = server();
    let fallback = opened_by_polls(&server);
    let mut pending = Connection::open(server.target());
    pending.write(&fallback.request("xhr").to_bytes()).unwrap();
    assert_eq!(fallback.send(&[]).status, 204);
    let response = pending.response().unwrap();
    assert_eq!(response.status, 200);
    assert_eq!(response.text(), "a[]\n");
}

// contract: B5.4
#[test]
fn a_second_poll_ends_the_older_one_and_wins() {
    let server = server();
    let fallback = opened_by_polls(&server);
    fallback.say("pusher:subscribe", &json!({ "channel": "public" }));
    fallback.poll_messages();
    let mut older = Connection::open(server.target());
    older.write(&fallback.request("xhr").to_bytes()).unwrap();
    let mut newer = Connection::open(server.target());
    std::thread::sleep(std::time::Duration::from_millis(300));
    newer.write(&fallback.request("xhr").to_bytes()).unwrap();
    assert_eq!(older.response().unwrap().status, 200);
    server.api().publish("public", "sold", "");
    let response = newer.response().unwrap();
    assert!(response.text().contains("sold"), "{}", response.text());
}
