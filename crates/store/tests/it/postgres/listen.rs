//! Hints come, and what they are about.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use bellwire_hub::{AppSpec, AppStore as _, Settings};
use bellwire_store::{Hint, Listener};
use bellwire_webhooks::feed::Feed as _;

use super::Place;

/// Longer than any hint takes.
const LONG: Duration = Duration::from_secs(20);

fn listen(place: &Place, hints: &[Hint]) -> (Listener, Receiver<Hint>) {
    let (tell, told) = channel();
    let hear = move |hint| {
        let _ = tell.send(hint);
    };
    (place.store.listen(hints, hear).unwrap(), told)
}

/// The hints up to one.
fn wait_for(told: &Receiver<Hint>, hint: Hint) -> Vec<Hint> {
    let mut all = Vec::new();
    while all.last() != Some(&hint) {
        all.push(told.recv_timeout(LONG).unwrap());
    }
    all
}

#[test]
fn what_others_write_is_told_to_those_who_want_to_know_it() {
    let place = Place::new();
    let (_listener, told) = listen(&place, &[Hint::Desk, Hint::Change, Hint::Nodes]);
    let (_other, nodes) = listen(&place, &[Hint::Nodes]);
    assert_eq!(wait_for(&told, Hint::Nodes), [Hint::Desk, Hint::Change, Hint::Nodes]);
    wait_for(&nodes, Hint::Nodes);
    let node = place.join("one");
    assert_eq!(wait_for(&told, Hint::Nodes), [Hint::Nodes]);
    place.store.feed(node).append(1, b"").unwrap();
    assert_eq!(wait_for(&told, Hint::Desk), [Hint::Desk]);
    let app = AppSpec::new("7".parse().unwrap(), Settings::default(), Vec::new());
    place.store.put(&app).unwrap();
    assert_eq!(wait_for(&told, Hint::Change), [Hint::Change]);
    place.store.roll().take_desk(node).unwrap().unwrap();
    assert_eq!(wait_for(&told, Hint::Nodes), [Hint::Nodes]);
    place.end_lease(node);
    place.store.roll().nodes().unwrap();
    assert_eq!(wait_for(&told, Hint::Nodes), [Hint::Nodes]);
    assert!(nodes.try_iter().all(|hint| hint == Hint::Nodes));
}

#[test]
fn what_was_missed_while_there_was_no_connection_is_made_up_for() {
    let place = Place::new();
    let (listener, told) = listen(&place, &[Hint::Desk, Hint::Change]);
    wait_for(&told, Hint::Change);
    place.database.cut_connections();
    assert_eq!(wait_for(&told, Hint::Change), [Hint::Desk, Hint::Change]);
    drop(listener);
    assert!(told.recv().is_err(), "nobody calls any more");
}
