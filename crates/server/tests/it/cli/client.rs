//! Client commands: `trigger`, `channels`, `users`, and how they find server and app.

use bellwire_testkit::{App, Config};
use serde_json::json;

use super::{address, ask, ask_with_stdin, command, run, run_in};
use crate::support::{featured, serve, serve_app, server};

// contract: 12.5, 3.7
#[test]
fn an_event_is_published_as_it_was_typed() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("my-channel");
    let data = r#"{"a": "ü\n"}"#;
    let said = ask(&server, &["trigger", "my-channel", "my-event", data]).ok();
    assert_eq!(said, "published my-event on my-channel\n");
    assert_eq!(client.expect("my-event").data_text(), data);
    ask(&server, &["trigger", "my-channel", "my-event", "-5"]).ok();
    assert_eq!(client.expect("my-event").data_text(), "-5");
    ask_with_stdin(&server, &["trigger", "my-channel", "piped", "-"], "two\nlines\n").ok();
    assert_eq!(client.expect("piped").data_text(), "two\nlines");
}

// contract: 12.6, 12.7, 17.1
#[test]
fn several_channels_an_exclusion_and_info_are_passed_on() {
    let server = serve_app(featured());
    let (mut ann, mut bob) = (server.connect(), server.connect());
    let socket_id = ann.socket_id();
    for client in [&mut ann, &mut bob] {
        client.subscribe("a");
        client.drain();
    }
    bob.drain();
    let args = ["trigger", "a", "e", "1", "--channel", "b", "--socket-id", &socket_id];
    assert_eq!(ask(&server, &args).ok(), "published e on 2 channels\n");
    bob.expect("e");
    let info = [&args[..], &["--info", "subscription_count"]].concat();
    let table = ask(&server, &info).ok();
    assert_eq!(table, "CHANNEL  SUBSCRIPTION_COUNT\na        2\nb        0\n");
    let json = ask(&server, &[&info[..], &["--json"]].concat()).json();
    assert_eq!(json["channels"]["a"]["subscription_count"], 2);
    bob.expect("e");
    bob.expect("e");
    ann.drain();
    server.api().publish("a", "marker", "");
    ann.expect("marker");
}

// contract: 12.3, 13.11
#[test]
fn a_refusal_is_told_with_its_code_and_without_a_secret() {
    let server = server();
    let wrong = ["trigger", "a", "b", "c", "--key", "key-1", "--secret", "geheim"];
    let refused = ask(&server, &wrong);
    refused.fails(4, &["answered 401", "Invalid signature", "hint: --app-id, --key"]);
    assert!(!refused.err.contains("geheim") && !refused.err.contains("secret-1"), "{refused:?}");
    let keys = ["--app-id", "4711", "--key", "k", "--secret", "s"];
    let unknown = [&["channels", "list"][..], &keys].concat();
    ask(&server, &unknown).fails(3, &["404", "is 4711 an app"]);
    ask(&server, &["trigger", "a", "b", &"x".repeat(10_241)]).fails(4, &["413", "10240"]);
    ask(&server, &["trigger", "bad name", "b", "c"]).fails(4, &["400"]);
    ask(&server, &["channels", "show", "a", "--info", "user_count"]).fails(4, &["presence"]);
    ask(&server, &["channels", "list", "--info", "nonsense"]).fails(4, &["400"]);
    ask(&server, &["channels", "users", "a"]).fails(4, &["presence"]);
}

// contract: 12.16, 12.18, 12.19
#[test]
fn channels_and_their_users_are_shown() {
    let server = serve_app(featured());
    let empty = ask(&server, &["channels", "list"]);
    assert!(empty.err.contains("no such channel"), "{empty:?}");
    assert_eq!(empty.ok(), "");
    let mut client = server.connect();
    client.subscribe("a");
    client.drain();
    client.join("presence-r", r#"{"user_id":"ann"}"#);
    assert_eq!(ask(&server, &["channels", "list"]).ok(), "CHANNEL\na\npresence-r\n");
    let users = ["channels", "list", "--prefix", "presence-", "--info", "user_count"];
    assert_eq!(ask(&server, &users).ok(), "CHANNEL     USER_COUNT\npresence-r  1\n");
    let json = ask(&server, &[&users[..], &["--json"]].concat()).json();
    assert_eq!(json, json!({ "channels": { "presence-r": { "user_count": 1 } } }));
    let show = ["channels", "show", "presence-r", "--info", "user_count,subscription_count"];
    let shown = ask(&server, &show).ok();
    assert!(shown.contains("occupied            true"), "{shown}");
    assert!(shown.contains("subscription_count  1"), "{shown}");
    assert_eq!(ask(&server, &[&show[..], &["--json"]].concat()).json()["user_count"], 1);
    assert_eq!(ask(&server, &["channels", "users", "presence-r"]).ok(), "ann\n");
    let nobody = ask(&server, &["channels", "users", "presence-x", "--json"]);
    assert_eq!(nobody.json(), json!({ "users": [] }));
}

// contract: 11.1, 11.5
#[test]
fn a_users_connections_are_ended() {
    let server = server();
    for id in ["ann", "a=b@c"] {
        let mut client = server.connect();
        client.sign_in(&json!({ "id": id }).to_string());
        let said = ask(&server, &["users", "terminate", id]).ok();
        assert_eq!(said, format!("ended the connections of user {id}\n"));
        client.expect_refusal(4009);
    }
    assert_eq!(ask(&server, &["users", "terminate", "a b", "--json"]).json(), json!({}));
}

// contract: 12.1
#[test]
fn the_app_is_found_by_flags_then_environment_then_folder() {
    let server = serve(Config::with(App::new(1)).app(App::new(2)));
    let list = ["channels", "list"];
    ask(&server, &list).fails(2, &["which app?", "--app-id names one", "1001", "1002"]);
    ask(&server, &["channels", "list", "--app-id", "1002"]).ok();
    ask(&server, &["channels", "list", "--key", "key-2"]).ok();
    ask(&server, &["channels", "list", "--app-id", "9"]).fails(3, &["no such app", "apps list"]);
    ask(&server, &["channels", "list", "--secret", "s"]).fails(2, &["--key"]);
    let elsewhere = server.dir().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    run_in(&elsewhere, &list).fails(2, &["which app?", "PUSHER_APP_ID"]);
    let mut in_environment = command(&elsewhere, &list);
    in_environment
        .env("BELLWIRE_HOST", address(&server))
        .env("PUSHER_APP_ID", "1002")
        .env("PUSHER_APP_KEY", "key-2")
        .env("PUSHER_APP_SECRET", "secret-2");
    assert_eq!(in_environment.status().unwrap().code(), Some(0));
    let config = ["--config", "../bellwire.toml", "--app-id", "1001", "--host", &address(&server)];
    run_in(&elsewhere, &[&list[..], &config].concat()).ok();
    // Only some of the variables name an app of the folder, and declare none.
    let mut half = command(server.dir(), &list);
    half.env("BELLWIRE_HOST", address(&server)).env("PUSHER_APP_ID", "1002");
    assert_eq!(half.status().unwrap().code(), Some(0));
    let mut flag = command(server.dir(), &["channels", "list", "--host", &address(&server)]);
    flag.env("BELLWIRE_HOST", "http://127.0.0.1:1")
        .env("PUSHER_APP_ID", "")
        .args(["--app-id", "1001"]);
    assert_eq!(flag.status().unwrap().code(), Some(0));
}

// contract: 12.1
#[test]
fn a_server_that_is_not_there_is_code_5_and_a_wrong_address_code_2() {
    let server = server();
    let at = |host: &str| run(&server, &["channels", "list", "--host", host]);
    at("http://127.0.0.1:1").fails(5, &["http://127.0.0.1:1 cannot be reached", "hint: "]);
    at("http://no-such-host.invalid").fails(5, &["no-such-host.invalid"]);
    for host in ["localhost:6001", "ftp://localhost", "http://a:99999", "http://user@a/"] {
        at(host).fails(2, &[host, "--host is like http://127.0.0.1:6001"]);
    }
    let cluster = ["channels", "list", "--cluster", "mt1"];
    run(&server, &cluster).fails(2, &["needs all of its credentials"]);
    let both = [&cluster[..], &["--host", "http://a"]].concat();
    run(&server, &both).fails(2, &["cannot be used with"]);
    let keys = ["--app-id", "1", "--key", "k", "--secret", "s", "--cluster", "e/u"];
    run(&server, &[&cluster[..2], &keys].concat()).fails(2, &["no cluster of Pusher"]);
}

// contract: 1.2, 12.1
#[test]
fn a_path_prefix_is_part_of_the_address() {
    let server = serve(Config::with(App::new(1)).setting("path_prefix = \"/sub/dir\""));
    let host = format!("{}/sub/dir/", address(&server));
    run(&server, &["trigger", "a", "b", "c", "--host", &host]).ok();
    run(&server, &["channels", "show", "a=@,;b", "--host", &host]).ok();
}

// contract: 12.1
#[test]
fn a_certificate_is_believed_only_if_it_can_be_or_need_not_be() {
    let server = serve(Config::with(App::new(1)).tls());
    let list = ["channels", "list"];
    ask(&server, &list).fails(5, &["certificate", "hint: --ca-cert", "--insecure"]);
    ask(&server, &[&list[..], &["--insecure"]].concat()).ok();
    let other = ["--ca-cert", "key.pem"];
    ask(&server, &[&list[..], &other].concat()).fails(1, &["--ca-cert key.pem"]);
    let missing = ["--ca-cert", "missing.pem"];
    ask(&server, &[&list[..], &missing].concat()).fails(1, &["--ca-cert missing.pem"]);
}
