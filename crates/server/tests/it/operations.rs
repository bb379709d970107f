//! Health, metrics and the other things an operator asks for.

use std::os::unix::net::UnixStream;

use bellwire_testkit::{App, Config, Connection, Fallback, Request};
use serde_json::json;

use crate::support::{eventually, serve, server};

// contract: 12.1
#[test]
fn up_and_ready_answer_200_on_the_main_listener() {
    let server = server();
    for path in ["/up", "/ready"] {
        assert_eq!(server.http(&Request::get(path)).status, 200, "{path}");
    }
}

// contract: 17.4
#[test]
fn the_admin_listener_serves_health_and_metrics_without_a_token() {
    let server = serve(Config::with(App::new(1)).setting("admin_listen = \"{admin}\""));
    let mut admin = Connection::open(server.admin());
    for path in ["/up", "/ready", "/metrics"] {
        assert_eq!(admin.exchange(&Request::get(path)).status, 200, "{path}");
    }
    assert_eq!(server.http(&Request::get("/metrics")).status, 404);
    assert_eq!(admin.exchange(&Request::get("/apps/1001/channels")).status, 404);
}

// contract: 17.4
#[test]
fn metrics_on_the_main_listener_need_the_token() {
    let server = serve(Config::with(App::new(1)).setting("metrics_token = \"open-sesame\""));
    let metrics = |value: &str| {
        let request = Request::get("/metrics").header("Authorization", value);
        server.http(&request).status
    };
    assert_eq!(metrics("Bearer open-sesame"), 200);
    for wrong in ["Bearer open-sesam", "Bearer ", "open-sesame", "Basic b3Blbg==", ""] {
        assert!((400..500).contains(&metrics(wrong)), "{wrong}");
    }
    assert!((400..500).contains(&server.http(&Request::get("/metrics")).status));
}

// contract: 12.1
#[test]
fn a_unix_socket_can_be_listened_on() {
    let config = Config::with(App::new(1)).listen_also("unix:{dir}/bellwire.sock");
    let server = serve(config);
    let socket = UnixStream::connect(server.dir().join("bellwire.sock")).unwrap();
    let mut connection = Connection::over(socket);
    assert_eq!(connection.exchange(&Request::get("/up")).status, 200);
    let request = server.api().get("/channels").to_request();
    connection.exchange(&request).ok();
}

// contract: 1.1
#[test]
fn several_addresses_can_be_listened_on() {
    let config = Config::with(App::new(1)).listen_also("{admin}");
    let server = serve(config);
    let mut second = Connection::open(server.admin());
    assert_eq!(second.exchange(&Request::get("/up")).status, 200);
    server.connect().settle();
}

// contract: 17.4
#[test]
fn secrets_and_signatures_do_not_get_into_the_log() {
    let server = serve(Config::with(App::new(1)).setting("log = \"trace\""));
    let mut client = server.connect();
    client.subscribe("private-a");
    let auth = client.auth_for("private-a", None);
    client.sign_in(r#"{"id":"ann","user_info":{"card":"4111-1111"}}"#);
    let request = server.api().get("/channels");
    request.send().ok();
    server.api().publish("private-a", "x", "confidential-payload");
    client.expect("x");
    client.settle();
    let log = server.stderr();
    let signature = auth.split_once(':').unwrap().1;
    let api_signature = bellwire_testkit::hmac_hex("secret-1", &request.string_to_sign());
    for hidden in ["secret-1", signature, &api_signature, "4111-1111", "confidential-payload"] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
}

// contract: 4.14
#[test]
fn a_killed_server_comes_back_with_the_same_data_folder() {
    let shared = tempfile_dir();
    let config = || Config::with(App::new(1)).setting(&format!("data_dir = {shared:?}"));
    let mut first = serve(config());
    first.connect().subscribe("a");
    first.kill();
    first.wait();
    let second = serve(config());
    assert_eq!(second.api().channel("a", "")["occupied"], false);
    second.connect().subscribe("a");
}

/// A folder that outlives one server, below a folder that the test runner cleans.
fn tempfile_dir() -> String {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let dir = dir.join(format!("killed-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir.to_str().unwrap().to_owned()
}

// contract: B6.6
#[test]
fn memory_is_given_back_when_connections_go() {
    let server = server();
    let round = |number: u32| {
        let mut clients: Vec<_> = (0..300).map(|_| server.connect()).collect();
        for (n, client) in clients.iter_mut().enumerate() {
            client.subscribe(&format!("c-{n}"));
        }
        let fallback = Fallback::new(server.target(), "key-1", &format!("round{number:03}"));
        let mut stream = fallback.stream();
        stream.expect("pusher:connection_established");
        drop(clients);
        eventually("all channels are vacated", || {
            server.api().get("/channels").send().ok() == json!({ "channels": {} })
        });
    };
    round(0);
    let before = server.rss_bytes();
    for number in 1..=10 {
        round(number);
    }
    let growth = server.rss_bytes().saturating_sub(before);
    assert!(growth < 16 << 20, "grew by {growth} bytes over ten rounds");
}
