//! The first start of a cluster: several nodes on an empty database, at once.

use bellwire_testkit::Config;

use super::{Engines, node_with};
use crate::accounts::browser::{Browser, set_up, setup_token};

#[test]
fn nodes_that_start_at_once_make_one_app_and_print_one_link_that_is_good_on_all() {
    let engines = Engines::start();
    let start =
        |name: &str| node_with(Config::default(), name, &engines.database.url(), &engines.redis);
    let nodes = std::thread::scope(|scope| {
        let starting = ["one", "two", "three"].map(|name| scope.spawn(move || start(name)));
        starting.map(|node| node.join().unwrap())
    });
    let tokens = nodes.each_ref().map(setup_token);
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    let greeted = nodes.iter().filter(|node| node.stdout().contains("A first app was made"));
    assert_eq!(greeted.count(), 1);
    let operator = Browser::signed_in(&set_up(&nodes[1], &tokens[0]));
    // The session is good on every node, as the app is.
    for node in &nodes {
        assert_eq!(operator.get(node, "/apps")["total"], 1);
        assert_eq!(Browser::default().get(node, "/setup")["needed"], false);
    }
}
