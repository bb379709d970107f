//! Contract 11: terminating a user's connections.

use bellwire_testkit::{App, Config, Fallback};
use serde_json::json;

use crate::support::{serve, server};

// contract: 11.1
#[test]
fn terminating_an_unknown_user_answers_an_empty_object() {
    let server = server();
    assert_eq!(server.api().terminate("123").ok(), json!({}));
}

// contract: 11.1, 11.4
#[test]
fn every_connection_signed_in_as_the_user_is_closed_with_4009() {
    let server = server();
    let mut anns = [server.connect(), server.connect()];
    for ann in &mut anns {
        ann.sign_in(r#"{"id":"ann"}"#);
    }
    let mut bob = server.connect();
    bob.sign_in(r#"{"id":"bob"}"#);
    assert_eq!(server.api().terminate("ann").ok(), json!({}));
    for ann in &mut anns {
        assert_eq!(ann.expect_close().code, 4009);
    }
    bob.settle();
    server.connect().sign_in(r#"{"id":"ann"}"#);
}

// contract: 11.2
#[test]
fn a_mere_presence_member_of_that_id_stays() {
    let server = server();
    let mut member = server.connect();
    member.join("presence-a", r#"{"user_id":"ann"}"#);
    server.api().terminate("ann").ok();
    member.settle();
    assert_eq!(server.api().users("presence-a"), ["ann"]);
}

// contract: 11.2
#[test]
fn the_same_user_of_another_app_stays() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let mut there = server.connect_to(server.config().numbered(2));
    there.sign_in(r#"{"id":"ann"}"#);
    server.api().terminate("ann").ok();
    there.settle();
}

// contract: 11.3
#[test]
fn a_fallback_session_is_terminated_too() {
    let server = server();
    let fallback = Fallback::new(server.target(), "key-1", "abcdefgh");
    let mut stream = fallback.stream();
    let established = stream.expect("pusher:connection_established");
    let socket_id = established.data()["socket_id"].as_str().unwrap().to_owned();
    let user_data = r#"{"id":"ann"}"#;
    let auth = bellwire_testkit::user_auth("key-1", "secret-1", &socket_id, user_data);
    fallback.say("pusher:signin", &json!({ "auth": auth, "user_data": user_data }));
    stream.expect("pusher:signin_success");
    server.api().terminate("ann").ok();
    assert_eq!(stream.close_code(), 4009);
}

// contract: 11.5, 13.4
#[test]
fn the_user_id_arrives_percent_encoded_and_may_be_signed_either_way() {
    let server = server();
    for (wire, plain) in [("a%40b", "a@b"), ("a%2Cb", "a,b"), ("%61nn", "ann"), ("a=b", "a=b")] {
        for signed in [wire, plain] {
            let mut client = server.connect();
            client.sign_in(&json!({ "id": plain }).to_string());
            let path = |id: &str| format!("/apps/1001/users/{id}/terminate_connections");
            let request = server.api().request_at("POST", &path(wire)).body("{}");
            request.sign_path(&path(signed)).send().ok();
            assert_eq!(client.expect_close().code, 4009, "{wire} {signed}");
        }
    }
}

// contract: 11.5
#[test]
fn the_python_librarys_path_without_an_app_is_accepted_by_its_key() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let mut ann = server.connect();
    ann.sign_in(r#"{"id":"ann"}"#);
    let mut elsewhere = server.connect_to(server.config().numbered(2));
    elsewhere.sign_in(r#"{"id":"ann"}"#);
    let path = "/users/ann/terminate_connections";
    let request = server.api().request_at("POST", path).body("{}");
    assert_eq!(request.send().ok(), json!({}));
    assert_eq!(ann.expect_close().code, 4009);
    elsewhere.settle();
    let forged = server.api().request_at("POST", path).body("{}").sign_with("wrong");
    assert_eq!(forged.send().status, 401);
}

// contract: 11.1
#[test]
fn termination_must_be_signed() {
    let server = server();
    let mut ann = server.connect();
    ann.sign_in(r#"{"id":"ann"}"#);
    let request = server.api().post("/users/ann/terminate_connections", &json!({}));
    assert_eq!(request.unsigned().send().status, 401);
    ann.settle();
}
