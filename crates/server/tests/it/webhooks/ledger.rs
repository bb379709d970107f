//! What the database says, changed behind the server's back: a log that is broken on purpose, and an
//! endpoint that has failed for days.

use std::path::Path;
use std::process::Command;

use bellwire_testkit::{Answer, Config, Receiver, Webhook, database};
use serde_json::Value;

use super::stage::{HOOK, SHORT_GRACE, Stage, app, mark};
use crate::support::{binary, eventually};

const FILE: &str = "bellwire.db";

/// `bellwire webhooks verify` of a folder; whether it succeeded, and what it found.
#[track_caller]
fn verify(data_dir: &Path) -> (bool, Value) {
    let mut command = Command::new(binary());
    command.args(["webhooks", "verify", "--json", "--data-dir"]).arg(data_dir);
    let output = command.current_dir(data_dir).output().unwrap();
    let json = serde_json::from_slice(&output.stdout);
    (output.status.success(), json.unwrap_or_else(|_| panic!("{output:?}")))
}

/// Runs a statement on a copy of the database, and verifies it.
#[track_caller]
fn verify_changed(data_dir: &Path, sql: &str) -> (bool, Value) {
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join(FILE);
    database::copy(&data_dir.join(FILE), &file);
    assert!(database::execute(&file, sql) > 0, "{sql} changes nothing");
    verify(copy.path())
}

// webhooks: P1
#[test]
fn a_break_of_alternation_in_a_copy_of_a_real_database_is_found() {
    let stage = Stage::with(app(), &[SHORT_GRACE]);
    let told = |room: usize, public: usize| {
        eventually("everything is told", || {
            let names = |channel| stage.hook.names_of(channel).len();
            names("presence-room") == room && names("public") == public
        });
    };
    for life in 1..=2 {
        stage.member("ann", &["presence-room", "public"]).leave();
        told(4 * life, 2 * life);
    }
    let _ann = stage.member("ann", &["presence-room"]);
    told(10, 4);
    let data = stage.server.dir().join("data");
    let (ok, real) = verify(&data);
    assert!(ok && real["ok"] == true, "{real}");
    for broken in [
        // One of two events of a life is missing; its place is, too.
        "DELETE FROM event WHERE seq = (SELECT min(seq) FROM event WHERE kind = 2)",
        "UPDATE event SET kind = 1 WHERE seq = (SELECT min(seq) FROM event WHERE kind = 2)",
        "UPDATE event SET kind = 3 WHERE seq = (SELECT min(seq) FROM event WHERE kind = 4)",
        "DELETE FROM announced WHERE user = 'ann'",
        "DELETE FROM announced WHERE user = ''",
    ] {
        let (ok, found) = verify_changed(&data, broken);
        assert!(!ok && found["ok"] == false, "{broken}: {found}");
        assert!(!found["broken"].as_array().unwrap().is_empty(), "{broken}: {found}");
    }
    let (ok, real) = verify(&data);
    assert!(ok, "the original is as it was: {real}");
}

// contract: 16.5
#[test]
fn an_endpoint_that_has_failed_for_days_is_disabled_at_its_next_failure() {
    let receiver = Receiver::start();
    let app = app()
        .webhook(Webhook::to(&receiver.url(HOOK)))
        .webhook(Webhook::to(&receiver.url("/control")));
    let config = Config::with(app).webhooks("disable_after_hours = 72");
    let mut stage = Stage::over(receiver, config, &[SHORT_GRACE]);
    stage.hook.always(Answer::status(500));
    let client = stage.member("", &["public"]);
    stage.hook.expect_requests(2);
    drop(client);
    stage.server.terminate();
    stage.server.wait();
    let days_ago = "UPDATE endpoint SET failing_since_ms = failing_since_ms - 3 * 24 * 3600 * 1000
        WHERE failing_since_ms IS NOT NULL";
    assert_eq!(database::execute(&stage.server.dir().join("data").join(FILE), days_ago), 1);
    stage.server.restart();
    let disabled = || {
        let args = ["webhooks", "list", "--json"];
        let output = Command::new(binary()).args(args).current_dir(stage.server.dir()).output();
        String::from_utf8(output.unwrap().stdout).unwrap().contains("\"failing\"")
    };
    eventually("it is disabled because it fails", disabled);
    let asked = stage.hook.requests().len();
    let mut client = stage.member("", &["private-other"]);
    mark(&stage.receiver.hook("/control"), &mut client, "private-other");
    assert_eq!(stage.hook.requests().len(), asked, "it is asked no more");
}
