//! The connections of an app where they are on several nodes.

use std::collections::BTreeSet;

use bellwire_testkit::{Client, Request, Response, Via};
use serde_json::{Value, json};

use super::over_redis_and_nats;
use super::stage::Stage;
use crate::management::office::{APP, refused};
use crate::support::eventually;

over_redis_and_nats! {
    connections_of_all_nodes_are_listed_shown_and_ended_on_any
    nodes_that_do_not_answer_are_named
}

/// Somebody who asks nodes.
struct Person<'a> {
    stage: &'a Stage,
    token: String,
}

impl<'a> Person<'a> {
    #[track_caller]
    fn of(stage: &'a Stage) -> Self {
        Self { stage, token: stage.token(0) }
    }

    #[track_caller]
    fn ask(&self, node: usize, method: &str, path: &str) -> Response {
        let request = Request::new(method, &format!("{APP}/connections{path}"));
        let request = request.header("Authorization", &format!("Bearer {}", self.token));
        self.stage.cluster[node].http(&request)
    }

    /// A page to which every node has contributed.
    #[track_caller]
    fn page(&self, node: usize, query: &str) -> Value {
        let mut page = Value::Null;
        eventually("every node answers", || {
            page = self.ask(node, "GET", query).ok();
            page["missing_nodes"] == json!([])
        });
        page
    }
}

/// Socket ids and nodes of a page.
fn listed(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let connections = page["connections"].as_array().unwrap().iter();
    connections.map(|one| (text(&one["socket_id"]), text(&one["node"]))).collect()
}

fn connections_of_all_nodes_are_listed_shown_and_ended_on_any(via: Via) {
    let stage = Stage::start(via, 3);
    let person = Person::of(&stage);
    let mut clients: Vec<(Client, String)> =
        (0..7).map(|n| (stage.cluster[n % 3].connect(), format!("node-{}", n % 3))).collect();
    let expected = clients.iter().map(|(client, node)| (client.socket_id(), node.clone()));
    let expected: BTreeSet<_> = expected.collect();
    for asked in 0..3 {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = person.page(asked, &format!("?limit=2{cursor}"));
            assert_eq!(page["total"], 7);
            assert!(listed(&page).len() <= 2);
            found.extend(listed(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(found.len(), 7, "each comes once");
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    let (client, node) = &mut clients[1];
    let socket = client.socket_id();
    let page = person.page(0, &format!("?q={socket}"));
    assert_eq!((listed(&page), &page["total"]), (vec![(socket.clone(), node.clone())], &json!(1)));
    let seen = person.ask(0, "GET", &format!("/{socket}")).ok();
    assert_eq!((&seen["socket_id"], &seen["node"]), (&json!(socket), &json!(node)));
    let end = person.ask(2, "POST", &format!("/{socket}/disconnect"));
    assert_eq!(end.status, 204, "{}", end.text());
    client.expect_error();
    assert_eq!(client.expect_close().code, 4009);
    for (method, path) in [("GET", format!("/{socket}")), ("POST", format!("/{socket}/disconnect"))]
    {
        eventually("it is gone", || person.ask(0, method, &path).status == 404);
    }
    refused(&person.ask(0, "GET", "/1.1"), 404);
}

fn nodes_that_do_not_answer_are_named(via: Via) {
    let stage = Stage::apart(via, 2);
    let person = Person::of(&stage);
    let here = stage.cluster[0].connect();
    let there = stage.cluster[1].connect();
    assert_eq!(person.page(0, "")["total"], 2);
    stage.cluster[1].bus().stall();
    let page = person.ask(0, "GET", "").ok();
    assert_eq!(page["missing_nodes"], json!(["node-1"]));
    assert_eq!(
        (listed(&page), &page["total"]),
        (vec![(here.socket_id(), "node-0".into())], &json!(1))
    );
    let problem = refused(&person.ask(0, "GET", &format!("/{}", there.socket_id())), 503);
    assert_eq!(problem["detail"], "No answer within a second: node-1");
    // The node itself shows its own.
    let page = person.ask(1, "GET", "").ok();
    assert_eq!(page["missing_nodes"], json!(["node-0"]));
    assert_eq!(listed(&page), [(there.socket_id(), "node-1".into())]);
    stage.cluster[1].bus().restore();
    assert_eq!(person.page(0, "")["total"], 2);
    person.ask(0, "GET", &format!("/{}", there.socket_id())).ok();
}

#[test]
fn the_connections_of_a_node_that_came_back_by_another_number_are_found() {
    let stage = Stage::start(Via::Redis, 2);
    let person = Person::of(&stage);
    let mut client = stage.cluster[1].connect();
    let socket = client.socket_id();
    assert_eq!(person.page(0, "")["total"], 1);
    stage.cluster[1].freeze();
    eventually("it is gone", || person.page(0, "")["total"] == 0);
    stage.cluster[1].thaw();
    eventually("it is back", || listed(&person.page(0, "")) == [(socket.clone(), "node-1".into())]);
    assert_eq!(person.ask(0, "GET", &format!("/{socket}")).ok()["socket_id"], socket);
    assert_eq!(person.ask(0, "POST", &format!("/{socket}/disconnect")).status, 204);
    client.expect_error();
    assert_eq!(client.expect_close().code, 4009);
}
