//! What only Redis has: sentinels and clusters.

use bellwire_cluster::BusConfig;
use bellwire_testkit::redis::{Cluster, Redis, Watched};

use crate::node::{Node, subject, until};

#[test]
fn a_redis_that_is_too_old_is_told_so() {
    let server = Redis::start_with(&["--rename-command", "HELLO", ""]);
    let node = Node::beginning(&BusConfig::of(&format!("redis://{}", server.address())));
    node.ear.until("it is said", |told| !told.downs.is_empty());
    let why = node.ear.downs().remove(0);
    assert!(why.contains("Redis 6 or newer is needed"), "{why}");
}

#[test]
fn a_subject_that_may_not_be_heard_is_not_called_ready() {
    let server = Redis::start();
    let rights = ["ACL", "SETUSER", "ann", "on", ">opensesame", "+@all", "resetchannels"];
    assert_eq!(server.ask(&rights).trim(), "OK");
    let url = format!("redis://ann:opensesame@{}", server.address());
    let node = Node::beginning(&BusConfig::of(&url));
    node.bus.subscribe(&subject(1));
    node.ear.until("it is said", |told| !told.downs.is_empty());
    let why = node.ear.downs().remove(0);
    assert!(why.contains("refused") && why.contains("permissions"), "{why}");
    assert_eq!(node.ear.readies(&subject(1)), 0);
}

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
    until("it is heard again", || {
        one.bus.publish(&subject(1), "again".into());
        !two.ear.heard(&subject(1)).is_empty()
    });
}

fn through(cluster: &Cluster) -> String {
    let addresses: Vec<_> = cluster.servers.iter().map(|one| one.address().to_string()).collect();
    format!("redis+cluster://{}", addresses[..2].join(","))
}

#[test]
fn a_subject_is_heard_at_the_master_of_its_slot() {
    let cluster = Cluster::start();
    let [one, two] = [(); 2].map(|()| Node::at(&through(&cluster)));
    let subjects: Vec<_> = (0..500).map(subject).collect();
    two.hears(&subjects);
    for text in ["first", "second"] {
        subjects.iter().for_each(|subject| one.says(subject, text));
    }
    two.ear.until("all is heard", |told| told.heard.len() == 1_000);
    for subject in &subjects {
        assert_eq!(two.ear.heard(subject), ["first", "second"]);
    }
    for server in &cluster.servers {
        let channels = server.ask(&["PUBSUB", "SHARDCHANNELS"]).lines().count();
        assert!((100..300).contains(&channels), "{channels} of 500 subjects at one master");
    }
}

#[test]
fn a_subject_whose_slot_moves_is_heard_at_its_new_master() {
    let cluster = Cluster::start();
    let [one, two] = [(); 2].map(|()| Node::at(&through(&cluster)));
    two.hears(&[subject(1), subject(2)]);
    let slot = cluster.servers[0].ask(&["CLUSTER", "KEYSLOT", subject(1).as_str()]);
    let slot: u16 = slot.trim().parse().unwrap();
    let from = usize::from(slot / 5_461).min(2);
    cluster.move_slot(slot, from, (from + 1) % 3);
    two.ear.until("it is ready again", |told| told.readies(&subject(1)) > 1);
    // Until the publisher has the new map, what it says there is lost.
    until("it is heard again", || {
        one.bus.publish(&subject(1), "again".into());
        !two.ear.heard(&subject(1)).is_empty()
    });
    assert_eq!(two.ear.downs(), [""; 0]);
    one.says(&subject(2), "undisturbed");
    two.ear.until_heard(&subject(2), "undisturbed");
}

#[test]
fn a_master_that_comes_back_is_heard_again() {
    let mut cluster = Cluster::start();
    let [one, two] = [(); 2].map(|()| Node::at(&through(&cluster)));
    let subjects: Vec<_> = (0..30).map(subject).collect();
    two.hears(&subjects);
    cluster.servers[1].stop();
    for node in [&one, &two] {
        node.ear.until("it is noticed", |told| !told.downs.is_empty());
    }
    cluster.servers[1].start_again();
    for node in [&one, &two] {
        node.ear.until("it is up again", |told| told.ups > 1);
    }
    for subject in &subjects {
        until("it is heard again", || {
            one.bus.publish(subject, "again".into());
            !two.ear.heard(subject).is_empty()
        });
    }
}
