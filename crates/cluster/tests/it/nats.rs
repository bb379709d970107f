//! What only NATS has: tokens, several servers, and rights that are told behind one's back.

use bellwire_cluster::BusConfig;
use bellwire_testkit::nats::Nats;

use crate::node::{Node, subject};

#[test]
fn a_token_lets_in() {
    let server = Nats::start_with(&["--auth", "opensesame"]);
    let node = Node::at(&format!("nats://opensesame@{}", server.address()));
    node.hears(&[subject(1)]);
}

#[test]
fn another_server_takes_over() {
    let mut servers = [Nats::start(), Nats::start()];
    let [first, second] = servers.each_ref().map(|server| server.address());
    servers[1].stop();
    let node = Node::at(&format!("nats://{first},{second}"));
    servers[1].start_again();
    servers[0].stop();
    node.ear.until("it is up at the other one", |told| told.ups > 1);
    node.hears(&[subject(1)]);
    node.says(&subject(1), "here");
    node.ear.until_heard(&subject(1), "here");
}

#[test]
fn that_a_subject_may_not_be_heard_is_said() {
    let rights = "{ publish: \">\", subscribe: \"bellwire.mark.>\" }";
    let user = format!("{{ user: ann, password: opensesame, permissions: {rights} }}");
    let server = Nats::configured(&format!("authorization {{ users = [ {user} ] }}"));
    let url = format!("nats://ann:opensesame@{}", server.address());
    let node = Node::beginning(&BusConfig::of(&url));
    node.bus.subscribe(&subject(1));
    node.ear.until("it is said", |told| !told.downs.is_empty());
    let why = node.ear.downs().remove(0).to_lowercase();
    assert!(why.contains("permission"), "{why}");
}
