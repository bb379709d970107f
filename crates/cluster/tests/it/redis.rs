//! What only Redis has: sentinels.

use bellwire_testkit::redis::Watched;

use crate::node::{Node, subject};

#[test]
fn the_bus_follows_the_sentinels_to_another_master() {
    let watched = Watched::start();
    let sentinels: Vec<_> = watched.sentinels().iter().map(ToString::to_string).collect();
    let url = format!("redis+sentinel://{}/main", sentinels.join(","));
    let [one, two] = [(); 2].map(|()| Node::at(&url));
    two.hears(&[subject(1)]);
    watched.fail_over();
    for node in [&one, &two] {
        node.ear.until("it is up again", |told| told.ups > 1);
    }
    two.ear.until("it is ready again", |told| told.readies(&subject(1)) > 1);
    let says = |node: &Node| node.bus.publish(&subject(1), "again".into());
    while !says(&one) {
        std::thread::yield_now();
    }
    two.ear.until_heard(&subject(1), "again");
}
