//! What an HTTP client must not send: bodies with every field wrong in turn, heads that never end,
//! and more bytes than anybody needs.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

use bellwire_testkit::{Connection, Request, Server, Target};
use serde_json::{Value, json};

use crate::support::{PATH, eventually, hears_nothing_before_a_marker, server};

/// A right body with this field replaced.
fn with(field: &str, value: &Value) -> Value {
    let mut body = json!({ "name": "x", "data": "", "channels": ["a"] });
    body[field] = value.clone();
    body
}

// contract: 12.5, 12.12
#[test]
fn each_field_of_a_publish_that_is_wrong_is_refused_with_400() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    let not_a_string =
        [json!(null), json!(1), json!(true), json!([]), json!(["x"]), json!({ "a": 1 })];
    for value in &not_a_string {
        for field in ["name", "data"] {
            assert_refused(&server, &with(field, value));
        }
        let mut body = with("channels", value);
        if value.as_array().is_none_or(|list| list.len() != 1) {
            assert_refused(&server, &body);
        }
        body = with("channels", &json!([value]));
        assert_refused(&server, &body);
        body = json!({ "name": "x", "data": "", "channel": value });
        assert_refused(&server, &body);
    }
    for channels in
        [json!("a"), json!([""]), json!(["a b"]), json!(["a", "#b"]), json!(["a", "n".repeat(165)])]
    {
        assert_refused(&server, &with("channels", &channels));
    }
    for (field, value) in [("socket_id", json!("x")), ("socket_id", json!(1)), ("info", json!(1))] {
        assert_refused(&server, &with(field, &value));
    }
    for missing in ["name", "data", "channels"] {
        let mut body = with("name", &json!("x"));
        body.as_object_mut().unwrap().remove(missing);
        assert_refused(&server, &body);
    }
    hears_nothing_before_a_marker(&server, "a", &mut [&mut client]);
}

#[track_caller]
fn assert_refused(server: &Server, body: &Value) {
    let response = server.api().events(body);
    assert_eq!(response.status, 400, "{body}: {}", response.text());
}

// contract: 12.12
#[test]
fn refusals_of_fields_use_the_words_of_live_pusher() {
    let server = server();
    let text = |body: &Value| server.api().events(body).text().to_owned();
    let name = text(&with("name", &json!(1)));
    assert!(name.contains("Expected name parameter to be a string"), "{name}");
    let channel = text(&with("channels", &json!([1])));
    assert!(channel.contains("Expected channel name to be a string"), "{channel}");
}

// contract: 12.5, 12.14
#[test]
fn a_body_that_is_no_json_object_is_refused_with_400() {
    let server = server();
    for path in ["/events", "/batch_events"] {
        for body in [
            &b"x"[..],
            b"{",
            b"[]",
            b"1",
            b"null",
            b"\"x\"",
            b"{} {}",
            b"\xff",
            b"{\"name\":\"\xff\"}",
            b"{'name':'x'}",
            b"\xef\xbb\xbf",
            b" ",
        ] {
            let response = server.api().request("POST", path).body(body).send();
            assert_eq!(response.status, 400, "{path} {body:?}: {}", response.text());
        }
        let response = server.api().request("POST", path).send();
        assert_eq!(response.status, 400, "{path} empty: {}", response.text());
    }
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let body = format!(r#"{{"name":"x","channel":"a","data":{deep}}}"#);
    let response = server.api().request("POST", "/events").body(body).send();
    assert_eq!(response.status, 400);
}

// contract: 12.14
#[test]
fn each_field_of_a_batch_that_is_wrong_is_refused_with_400() {
    let server = server();
    for batch in
        [json!(null), json!(1), json!("x"), json!({}), json!([1]), json!([[]]), json!([{}])]
    {
        let response = server.api().batch(&batch);
        assert_eq!(response.status, 400, "{batch}: {}", response.text());
    }
    let response = server.api().post("/batch_events", &json!({})).send();
    assert_eq!(response.status, 400);
    for field in ["name", "data", "channel", "socket_id", "info"] {
        for value in [json!(1), json!([]), json!({})] {
            let mut item = json!({ "name": "x", "data": "", "channel": "a" });
            item[field] = value;
            let response = server.api().batch(&json!([item]));
            assert_eq!(response.status, 400, "{item}: {}", response.text());
        }
    }
}

// contract: 12.5
#[test]
fn unknown_fields_of_a_publish_are_ignored() {
    let server = server();
    let mut client = server.connect();
    client.subscribe("a");
    server.api().events(&with("later_library", &json!({ "x": [1] }))).ok();
    client.expect("x");
}

/// The answer to a request whose body does not stop, or `None` if the server hung up without one.
fn answer_to_a_flood(target: Target, head: &str, bytes: usize) -> Option<u16> {
    let stream = target.connect().unwrap();
    let mut writer = stream.tcp().try_clone().unwrap();
    let mut connection = Connection::over(stream);
    connection.write(head.as_bytes()).unwrap();
    let flood = thread::spawn(move || {
        let piece = vec![b'x'; 65_536];
        let mut left = bytes;
        while left > 0 && writer.write_all(&piece).is_ok() {
            left = left.saturating_sub(piece.len());
        }
        left
    });
    let status = connection.response().ok().map(|response| response.status);
    let _ = connection.stream().tcp().shutdown(Shutdown::Both);
    flood.join().unwrap();
    status
}

// contract: 12.3
#[test]
fn an_unsigned_post_of_200_mb_is_refused_without_growing_the_memory() {
    let server = server();
    server.api().publish("a", "x", "");
    let before = server.rss_bytes();
    let bytes = 200 << 20;
    let head = |query: &str| {
        format!(
            "POST /apps/1001/events{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {bytes}\r\n\r\n"
        )
    };
    let query = "?auth_key=key-1&auth_timestamp=1&auth_version=1.0&body_md5=0&auth_signature=0";
    for head in [head(""), head(query)] {
        let status = answer_to_a_flood(server.target(), &head, bytes);
        assert!(matches!(status, None | Some(400 | 401 | 413)), "{status:?}");
        let growth = server.rss_bytes().saturating_sub(before);
        assert!(growth < 48 << 20, "grew by {growth} bytes");
    }
    server.api().publish("a", "x", "");
}

// contract: 12.3
#[test]
fn a_chunked_body_without_end_is_refused_without_growing_the_memory() {
    let server = server();
    server.api().publish("a", "x", "");
    let before = server.rss_bytes();
    let bytes = 200 << 20;
    let head = format!(
        "POST /apps/1001/events?auth_key=key-1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n"
    );
    let status = answer_to_a_flood(server.target(), &head, bytes);
    assert!(matches!(status, None | Some(400 | 401 | 413)), "{status:?}");
    let growth = server.rss_bytes().saturating_sub(before);
    assert!(growth < 48 << 20, "grew by {growth} bytes");
}

// contract: 12.13
#[test]
fn a_signed_body_of_many_megabytes_is_refused_with_413() {
    let server = server();
    let body = json!({ "name": "x", "channel": "a", "data": "d".repeat(64 << 20) }).to_string();
    let request = server.api().request("POST", "/events").body(body).to_request();
    let head_end = request.to_bytes().windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(request.to_bytes()[..head_end].to_vec()).unwrap();
    let status = answer_to_a_flood(server.target(), &head, request.body.len());
    assert!(matches!(status, None | Some(413)), "{status:?}");
    server.api().publish("a", "x", "");
}

// contract: 12.1
#[test]
fn what_is_not_http_is_refused_and_the_server_goes_on() {
    let server = server();
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\0\0\r\n\r\n",
        b"GET /apps HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /apps HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /apps HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /app/key-1 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ] {
        let mut connection = Connection::open(server.target());
        connection.write(bytes).unwrap();
        let _ = connection.stream().tcp().shutdown(Shutdown::Write);
        match connection.response() {
            Ok(response) => assert!(response.status >= 400, "{bytes:?}: {}", response.status),
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "{bytes:?}"),
        }
    }
    server.connect().settle();
}

// contract: 12.1
#[test]
fn enormous_heads_are_refused() {
    let server = server();
    let long = "x".repeat(1 << 20);
    for request in [Request::get(&format!("/{long}")), Request::get("/up").header("X-Long", &long)]
    {
        let mut connection = Connection::open(server.target());
        let written = connection.write(&request.to_bytes());
        if let Ok(response) = connection.response() {
            assert!((400..500).contains(&response.status), "{}", response.status);
        } else {
            let _ = written;
        }
    }
    let mut many = Request::get("/up");
    for n in 0..5000 {
        many = many.header(&format!("X-{n}"), "1");
    }
    let mut connection = Connection::open(server.target());
    if let Ok(response) = connection.try_exchange(&many) {
        assert!((400..500).contains(&response.status), "{}", response.status);
    }
    server.connect().settle();
}

// contract: 12.1
#[test]
fn heads_that_dribble_in_do_not_keep_others_out_and_are_given_up() {
    let server = server();
    let mut slow: Vec<_> = (0..100)
        .map(|_| {
            let mut connection = Connection::open(server.target());
            connection.write(b"GET /up HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
            connection
        })
        .collect();
    server.connect().settle();
    server.api().publish("a", "x", "");
    let mut is_ended = vec![false; slow.len()];
    eventually_within_a_minute("every slow head is given up", || {
        for (connection, is_ended) in slow.iter_mut().zip(&mut is_ended) {
            *is_ended = *is_ended || connection.write(b"x").is_err() || has_ended(connection);
        }
        is_ended.iter().all(|ended| *ended)
    });
    server.connect().settle();
}

fn has_ended(connection: &Connection) -> bool {
    let mut tcp = connection.stream().tcp();
    tcp.set_nonblocking(true).unwrap();
    let ended = match tcp.read(&mut [0; 256]) {
        Ok(_) => true,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    tcp.set_nonblocking(false).unwrap();
    ended
}

fn eventually_within_a_minute(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..240 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(250));
    }
    panic!("never came true: {what}");
}

// contract: 1.1
#[test]
fn a_thousand_half_open_upgrades_that_go_away_leave_nothing_behind() {
    let server = server();
    for _ in 0..1000 {
        let mut connection = Connection::open(server.target());
        let request = bellwire_testkit::Wire::upgrade(PATH).to_bytes();
        connection.write(&request[..request.len() - 1]).unwrap();
        connection.abort();
    }
    eventually("an upgrade works", || {
        let mut client = server.open(PATH);
        client.message().event() == "pusher:connection_established"
    });
}
