//! `bellwire cluster`, `bellwire db`, and the other commands on a database that nodes share.

use std::path::Path;

use bellwire_testkit::{App, Config};
use serde_json::json;

use super::{Engines, PASSWORD, becomes};
use crate::cli::listen::Listening;
use crate::cli::{Run, run, run_in};
use crate::support::{eventually, serve};

/// An empty folder.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// The command with this database, whose password nobody may see.
#[track_caller]
fn on(engines: &Engines, args: &[&str]) -> Run {
    let run =
        run_in(folder().path(), &[args, &["--database", &engines.url_with_password()]].concat());
    assert!(!run.out.contains(PASSWORD) && !run.err.contains(PASSWORD), "{run:?}");
    run
}

#[test]
fn the_status_lists_the_nodes_and_its_code_says_whether_all_is_well() {
    let engines = Engines::start();
    let (one, mut two) = (engines.node("one"), engines.node("two"));
    [&one, &two].into_iter().for_each(|node| becomes(node, &[]));
    eventually("well", || on(&engines, &["cluster", "status"]).code == 0);
    let table = run(&one, &["cluster", "status"]).ok();
    let rows: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "ADDRESS", "VERSION", "STATE", "AGE", "LEASE", "DESK", "ID"]);
    assert_eq!((rows.len(), rows[1][0], rows[2][0]), (3, "one", "two"));
    assert_eq!(rows[1][1], one.target().addr.to_string());
    assert_eq!(table.matches(" here ").count(), 1, "{table}");
    let status = on(&engines, &["cluster", "status", "--json"]).json();
    assert_eq!((&status["ok"], &status["troubles"]), (&json!(true), &json!([])));
    assert_eq!(status["nodes"][1]["state"], "up");
    two.crash();
    eventually("gone", || on(&engines, &["cluster", "status"]).code == 1);
    let gone = on(&engines, &["cluster", "status"]);
    assert!(gone.err.contains("the node two (") && gone.err.contains("is gone"), "{gone:?}");
    assert!(gone.out.contains("gone"), "{gone:?}");
    // It comes back under its name.
    two.restart();
    eventually("well", || on(&engines, &["cluster", "status"]).code == 0);
}

#[test]
fn a_database_is_migrated_and_told_from_which_version() {
    let engines = Engines::start();
    let none = on(&engines, &["cluster", "status"]);
    none.fails(3, &["there is no Bellwire in the database", "db migrate"]);
    assert_eq!(engines.database.ask("SELECT count(*) FROM pg_tables WHERE tablename = 'app'"), "0");
    let made = on(&engines, &["db", "migrate", "--json"]).json();
    assert_eq!(made["from"], 0);
    assert!(made["to"].as_u64() > Some(0));
    let again = on(&engines, &["db", "migrate"]).ok();
    assert!(again.contains("already"), "{again}");
    engines.database.ask("UPDATE schema_version SET version = 9999");
    on(&engines, &["db", "migrate"]).fails(1, &["use a newer Bellwire"]);
    let here = folder();
    for args in [["db", "migrate"], ["cluster", "status"]] {
        run_in(here.path(), &args).fails(2, &["no database of a cluster is named"]);
    }
    let nobody = format!("postgres://ann:{PASSWORD}@127.0.0.1:1/none");
    let away = run_in(here.path(), &["cluster", "status", "--database", &nobody]);
    away.fails(5, &["cannot connect to the database 127.0.0.1:1/none"]);
    assert!(!away.err.contains(PASSWORD), "{away:?}");
}

#[test]
fn what_a_single_server_has_is_copied_once_it_is_stopped() {
    let engines = Engines::start();
    let url = engines.url_with_password();
    let mut server = serve(Config::with(App::new(1)));
    let data = server.dir().join("data");
    let data = data.to_str().unwrap();
    run(&server, &["apps", "create", "--id", "2001", "--name", "Moved"]).ok();
    run(&server, &["webhooks", "add", "2001", "http://127.0.0.1:9/hook"]).ok();
    let copy = || run_in(folder().path(), &["db", "copy", "--data-dir", data, "--to", &url]);
    copy().fails(1, &["a server runs on", "stop it first"]);
    server.terminate();
    server.wait();
    let copied = copy();
    assert!(copied.err.contains("Next:") && !copied.err.contains(PASSWORD), "{copied:?}");
    let table = copied.ok();
    for row in ["app 1", "endpoint 1"] {
        let (name, rows) = row.split_once(' ').unwrap();
        let found = table.lines().any(|line| line.split_whitespace().eq([name, rows]));
        assert!(found, "{row} is not in:\n{table}");
    }
    let apps = on(&engines, &["apps", "list", "--json"]).json();
    assert_eq!((&apps[0]["id"], &apps[0]["name"]), (&json!("2001"), &json!("Moved")));
    copy().fails(1, &["already"]);
    // What it had stays as it is.
    let old = run_in(folder().path(), &["apps", "list", "--data-dir", data, "--json"]).json();
    assert_eq!(old[0]["id"], "2001");
    let empty = folder();
    let none = ["db", "copy", "--data-dir", empty.path().to_str().unwrap(), "--to", &url];
    run_in(empty.path(), &none).fails(3, &["there is no Bellwire database in"]);
    assert!(is_empty(empty.path()));
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn the_other_commands_work_on_a_shared_database_too() {
    let engines = Engines::start();
    on(&engines, &["apps", "create", "--id", "2001", "--name", "Shop"]).ok();
    assert!(on(&engines, &["apps", "list"]).ok().contains("Shop"));
    on(&engines, &["apps", "show", "9"]).fails(3, &["there is no app 9 in 127.0.0.1:"]);
    on(&engines, &["webhooks", "add", "2001", "http://127.0.0.1:9/hook"]).ok();
    assert!(on(&engines, &["webhooks", "list", "2001"]).ok().contains("http://127.0.0.1:9/hook"));
    on(&engines, &["people", "create-operator", "ann@example.com"]).ok();
    assert!(on(&engines, &["people", "list"]).ok().contains("ann@example.com"));
    on(&engines, &["tokens", "create", "--name", "CI"]).ok();
    assert!(on(&engines, &["tokens", "list"]).ok().contains("CI"));
    let here = folder();
    let listening = Listening::start(here.path(), &["--database", &engines.url_with_password()]);
    let told = listening.note("to add it");
    assert!(told.contains("webhooks add 2001") && !told.contains(PASSWORD), "{told}");
}

#[test]
fn the_environment_names_the_database_as_it_does_for_a_server() {
    let engines = Engines::start();
    on(&engines, &["apps", "create", "--id", "2001"]).ok();
    let here = folder();
    let list = |args: &[&str]| {
        let args = [&["apps", "list", "--json"], args].concat();
        let mut command = crate::cli::command(here.path(), &args);
        command.env("BELLWIRE_DATABASE", engines.database.url()).output().unwrap().stdout
    };
    assert!(String::from_utf8(list(&[])).unwrap().contains("2001"));
    // A folder that is named on the command line is meant.
    assert!(!String::from_utf8(list(&["--data-dir", "elsewhere"])).unwrap().contains("2001"));
}
