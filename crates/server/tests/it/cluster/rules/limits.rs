//! Limits that hold for all nodes together.

use std::thread;
use std::time::Duration;

use bellwire_testkit::{Client, Via};

use crate::cluster::stage::{SHORT_GRACE, Stage, app};
use crate::support::{PATH, eventually};
use crate::webhooks::stage::user_data;

// contract: 1.15
#[test]
fn connections_of_an_app_are_counted_on_all_nodes() {
    let stage = Stage::with(app().with("max_connections = 4"), &[SHORT_GRACE], Via::Redis, 2);
    let clients: Vec<Client> = (0..4).map(|n| stage.cluster[n % 2].connect()).collect();
    for node in stage.cluster.nodes() {
        eventually("beyond it there is 4004", || {
            let mut client = node.open(PATH);
            !client.try_established() && client.expect_close().code == 4004
        });
    }
    drop(clients);
    eventually("there is room again", || {
        thread::sleep(Duration::from_millis(100));
        stage.cluster[1].open(PATH).try_established()
    });
}

// contract: 5.3
#[test]
fn members_of_a_channel_are_counted_on_all_nodes() {
    let app = bellwire_testkit::App::new(1).with("max_presence_members = 3");
    let stage = Stage::with(app, &[SHORT_GRACE], Via::Redis, 2);
    let room = ["presence-room"];
    let _members: Vec<Client> =
        (0..3).map(|n| stage.member(n % 2, &format!("user-{n}"), &room)).collect();
    for node in stage.cluster.nodes() {
        eventually("it knows all three", || node.api().users(room[0]).len() == 3);
        let mut late = node.connect();
        late.ask(room[0], Some(&user_data("late")));
        late.expect_subscription_refused(room[0]);
        // Another tab of somebody who is there may come in.
        stage.member(0, "user-1", &room).leave();
    }
}
