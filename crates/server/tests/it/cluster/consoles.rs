//! The debug console where the app's clients are on other nodes, too.

use bellwire_testkit::{Server, Via};
use serde_json::json;

use super::over_redis_and_nats;
use super::stage::{Stage, metric};
use crate::management::live::reader::Reader;
use crate::support::eventually;

over_redis_and_nats! {
    a_console_shows_what_happens_on_other_nodes_and_for_nobody_nothing_is_passed_on
}

/// How many messages a node has sent for those who look elsewhere.
const PASSED_ON: &str = "bellwire_cluster_console_messages_total";

fn a_console_shows_what_happens_on_other_nodes_and_for_nobody_nothing_is_passed_on(via: Via) {
    let stage = Stage::start(via, 2);
    let token = stage.token(0);
    let (here, there) = (&stage.cluster[0], &stage.cluster[1]);
    let mut reader = look(here, there, &token);
    let mut client = there.connect();
    let line = reader.line_of("connection");
    assert_eq!((&line["node"], &line["socket_id"]), (&json!("node-1"), &json!(client.socket_id())));
    client.subscribe("news");
    let line = reader.line_of("subscribed");
    assert_eq!((&line["node"], &line["channel"]), (&json!("node-1"), &json!("news")));
    there.api().publish("news", "from-there", "hello");
    let line = reader.line_of("api_message");
    assert_eq!((&line["node"], &line["event"]), (&json!("node-1"), &json!("from-there")));
    assert_eq!((&line["payload"], &line["detail"]), (&json!("hello"), &json!("To 1 subscriber")));
    here.api().publish("news", "from-here", "hello");
    let line = reader.line_of("api_message");
    assert_eq!((&line["node"], &line["event"]), (&json!("node-0"), &json!("from-here")));

    drop(reader);
    eventually("nobody looks", || metric(there, LOOKED_AT) == 0);
    let passed_on = metric(there, PASSED_ON);
    there.api().publish("news", "unseen", "hello");
    let mut reader = look(here, there, &token);
    there.api().publish("news", "seen", "hello");
    assert_eq!(reader.line_of("api_message")["event"], "seen");
    eventually("it is counted", || metric(there, PASSED_ON) > passed_on);
    assert_eq!(metric(there, PASSED_ON), passed_on + 1, "the one that was seen");
    assert_eq!(metric(here, PASSED_ON), 0, "nobody looks elsewhere");
}

const LOOKED_AT: &str = "bellwire_cluster_consoles_elsewhere";

/// Looks at the console of a node; another one knows it.
#[track_caller]
fn look(here: &Server, there: &Server, token: &str) -> Reader {
    let mut reader = Reader::at(here, token, "");
    assert_eq!(reader.event().name, "hello");
    eventually("it is known", || metric(there, LOOKED_AT) == 1);
    reader
}
