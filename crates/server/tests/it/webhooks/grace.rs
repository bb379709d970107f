//! Contract 16.7: who comes back within the grace has not been away.

use std::time::{Duration, Instant};

use bellwire_testkit::Client;

use super::stage::{LONG_GRACE, Stage, app, join, mark, transitions, user_data};

/// Long before the grace of [`LONG_GRACE`] ends.
const SHORT: Duration = Duration::from_secs(2);

/// Does `blip` on one channel after the other until it was short enough to be one, and returns the
/// channel.
#[track_caller]
fn blip_on(prefix: &str, mut blip: impl FnMut(&str)) -> String {
    for n in 0..10 {
        let channel = format!("{prefix}-{n}");
        let started = Instant::now();
        blip(&channel);
        if started.elapsed() < SHORT {
            return channel;
        }
    }
    panic!("this machine is too slow for a blip of {SHORT:?}");
}

/// Waits until a grace that began now is over and said.
#[track_caller]
fn outwait_the_grace(stage: &Stage) {
    let control = format!("private-control-{}", super::stage::unique());
    stage.member("", &[&control]).leave();
    stage.hook.expect_event("channel_vacated", &control);
}

/// One watcher stays, so that the channel itself can be marked.
#[track_caller]
fn watched(stage: &Stage, channel: &str) -> Client {
    stage.member("watcher", &[channel])
}

// contract: 16.7
// webhooks: P1, fault 3
#[test]
fn a_blip_shorter_than_the_grace_is_silent() {
    let stage = Stage::with(app(), &[LONG_GRACE]);
    let mut client = stage.connect();
    let channel = blip_on("private-a", |channel| {
        join(&mut client, "", channel);
        client.unsubscribe(channel);
        join(&mut client, "", channel);
    });
    outwait_the_grace(&stage);
    mark(&stage.hook, &mut client, &channel);
    assert_eq!(transitions(&stage.hook, &channel), ["channel_occupied"]);
}

// contract: 16.7
// webhooks: P1, fault 3
#[test]
fn a_socket_that_drops_and_comes_back_within_the_grace_is_not_told() {
    let stage = Stage::with(app(), &[LONG_GRACE]);
    let mut back = None;
    let channel = blip_on("presence-a", |channel| {
        drop(stage.member("ann", &[channel]));
        back = Some(stage.member("ann", &[channel]));
    });
    outwait_the_grace(&stage);
    mark(&stage.hook, &mut back.unwrap(), &channel);
    assert_eq!(transitions(&stage.hook, &channel), ["channel_occupied", "member_added"]);
}

// contract: 16.7
// webhooks: P1, fault 3
#[test]
fn a_member_that_is_back_within_the_grace_has_not_left() {
    let stage = Stage::with(app(), &[LONG_GRACE]);
    let mut watcher = stage.connect();
    let mut ann = stage.connect();
    let channel = blip_on("presence-a", |channel| {
        join(&mut watcher, "watcher", channel);
        join(&mut ann, "ann", channel);
        ann.unsubscribe(channel);
        join(&mut ann, "ann", channel);
    });
    outwait_the_grace(&stage);
    mark(&stage.hook, &mut ann, &channel);
    let names = transitions(&stage.hook, &channel);
    assert_eq!(names, ["channel_occupied", "member_added", "member_added"]);
}

// contract: 16.7
// webhooks: P1
#[test]
fn five_blips_and_a_goodbye_are_one_goodbye() {
    let stage = Stage::with(app(), &[LONG_GRACE]);
    let mut client = stage.connect();
    let channel = blip_on("presence-a", |channel| {
        join(&mut client, "ann", channel);
        for _ in 0..5 {
            client.unsubscribe(channel);
            join(&mut client, "ann", channel);
        }
    });
    client.unsubscribe(&channel);
    client.drain();
    let expected = ["channel_occupied", "member_added", "member_removed", "channel_vacated"];
    stage.hook.expect_names(&channel, &expected);
    outwait_the_grace(&stage);
    join(&mut client, "ann", &channel);
    mark(&stage.hook, &mut client, &channel);
    let again = ["channel_occupied", "member_added"];
    assert_eq!(transitions(&stage.hook, &channel), [&expected[..], &again[..]].concat());
}

// contract: 16.7
#[test]
fn whoever_stays_away_longer_has_left_and_comes_anew() {
    let stage = Stage::usual();
    let mut client = stage.member("ann", &["presence-a"]);
    for _ in 0..3 {
        client.unsubscribe("presence-a");
        stage.hook.expect("vacated each time", |deliveries| {
            let events = deliveries.iter().flat_map(|delivery| delivery.events());
            let mut mine = events.filter(|event| event["channel"] == "presence-a");
            (mine.next_back()?["name"] == "channel_vacated").then_some(())
        });
        join(&mut client, "ann", "presence-a");
        mark(&stage.hook, &mut client, "presence-a");
    }
    let (come, gone) = (
        ["channel_occupied", "member_added"].as_slice(),
        ["member_removed", "channel_vacated"].as_slice(),
    );
    let expected = [come, gone, come, gone, come, gone, come].concat();
    assert_eq!(transitions(&stage.hook, "presence-a"), expected);
}

// contract: 16.7
#[test]
fn a_leave_is_not_told_before_the_grace_is_over() {
    let stage = Stage::with(app(), &["grace_ms = 1500"]);
    let client = stage.member("ann", &["presence-a"]);
    stage.hook.expect_event("member_added", "presence-a");
    let left = Instant::now();
    client.leave();
    for name in ["member_removed", "channel_vacated"] {
        let told = stage.hook.expect_event(name, "presence-a");
        // Clocks that count whole milliseconds may be one short.
        assert!(told.at - left >= Duration::from_millis(1490), "{name} after {:?}", told.at - left);
    }
}

// contract: 16.7, 16.11
// webhooks: P1, fault 3
#[test]
fn thirty_sockets_dropped_at_once_leave_one_by_one_and_the_channel_after_them() {
    let stage = Stage::usual();
    let users: Vec<String> = (0..30).map(|n| format!("user-{n}")).collect();
    let clients: Vec<Client> =
        users.iter().map(|user| stage.member(user, &["presence-a"])).collect();
    drop(clients);
    let mut expected = vec!["channel_occupied"];
    expected.extend(["member_added"; 30]);
    expected.extend(["member_removed"; 30]);
    expected.push("channel_vacated");
    stage.hook.expect_names("presence-a", &expected);
    let events = stage.hook.events_of("presence-a");
    let mut removed: Vec<&str> = events
        .iter()
        .filter(|event| event["name"] == "member_removed")
        .map(|event| event["user_id"].as_str().unwrap())
        .collect();
    removed.sort_unstable();
    removed.dedup();
    assert_eq!(removed.len(), 30, "each of them once");
}

// contract: 16.7
// webhooks: fault 3
#[test]
fn thirty_sockets_dropped_at_once_from_a_public_channel_vacate_it_once() {
    let stage = Stage::usual();
    let clients: Vec<Client> = (0..30).map(|_| stage.member("", &["private-a"])).collect();
    drop(clients);
    stage.hook.expect_names("private-a", &["channel_occupied", "channel_vacated"]);
    let mut late = stage.member("", &["private-a"]);
    mark(&stage.hook, &mut late, "private-a");
    let expected = ["channel_occupied", "channel_vacated", "channel_occupied"];
    assert_eq!(transitions(&stage.hook, "private-a"), expected);
}

// contract: 16.8
#[test]
fn two_tabs_of_a_user_are_one_member_until_both_have_left() {
    let stage = Stage::usual();
    let mut watcher = watched(&stage, "presence-a");
    let first = stage.member("ann", &["presence-a"]);
    let second = stage.member("ann", &["presence-a"]);
    first.leave();
    outwait_the_grace(&stage);
    mark(&stage.hook, &mut watcher, "presence-a");
    let joined = ["channel_occupied", "member_added", "member_added"];
    assert_eq!(transitions(&stage.hook, "presence-a"), joined);
    second.leave();
    let removed = stage.hook.expect_event("member_removed", "presence-a");
    assert_eq!(removed.events()[0]["user_id"], "ann");
    mark(&stage.hook, &mut watcher, "presence-a");
    let names = transitions(&stage.hook, "presence-a");
    assert_eq!(names, [&joined[..], &["member_removed"][..]].concat());
}

// contract: 4.11, 16.8
// webhooks: fault 4
#[test]
fn a_second_subscription_of_one_connection_is_not_told() {
    let stage = Stage::usual();
    let mut client = stage.member("ann", &["presence-a", "private-a"]);
    for channel in ["presence-a", "private-a"] {
        let data = channel.starts_with("presence-").then(|| user_data("ann"));
        client.ask(channel, data.as_deref());
        client.expect_error();
        client.drain();
        mark(&stage.hook, &mut client, channel);
    }
    assert_eq!(transitions(&stage.hook, "presence-a"), ["channel_occupied", "member_added"]);
    assert_eq!(transitions(&stage.hook, "private-a"), ["channel_occupied"]);
}

// contract: 4.12, 16.8
// webhooks: fault 4
#[test]
fn unsubscribing_from_what_one_never_joined_is_not_told() {
    let stage = Stage::usual();
    let mut watcher = watched(&stage, "private-a");
    let mut stray = stage.connect();
    for channel in ["private-a", "private-empty", "presence-empty"] {
        stray.unsubscribe(channel);
        stray.drain();
    }
    outwait_the_grace(&stage);
    mark(&stage.hook, &mut watcher, "private-a");
    assert_eq!(transitions(&stage.hook, "private-a"), ["channel_occupied"]);
    for channel in ["private-empty", "presence-empty"] {
        let mut client = stage.member("ann", &[channel]);
        mark(&stage.hook, &mut client, channel);
        assert_eq!(transitions(&stage.hook, channel)[0], "channel_occupied", "{channel}");
    }
}

// contract: 16.8
#[test]
fn a_refused_subscription_is_not_told() {
    let stage = Stage::usual();
    let mut stranger = stage.connect();
    stranger.sign_with("key-1", "wrong");
    stranger.ask("private-a", None);
    stranger.expect_subscription_refused("private-a");
    drop(stranger);
    outwait_the_grace(&stage);
    let mut client = stage.member("", &["private-a"]);
    mark(&stage.hook, &mut client, "private-a");
    assert_eq!(transitions(&stage.hook, "private-a"), ["channel_occupied"]);
}
