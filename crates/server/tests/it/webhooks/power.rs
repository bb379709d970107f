//! The disk: what a loss of power takes, and what a full one does. A shim below the server forgets
//! what was not synced, and refuses to write.

use bellwire_testkit::{App, Power, Request};
use serde_json::json;
use tempfile::TempDir;

use super::stage::{Stage, app, transitions, user_data};
use crate::support::eventually;

/// A stage whose server runs on a disk that can lose its power.
struct Cellar {
    stage: Stage,
    power: Power,
    /// Holds the shim and its journal.
    _scratch: TempDir,
}

impl Cellar {
    fn with(durability: &str) -> Self {
        let durability = format!("durability = \"{durability}\"");
        Self::of(app(), &["grace_ms = 300", "reconnect_ms = 6000", &durability])
    }

    fn of(app: App, settings: &[&str]) -> Self {
        let mut stage = Stage::with(app, settings);
        let scratch = tempfile::tempdir().unwrap();
        let power = Power::watching(&stage.server.dir().join("data"), scratch.path());
        stage.server.restart_on(&power);
        Self { stage, power, _scratch: scratch }
    }

    /// The power goes and comes back. How many changes were lost with it.
    fn blink(&mut self) -> usize {
        self.stage.server.crash();
        let lost = self.power.lose();
        self.stage.server.restart();
        lost
    }
}

// webhooks: P1, P2, P3
#[test]
fn whoever_was_told_of_is_known_after_the_power_was_gone() {
    let mut cellar = Cellar::with("power");
    let rooms: Vec<String> = (0..40).map(|n| format!("presence-{n}")).collect();
    let names: Vec<&str> = rooms.iter().map(String::as_str).collect();
    let _ann = cellar.stage.member("ann", &names);
    for room in &rooms {
        cellar.stage.hook.expect_event("member_added", room);
    }
    cellar.blink();
    // Half come back within the time, half do not.
    let (back, gone) = names.split_at(20);
    let mut ann = cellar.stage.member("ann", back);
    for room in gone {
        let told = ["channel_occupied", "member_added", "member_removed", "channel_vacated"];
        cellar.stage.hook.expect_names(room, &told);
    }
    for room in back {
        ann.unsubscribe(room);
        let told = ["channel_occupied", "member_added", "member_removed", "channel_vacated"];
        cellar.stage.hook.expect_names(room, &told);
    }
}

// webhooks: P3
#[test]
fn with_durability_process_a_loss_of_power_may_take_what_was_told() {
    let mut cellar = Cellar::with("process");
    let _client = cellar.stage.member("", &["room"]);
    cellar.stage.hook.expect_event("channel_occupied", "room");
    assert!(cellar.blink() > 0, "nothing was lost: the shim does not work");
    let _client = cellar.stage.member("", &["room", "marker"]);
    cellar.stage.hook.expect_event("channel_occupied", "marker");
    cellar.stage.hook.expect_names("room", &["channel_occupied", "channel_occupied"]);
}

// webhooks: P4
#[test]
fn the_end_of_the_process_alone_takes_nothing_with_durability_process() {
    let mut cellar = Cellar::with("process");
    let _client = cellar.stage.member("", &["room"]);
    cellar.stage.hook.expect_event("channel_occupied", "room");
    cellar.stage.server.crash();
    cellar.stage.server.restart();
    let _client = cellar.stage.member("", &["room", "marker"]);
    cellar.stage.hook.expect_event("channel_occupied", "marker");
    assert_eq!(transitions(&cellar.stage.hook, "room"), ["channel_occupied"]);
}

// webhooks: P11
#[test]
fn on_a_full_disk_clients_are_served_and_what_waited_is_told_when_there_is_room() {
    let cellar = Cellar::with("power");
    let is_durable = || {
        let ready = cellar.stage.server.http(&Request::get("/ready"));
        assert_eq!(ready.status, 200);
        ready.json()["webhooks"]["durable"] == true
    };
    let mut ann = cellar.stage.member("ann", &["presence-room"]);
    cellar.stage.hook.expect_event("member_added", "presence-room");
    assert!(is_durable());
    cellar.power.fill(true);
    let mut bob = cellar.stage.member("bob", &["presence-room", "private-late"]);
    eventually("the server says that nothing is durable", || !is_durable());
    // Nothing of it delays what clients hear.
    ann.expect("pusher_internal:member_added");
    cellar.stage.server.api().publish("presence-room", "sold", "");
    assert_eq!(bob.expect("sold").channel(), Some("presence-room"));
    assert!(cellar.stage.hook.names_of("private-late").is_empty());
    cellar.power.fill(false);
    cellar.stage.hook.expect_event("channel_occupied", "private-late");
    let told = ["channel_occupied", "member_added", "member_added"];
    cellar.stage.hook.expect_names("presence-room", &told);
    eventually("the server says that it is durable again", is_durable);
}

// webhooks: P3
#[test]
fn with_announce_before_ack_nobody_is_admitted_to_a_channel_that_is_not_kept() {
    let app = app().with("announce_before_ack = true");
    let cellar = Cellar::of(app, &["grace_ms = 300"]);
    let stage = &cellar.stage;
    let mut ann = stage.member("ann", &["public-old"]);
    cellar.power.fill(true);
    let (mut bob, mut eve) = (stage.connect(), stage.connect());
    bob.ask("presence-new", Some(&user_data("bob")));
    eve.ask("presence-new", Some(&user_data("eve")));
    // Of a channel that is told of already, the log has nothing new to hold.
    bob.subscribe("public-old");
    eve.settle();
    let info = stage.server.api().channel("presence-new", "user_count");
    assert_eq!((&info["occupied"], &info["user_count"]), (&json!(true), &json!(2)));
    stage.server.api().publish("presence-new", "too-soon", "");
    stage.server.api().publish("public-old", "sold", "");
    assert_eq!(ann.expect("sold").channel(), Some("public-old"));
    assert_eq!(bob.message().event(), "sold", "it is not admitted yet");
    cellar.power.fill(false);
    for client in [&mut bob, &mut eve] {
        let succeeded = client.message();
        assert_eq!(succeeded.event(), "pusher_internal:subscription_succeeded");
        assert_eq!(succeeded.data()["presence"]["count"], 2);
    }
    stage.hook.expect_names("presence-new", &["channel_occupied", "member_added", "member_added"]);
}

// webhooks: P3
#[test]
fn with_announce_before_ack_who_was_admitted_is_told_of_whatever_happens_then() {
    let app = app().with("announce_before_ack = true");
    let mut cellar = Cellar::of(app, &["grace_ms = 300", "reconnect_ms = 300"]);
    let rooms: Vec<String> = (0..8).map(|n| format!("room-{n}")).collect();
    for room in &rooms {
        let _client = cellar.stage.member("", &[room]);
        cellar.blink();
    }
    for room in &rooms {
        cellar.stage.hook.expect_names(room, &["channel_occupied", "channel_vacated"]);
    }
}
