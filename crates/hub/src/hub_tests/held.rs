//! `announce_before_ack`: nobody is admitted to a channel before what was told of it is kept.

use super::*;

const MISS: &str = "cache_miss cache-x {}";

fn house() -> House {
    House::with(|app| app.announce_before_ack = true)
}

/// All that was told so far is kept.
fn keep(house: &mut House) {
    for held in house.log.take_held() {
        house.hub.release(house.now_ms, &held);
    }
}

// webhooks: P3
#[test]
fn nobody_hears_of_success_before_what_was_told_is_kept() {
    let ([a, b, c], mut house) = (three(), house());
    house.join(a, "room");
    house.join(c, "room");
    assert_eq!(house.publish("room", "missed").subscriptions, 2);
    assert!(house.heard(a).is_empty() && house.heard(c).is_empty());
    keep(&mut house);
    house.publish("room", "1");
    assert_eq!(house.heard(a), [SUCCEEDED, "event room 1"]);
    assert_eq!(house.heard(c), [SUCCEEDED, "event room 1"]);
    // The channel is told of: who comes now does not wait.
    house.join(b, "room");
    assert_eq!(house.heard(b), [SUCCEEDED]);
    assert!(house.log.take_held().is_empty());
}

// webhooks: P3
#[test]
fn who_is_admitted_late_hears_of_what_is_there_then() {
    let ([a, _, c], mut house) = (three(), house());
    house.join_as(a, "presence-room", "ann");
    house.join_as(c, "presence-room", "bob");
    keep(&mut house);
    let [heard_a, heard_c] = [house.heard(a), house.heard(c)];
    assert_eq!(heard_a.len(), 1, "{heard_a:?}");
    assert!(heard_a[0].contains("ann") && heard_a[0].contains("bob"));
    assert_eq!(heard_a, heard_c);
    house.join(a, "cache-x");
    house.publish("cache-x", "new");
    keep(&mut house);
    assert_eq!(house.heard(a), ["subscription_succeeded cache-x {}", "event cache-x new"]);
}

// webhooks: P3
#[test]
fn counts_and_misses_are_said_to_those_who_are_admitted() {
    let ([a, _, c], mut house) = (three(), house());
    house.change(|app| app.subscription_count = true);
    house.join(a, "cache-x");
    house.join(c, "cache-x");
    keep(&mut house);
    let count = r#"subscription_count cache-x {"subscription_count":2}"#;
    assert_eq!(house.heard(a), ["subscription_succeeded cache-x {}", MISS, count]);
    assert_eq!(house.heard(c), ["subscription_succeeded cache-x {}", MISS, count]);
}

// webhooks: P3
#[test]
fn who_leaves_while_it_waits_is_not_admitted() {
    let ([a, b, c], mut house) = (three(), house());
    house.join(a, "room");
    house.join(b, "room");
    house.join(c, "room");
    house.leave(a, "room");
    house.end(b);
    keep(&mut house);
    assert_eq!(house.heard(c), [SUCCEEDED]);
    assert!(house.heard(a).is_empty() && house.heard(b).is_empty());
    house.leave(c, "room");
    house.join(a, "room");
    house.leave(a, "room");
    house.join(b, "room");
    // Of two lives of a channel, the first word is for the first.
    let mut held = house.log.take_held();
    assert_eq!(held.len(), 2);
    house.hub.release(house.now_ms, &held.remove(0));
    assert!(house.heard(b).is_empty());
    house.hub.release(house.now_ms, &held.remove(0));
    assert_eq!(house.heard(b), [SUCCEEDED]);
}

// contract: 6.8
#[test]
fn channels_of_which_nothing_is_told_do_not_wait() {
    let ([a, ..], mut house) = (three(), house());
    house.join(a, "#server-to-user-ann");
    assert_eq!(house.heard(a).len(), 1);
}
