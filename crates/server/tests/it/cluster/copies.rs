//! A database that fails over to a copy that lagged behind: what was kept after the copy is forgotten,
//! what was sent after it is not. Everybody goes on, and in the end the receiver knows what is so.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use bellwire_testkit::{LEASE, Via};
use serde_json::Value;

use super::stage::{SHORT_GRACE, Stage, Truth, are_on, channels, known};
use crate::support::eventually;

/// Longer than this test.
const LONG: Duration = Duration::from_secs(600);

// webhooks: P1, P9
#[test]
fn after_a_failover_to_a_copy_that_lagged_everybody_goes_on_as_long_as_leases_hold() {
    let stage = fall_back(LONG, Duration::ZERO);
    let said = |node: usize| stage.cluster[node].stdout() + &stage.cluster[node].stderr();
    // Of what node 0 had said nothing was lost, but of what its desk had kept.
    assert!(said(0).contains("the database has gone back behind what it had kept"), "{}", said(0));
    assert!(!said(0).contains("joined again"), "{}", said(0));
    let lost = "the database has gone back behind what this node had said";
    assert!(said(1).contains(lost), "{}", said(1));
    assert!(!said(1).contains("the lease of this node was over"), "{}", said(1));
}

// webhooks: P1, P9
#[test]
fn after_a_failover_to_a_copy_that_lagged_everybody_goes_on_when_all_leases_are_over() {
    fall_back(LEASE, LEASE * 2);
}

/// The database is away for so long, and what it kept last is forgotten.
#[track_caller]
fn fall_back(lease: Duration, away: Duration) -> Stage {
    let settings = [SHORT_GRACE, "reconnect_ms = 2000"];
    let mut stage = Stage::apart_with_lease(&settings, Via::Redis, 2, lease);
    let (both, left) = (channels("presence-both", 20), channels("presence-left", 20));
    let (come, away_and_back) = (channels("presence-come", 20), channels("presence-back", 20));
    let _ann = stage.member(0, "ann", &both);
    let mut bob = stage.member(1, "bob", &[&both[..], &left, &away_and_back].concat());
    let mut truth = Truth::new();
    are_on(&mut truth, "ann", &both);
    are_on(&mut truth, "bob", &[&both[..], &left, &away_and_back].concat());
    stage.converges(&[0, 1], &truth);
    stage.cluster.postgres().keep_a_copy();

    // All of this is told by the desk on node 0 of what node 1 says, and then forgotten by the database.
    let _carol = stage.member(1, "carol", &come);
    let _dave = stage.member(1, "dave", &come);
    are_on(&mut truth, "carol", &come);
    are_on(&mut truth, "dave", &come);
    for channel in left.iter().chain(&away_and_back) {
        bob.unsubscribe(channel);
        truth.remove(channel);
    }
    stage.converges(&[0, 1], &truth);
    let back = stage.member(1, "bob", &away_and_back);
    are_on(&mut truth, "bob", &away_and_back);
    stage.converges(&[0, 1], &truth);
    stage.cluster.postgres().fall_back(|| thread::sleep(away));

    let after = channels("presence-after", 20);
    let guests = [stage.member(0, "eve", &after), stage.member(1, "fay", &after)];
    are_on(&mut truth, "eve", &after);
    are_on(&mut truth, "fay", &after);
    told_in_the_end(&stage, &truth);
    guests.into_iter().for_each(bellwire_testkit::Client::leave);
    drop(back);
    after.iter().chain(&away_and_back).for_each(|channel| drop(truth.remove(channel)));
    told_in_the_end(&stage, &truth);
    // The receiver has heard of those who left before the database has forgotten it; they leave again.
    eventually("it is announced", || stage.announced(1) == truth);
    told_in_the_end(&stage, &truth);
    stage.is_verified(1, &truth);
    eventually("both nodes know", || (0..2).all(|node| known(&stage.cluster[node]) == truth));
    // Who was there all the time was never away, and what came afterwards is told once.
    let (come, gone) = (
        ["channel_occupied", "member_added", "member_added"],
        ["member_removed", "member_removed", "channel_vacated"],
    );
    stage.expect_names(&both, &come);
    stage.expect_names(&after, &[come, gone].concat());
    stage
}

/// Waits until the receiver believes this, who takes it as it is if it is told a second time that
/// somebody has come or gone.
#[track_caller]
fn told_in_the_end(stage: &Stage, truth: &Truth) {
    let mut seen = Truth::new();
    let mut is_so = || {
        seen = believed(&stage.hook.events());
        seen == *truth
    };
    eventually("the receiver knows what is so", &mut is_so);
}

fn believed(events: &[Value]) -> Truth {
    let mut here = BTreeSet::new();
    for event in events {
        let thing = (text(&event["channel"]), event["user_id"].as_str().map(str::to_owned));
        match event["name"].as_str().unwrap() {
            "channel_occupied" | "member_added" => here.insert(thing),
            "channel_vacated" | "member_removed" => here.remove(&thing),
            _ => continue,
        };
    }
    let mut truth = Truth::new();
    for (channel, user) in here {
        truth.entry(channel).or_default().extend(user);
    }
    truth
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
