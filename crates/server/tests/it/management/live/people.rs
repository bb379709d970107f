use bellwire_testkit::Client;
use serde_json::json;

use super::office::{Office, refused};
use super::{all, office};
use crate::support::eventually;

#[test]
fn members_are_shown_with_what_they_said_of_themselves() {
    let office = office();
    let mut clients: Vec<Client> = Vec::new();
    for (user, info) in
        [("zoe", r#"{"n":"Zoé \"z\""}"#), ("ann", r#"{"n":1}"#), ("ann", r#"{"n":2}"#)]
    {
        let mut client = office.server.connect();
        let said = format!(r#"{{"user_id":"{user}","user_info":{info}}}"#);
        client.join("presence-lobby", &said);
        clients.push(client);
    }
    let page = office.get("/channels/presence-lobby/members");
    let expected = json!([
        { "id": "ann", "info": { "n": 1 }, "connections": 2 },
        { "id": "zoe", "info": { "n": "Zoé \"z\"" }, "connections": 1 },
    ]);
    assert_eq!((&page["members"], &page["total"]), (&expected, &json!(2)));
    let page = office.get("/channels/presence-lobby/members?q=Z&limit=1");
    assert_eq!((all(&page["members"], "id"), &page["total"]), (vec!["zoe".into()], &json!(1)));
    assert_eq!(office.get("/channels/news/members")["members"], json!([]));
}

/// Signs a new client in.
fn signed_in(office: &Office, user: &str) -> Client {
    let mut client = office.server.connect();
    client.sign_in(&json!({ "id": user }).to_string());
    client
}

#[test]
fn users_are_listed_and_disconnected() {
    let office = office();
    let mut twice = [signed_in(&office, "ann"), signed_in(&office, "ann")];
    let _bob = signed_in(&office, "bob");
    let page = office.get("/users");
    let expected = json!([{ "id": "ann", "connections": 2 }, { "id": "bob", "connections": 1 }]);
    assert_eq!((&page["users"], &page["total"]), (&expected, &json!(2)));
    assert_eq!(all(&office.get("/users?q=B")["users"], "id"), ["bob"]);
    assert_eq!(office.ask("POST", "/users/ann/disconnect").ok(), json!({ "connections": 2 }));
    for client in &mut twice {
        client.expect_error();
        assert_eq!(client.expect_close().code, 4009);
    }
    eventually("ann is gone", || all(&office.get("/users")["users"], "id") == ["bob"]);
    assert_eq!(office.ask("POST", "/users/nobody/disconnect").ok(), json!({ "connections": 0 }));
}

#[test]
fn a_connection_tells_its_story() {
    let office = office();
    let key = &office.server.config().first_app().key;
    let path = format!("/app/{key}?protocol=7&client=java-client&version=2.4.0");
    let mut client = office.server.open_with(&path, &[("Origin", "https://shop.example")]);
    client.expect_established();
    client.join("presence-lobby", r#"{"user_id":"ann"}"#);
    client.sign_in(r#"{"id":"ann"}"#);
    let socket = client.socket_id();
    let seen = office.get(&format!("/connections/{socket}"));
    assert_eq!((&seen["socket_id"], &seen["node"]), (&json!(socket), &json!(null)));
    assert_eq!((&seen["transport"], &seen["tls"]), (&json!("ws"), &json!(false)));
    assert_eq!((&seen["address"], &seen["user_id"]), (&json!("127.0.0.1"), &json!("ann")));
    assert_eq!(seen["origin"], "https://shop.example");
    assert_eq!(seen["client"], "java-client 2.4.0");
    let expected = json!([{ "channel": "presence-lobby", "user_id": "ann" }]);
    assert_eq!(seen["subscriptions"], expected);
    assert_eq!((&seen["messages_in"], &seen["backlog_bytes"]), (&json!(2), &json!(0)));
    assert!(seen["connected_at"].as_str().unwrap().ends_with('Z'));

    let end = office.ask("POST", &format!("/connections/{socket}/disconnect"));
    assert_eq!(end.status, 204, "{}", end.text());
    client.expect_error();
    assert_eq!(client.expect_close().code, 4009);
    drop(client);
    refused(&office.ask("GET", &format!("/connections/{socket}")), 404);
    refused(&office.ask("POST", &format!("/connections/{socket}/disconnect")), 404);
}

#[test]
fn connections_are_listed_page_by_page() {
    let office = office();
    let clients: Vec<Client> = (0..5).map(|_| office.server.connect()).collect();
    let mut expected: Vec<String> = clients.iter().map(Client::socket_id).collect();
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = office.get(&format!("/connections?limit=2{cursor}"));
        assert_eq!((&page["total"], &page["missing_nodes"]), (&json!(5), &json!([])));
        found.extend(all(&page["connections"], "socket_id"));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let one = office.get(&format!("/connections?q={}", expected[0]));
    assert_eq!(
        (all(&one["connections"], "socket_id"), &one["total"]),
        (vec![expected[0].clone()], &json!(1))
    );
    assert_eq!(office.get("/connections?q=elsewhere")["total"], 0);
    assert_eq!(refused(&office.ask("GET", "/connections?cursor=9999"), 422)["field"], "cursor");
    let (node, _) = expected[0].split_once('.').unwrap();
    let after_all = format!("/connections?cursor={node}-255-99999999");
    assert_eq!(office.get(&after_all)["connections"], json!([]));
    refused(&office.ask("GET", "/connections/1.18446744073709551615"), 404);
    let other = office.server.http(&office.request("GET", "/management/v1/apps/1002/connections"));
    assert_eq!(other.json()["connections"], json!([]));
    let path = format!("/management/v1/apps/1002/connections/{}", expected[0]);
    refused(&office.server.http(&office.request("GET", &path)), 404);
}
