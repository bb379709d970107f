//! What every engine promises. Each sentence is a test of each engine.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bellwire_cluster::{BusConfig, Losses, Sequence, Sequences};
use bellwire_testkit::nats::Nats;
use bellwire_testkit::redis::{Cluster, Redis};
use bellwire_testkit::{AUTHORITY, Proxy};
use bytes::Bytes;

use crate::engine::{Engine, Guarded};
use crate::node::{Node, channel, subject, until};

/// Makes a test of each engine of each sentence.
macro_rules! contract {
    ($($name:ident: $engine:ty, $sentences:ident;)*) => {
        $(mod $name {
            use super::*;
            $sentences! { $engine }
        })*
    };
}

macro_rules! tests {
    ($engine:ty: $($sentence:ident)*) => {
        $(#[test] fn $sentence() { super::$sentence::<$engine>(); })*
    };
}

macro_rules! anywhere {
    ($engine:ty) => {
        tests! { $engine:
            messages_come_in_order_and_to_oneself_as_well
            every_channel_name_goes_through
            a_subject_that_is_ready_is_heard
            what_is_let_go_is_heard_no_more
            ten_thousand_subjects_survive_a_restart
            what_is_published_while_down_is_counted_and_does_not_wait
            a_slow_hearer_loses_nothing_silently
            a_server_may_come_later
            a_bus_ends_with_its_last_owner
        }
    };
}

/// Servers that can be anywhere behind an address, so that the way there can be cut.
macro_rules! at_one_address {
    ($engine:ty) => {
        anywhere! { $engine }
        tests! { $engine:
            a_cut_connection_is_noticed_and_comes_back
            a_stalled_connection_is_noticed_and_comes_back
            what_waits_is_bounded_and_its_fate_is_counted
            a_wrong_password_is_said_and_not_shown
            tls_is_spoken
        }
    };
}

contract! {
    redis: Redis, at_one_address;
    nats: Nats, at_one_address;
    cluster: Cluster, anywhere;
}

fn url<E: Engine>(server: &E) -> String {
    E::url("", server.address())
}

fn messages_come_in_order_and_to_oneself_as_well<E: Engine>() {
    let server = E::begin();
    let [one, two] = [(); 2].map(|()| Node::at(&url(&server)));
    let subjects = [1, 2, 3].map(subject);
    one.hears(&subjects);
    two.hears(&subjects);
    for n in 0..3_000 {
        one.says(&subjects[n % 3], &n.to_string());
    }
    for node in [&one, &two] {
        node.ear.until("all is heard", |told| told.heard.len() >= 3_000);
        for (at, subject) in subjects.iter().enumerate() {
            let expected: Vec<_> = (at..3_000).step_by(3).map(|n| n.to_string()).collect();
            assert_eq!(node.ear.heard(subject), expected);
        }
        assert_eq!(node.bus.figures().received, 3_000);
    }
    until("the figures add up", || {
        let figures = one.bus.figures();
        (figures.published, figures.dropped, figures.queued) == (3_000, 0, 0)
    });
    assert_eq!(one.bus.figures().bytes_out, one.bus.figures().bytes_in);
}

fn every_channel_name_goes_through<E: Engine>() {
    let server = E::begin();
    let [one, two] = [(); 2].map(|()| Node::at(&url(&server)));
    let names = ["a.b", ".", "..a", "a.", "#server-to-user-7", "aZ09_-=@,.;", &"a".repeat(164)];
    for name in names {
        two.hears(&[channel(name)]);
        one.says(&channel(name), name);
        two.ear.until_heard(&channel(name), name);
    }
}

fn a_subject_that_is_ready_is_heard<E: Engine>() {
    let server = E::begin();
    let [one, two] = [(); 2].map(|()| Node::at(&url(&server)));
    for id in 0..200 {
        two.hears(&[subject(id)]);
        one.says(&subject(id), "now");
    }
    two.ear.until("nothing is lost", |told| told.heard.len() == 200);
}

fn what_is_let_go_is_heard_no_more<E: Engine>() {
    let server = E::begin();
    let [one, two] = [(); 2].map(|()| Node::at(&url(&server)));
    two.hears(&[subject(1), subject(2)]);
    two.bus.unsubscribe(&subject(1));
    two.hears(&[subject(3)]);
    one.says(&subject(1), "unheard");
    one.says(&subject(3), "heard");
    two.ear.until_heard(&subject(3), "heard");
    assert!(two.ear.heard(&subject(1)).is_empty());
    // Whoever comes back and goes and comes back is there.
    two.bus.subscribe(&subject(1));
    two.bus.unsubscribe(&subject(1));
    two.hears(&[subject(1)]);
    one.says(&subject(1), "again");
    two.ear.until_heard(&subject(1), "again");
}

fn ten_thousand_subjects_survive_a_restart<E: Engine>() {
    let mut server = E::begin();
    let [one, two] = [(); 2].map(|()| Node::at(&url(&server)));
    let subjects: Vec<_> = (0..10_000).map(subject).collect();
    two.hears(&subjects);
    server.stop();
    for node in [&one, &two] {
        node.ear.until("it is down", |told| !told.downs.is_empty());
    }
    server.start_again();
    for node in [&one, &two] {
        node.ear.until("it is up again", |told| told.ups >= 2);
    }
    two.ear.until("all are ready again", |told| {
        subjects.iter().all(|subject| told.readies(subject) >= 2)
    });
    for subject in &subjects {
        one.says(subject, "still");
    }
    two.ear.until("all are heard", |told| told.heard.len() == 10_000);
    assert!(two.bus.figures().reconnects >= 1);
}

fn a_cut_connection_is_noticed_and_comes_back<E: Engine>() {
    trouble_is_noticed_and_comes_back::<E>(Proxy::cut);
}

fn a_stalled_connection_is_noticed_and_comes_back<E: Engine>() {
    trouble_is_noticed_and_comes_back::<E>(Proxy::stall);
}

fn trouble_is_noticed_and_comes_back<E: Engine>(trouble: fn(&Proxy)) {
    let server = E::begin();
    let proxy = Proxy::to(server.address());
    let one = Node::at(&url(&server));
    let two = Node::at(&E::url("", proxy.address()));
    two.hears(&[subject(1)]);
    trouble(&proxy);
    two.ear.until("it is noticed", |told| !told.downs.is_empty());
    assert!(!two.bus.is_up());
    let readies = two.ear.readies(&subject(1));
    proxy.restore();
    two.ear.until("it is ready again", |told| told.readies(&subject(1)) > readies);
    assert!(two.bus.is_up());
    one.says(&subject(1), "again");
    two.ear.until_heard(&subject(1), "again");
    two.says(&subject(1), "and back");
    two.ear.until_heard(&subject(1), "and back");
}

fn what_is_published_while_down_is_counted_and_does_not_wait<E: Engine>() {
    let mut server = E::begin();
    let node = Node::at(&url(&server));
    server.stop();
    node.ear.until("it is down", |told| !told.downs.is_empty());
    let message = Bytes::from(vec![0; 1_000]);
    // One server of several may be missed a moment later than the others.
    until("nothing is taken", || !node.bus.publish(&subject(1), message.clone()));
    let before = node.bus.figures();
    for _ in 0..50_000 {
        assert!(!node.bus.publish(&subject(1), message.clone()));
    }
    assert!(node.bus.figures().dropped >= before.dropped + 50_000);
    assert_eq!(node.bus.figures().queued, 0);
    server.start_again();
    node.ear.until("it is up again", |told| told.ups >= 2);
    node.says(&subject(1), "now");
    until("it is published", || node.bus.figures().published == before.published + 1);
}

fn what_waits_is_bounded_and_its_fate_is_counted<E: Engine>() {
    let server = E::begin();
    let proxy = Proxy::to(server.address());
    let mut config = BusConfig::of(&E::url("", proxy.address()));
    (config.queue_messages_max, config.queue_bytes_max) = (1_000, 1 << 20);
    let node = Node::beginning(&config);
    node.ear.until("it is up", |told| told.ups > 0);
    proxy.stall();
    // More than fits in the queue and in what the system buffers.
    let message = Bytes::from(vec![0; 10_000]);
    let taken = (0..20_000).filter(|_| node.bus.publish(&subject(1), message.clone())).count();
    assert!(taken < 20_000);
    assert!(node.bus.figures().queued <= 1_000);
    node.ear.until("it is noticed", |told| !told.downs.is_empty());
    let figures = node.bus.figures();
    assert_eq!(figures.published + figures.dropped, 20_000, "{figures:?}");
    assert_eq!(figures.queued, 0);
}

fn a_slow_hearer_loses_nothing_silently<E: Engine>() {
    let server = E::begin();
    let [one, two] = [(); 2].map(|()| Node::at(&url(&server)));
    two.hears(&[subject(1)]);
    *two.ear.pause.lock().unwrap() = Duration::from_micros(100);
    let sequences = Sequences::default();
    let say = || {
        let number = sequences.next(&subject(1), 0).number;
        one.bus.publish(&subject(1), number.to_string().into());
        number
    };
    let flood = (0..20_000).map(|_| say()).max();
    assert_eq!(flood, Some(20_000));
    // What comes when the flood is over is heard, and shows what of it was not.
    let mut last = 20_000;
    until("the flood is over", || {
        last = say();
        thread::sleep(Duration::from_millis(20));
        two.ear.heard(&subject(1)).last() == Some(&last.to_string())
    });
    let losses = Losses::default();
    let numbers = two.ear.heard(&subject(1));
    let numbers: Vec<u64> = numbers.iter().map(|number| number.parse().unwrap()).collect();
    for number in &numbers {
        losses.heard(1, "subject", Sequence { run: 0, number: *number }, 0);
    }
    assert!(numbers.is_sorted());
    assert_eq!(losses.total() + numbers.len() as u64, last);
    assert_eq!(two.ear.downs(), [""; 0], "a slow hearer is not a lost connection");
}

fn a_server_may_come_later<E: Engine>() {
    let mut server = E::begin();
    server.stop();
    let node = Node::beginning(&BusConfig::of(&url(&server)));
    node.bus.subscribe(&subject(1));
    node.ear.until("it is down", |told| !told.downs.is_empty());
    assert!(!node.bus.is_up());
    assert!(node.ear.downs()[0].contains(&server.address().to_string()));
    server.start_again();
    node.ear.until("it is ready", |told| told.readies(&subject(1)) == 1);
    node.says(&subject(1), "hello");
    node.ear.until_heard(&subject(1), "hello");
}

fn a_wrong_password_is_said_and_not_shown<E: Guarded>() {
    let server = E::with_password("opensesame");
    let user = if E::url("", server.address()).starts_with("nats") { "ann" } else { "" };
    let login = |password: &str| E::url(&format!("{user}:{password}@"), server.address());
    Node::at(&login("opensesame"));
    for url in [login("hunter2"), url(&server)] {
        let node = Node::beginning(&BusConfig::of(&url));
        node.ear.until("it is said", |told| !told.downs.is_empty());
        let why = node.ear.downs().remove(0).to_lowercase();
        assert!(why.contains("auth") || why.contains("password"), "{why}");
        assert!(!why.contains("hunter2"), "{why}");
    }
}

fn tls_is_spoken<E: Guarded>() {
    let server = E::with_tls();
    let mut config = BusConfig::of(&server.tls_url());
    let stranger = Node::beginning(&config);
    stranger.ear.until("a stranger is not trusted", |told| !told.downs.is_empty());
    let why = stranger.ear.downs().remove(0);
    assert!(why.contains("certificate"), "{why}");
    config.authorities = Some(AUTHORITY.into());
    let node = Node::beginning(&config);
    node.ear.until("it is up", |told| told.ups == 1);
    node.hears(&[subject(1)]);
    node.says(&subject(1), "hello");
    node.ear.until_heard(&subject(1), "hello");
}

fn a_bus_ends_with_its_last_owner<E: Engine>() {
    let server = E::begin();
    let Node { bus, ear } = Node::at(&url(&server));
    drop(bus);
    until("nobody tells anything any more", || Arc::strong_count(&ear) == 1);
}
