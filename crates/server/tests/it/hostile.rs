//! Clients that mean harm, or that only have bad luck: each of these once cost memory, time or truth.

use std::io::Write;
use std::net::Shutdown;

use bellwire_testkit::{
    App, Config, Connection, Fallback, Opcode, PATIENCE, Request, Server, Wire, WireFrame,
};
use serde_json::json;

use crate::support::{PATH, binary, eventually, serve, server};

fn subscribe(channel: &str) -> String {
    json!({ "event": "pusher:subscribe", "data": { "channel": channel } }).to_string()
}

// contract: 4.14
#[test]
fn a_goodbye_that_comes_together_with_data_is_noticed() {
    let server = server();
    for n in 0..50 {
        let mut wire = Wire::open(server.target(), PATH);
        wire.text();
        wire.send(&WireFrame::text(&subscribe(&format!("room-{n}"))));
        assert!(wire.text().contains("subscription_succeeded"));
        wire.send(&WireFrame::new(Opcode::Pong, ""));
    }
    eventually("nobody is left behind", || {
        server.api().get("/channels").send().ok() == json!({ "channels": {} })
    });
}

#[test]
fn a_flood_of_pings_that_nobody_reads_ends_at_the_cap() {
    let server = server();
    let before = server.rss_bytes();
    let mut wire = Wire::open(server.target(), PATH);
    wire.text();
    let pings = WireFrame::new(Opcode::Ping, "").to_bytes().repeat(10_000);
    let sent = (0..2000).take_while(|_| wire.try_send_bytes(&pings).is_ok()).count();
    assert!(sent < 2000, "20 million pings were taken");
    let growth = server.rss_bytes().saturating_sub(before);
    assert!(growth < 32 << 20, "grew by {growth} bytes");
    server.connect().settle();
}

// contract: B6.3
#[test]
fn a_fallback_session_that_the_server_ended_is_forgotten_even_if_nobody_fetches_the_end() {
    let server = server();
    let fallback = Fallback::new(server.target(), "key-1", "abandons");
    fallback.poll();
    let rubbish = vec!["rubbish".to_owned(); 10];
    assert_eq!(fallback.send(&rubbish).status, 204);
    eventually("the session is forgotten", || fallback.send(&[]).status == 404);
}

// contract: B6.6
#[test]
fn a_fallback_takes_no_larger_messages_than_a_socket() {
    let server = server();
    let fallback = Fallback::new(server.target(), "key-1", "largest1");
    let mut stream = fallback.stream();
    stream.expect("pusher:connection_established");
    let long = subscribe(&"x".repeat(70_000));
    assert_eq!(fallback.send(&[long]).status, 204);
    assert_eq!(stream.close_code(), 1009);
}

// contract: B6.2
#[test]
fn a_send_to_an_unknown_session_is_refused_before_its_body_is_kept() {
    let server = server();
    let head = "POST /pusher/app/key-1/1/nosession/xhr_send?t=1&n=1 HTTP/1.1\r\nHost: x\r\n\
                Content-Length: 1000000\r\n\r\n";
    let mut connection = Connection::open(server.target());
    connection.write(head.as_bytes()).unwrap();
    assert_eq!(connection.head().unwrap().status, 404);
}

// contract: 1.14
#[test]
fn a_proxy_that_adds_a_line_of_its_own_is_heard_last() {
    let app = App::new(1).with("force_tls = true");
    let server = serve(Config::with(app).setting("trusted_proxies = [\"127.0.0.0/8\"]"));
    let spoofed = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")];
    server.open_with(PATH, &spoofed).expect_refusal(4000);
}

#[test]
fn an_empty_metrics_token_opens_nothing() {
    let server = serve(Config::with(App::new(1)).setting("metrics_token = \"\""));
    assert_eq!(server.http(&Request::get("/metrics")).status, 404);
}

#[test]
fn a_file_that_is_no_socket_is_not_removed() {
    let folder = tempfile_dir();
    let file = folder.join("precious");
    std::fs::write(&file, "keep me").unwrap();
    let toml = format!(
        "[server]\nlisten = \"unix:{}\"\ndata_dir = \"{}\"\n",
        file.display(),
        folder.join("data").display()
    );
    let refusal = Server::refused(&binary(), &toml);
    assert!(refusal.stderr.contains("cannot listen"), "{}", refusal.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "keep me");
    std::fs::remove_dir_all(folder).unwrap();
}

fn tempfile_dir() -> std::path::PathBuf {
    let name = format!("hostile-{}", std::process::id());
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

// contract: 1.8, 11.4
#[test]
fn a_slow_reader_over_tls_still_hears_why_it_is_sent_away() {
    let server = serve(Config::with(App::new(1).with("max_event_bytes = 60000")).tls());
    let mut client = server.connect();
    client.subscribe("news");
    client.sign_in(r#"{"id":"ann"}"#);
    let data = "x".repeat(50_000);
    for _ in 0..15 {
        server.api().publish("news", "e", &data);
    }
    server.api().terminate("ann");
    std::thread::sleep(PATIENCE / 60);
    for _ in 0..15 {
        client.expect("e");
    }
    assert_eq!(client.expect_error().error_code(), Some(4009));
    assert_eq!(client.expect_close().code, 4009);
}

#[test]
fn half_a_request_and_a_goodbye_cost_nothing() {
    let server = server();
    for _ in 0..200 {
        let mut stream = std::net::TcpStream::connect(server.target().addr).unwrap();
        stream.write_all(b"GET /app/key-1?protocol=7 HTTP/1.1\r\nUpgr").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    }
    server.connect().settle();
}
