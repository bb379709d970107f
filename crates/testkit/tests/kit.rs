//! The kit against servers whose behaviour is known, so that a failing test points at Bellwire.
#![allow(clippy::unwrap_used, reason = "this is test code: a panic is how a failure is told")]

use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use bellwire_testkit::{
    Api, Client, Connection, Fallback, FallbackFrame, Incoming, Opcode, Request, Target, Wire,
    WireFrame,
};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket};

/// Serves one connection with `serve` in the background.
fn serving(serve: impl FnOnce(TcpStream) + Send + 'static) -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || serve(listener.accept().unwrap().0));
    Target { addr, tls: false }
}

fn speaking(serve: impl FnOnce(WebSocket<TcpStream>) + Send + 'static) -> Target {
    serving(move |tcp| serve(tungstenite::accept(tcp).unwrap()))
}

/// Serves one HTTP request with these bytes.
fn answering(bytes: &'static [u8]) -> Target {
    serving(move |mut tcp| {
        let mut request = [0; 4096];
        assert!(tcp.read(&mut request).unwrap() > 0);
        tcp.write_all(bytes).unwrap();
    })
}

fn echo_until_closed(mut socket: WebSocket<TcpStream>) {
    while let Ok(message) = socket.read() {
        if message.is_text() {
            socket.send(message).unwrap();
        }
    }
}

#[test]
fn the_client_reads_a_refusal() {
    let target = speaking(|mut socket| {
        let error = r#"{"event":"pusher:error","data":{"code":4001,"message":"no"}}"#;
        socket.send(Message::text(error)).unwrap();
        let close = CloseFrame { code: 4001.into(), reason: "no".into() };
        socket.close(Some(close)).unwrap();
        echo_until_closed(socket);
    });
    let mut client = Client::open(target, "/app/x?protocol=7", &[]);
    assert_eq!(client.expect_refusal(4001), "no");
}

#[test]
fn a_connection_that_drops_is_1006() {
    let target = speaking(drop);
    let mut client = Client::open(target, "/", &[]);
    assert_eq!(client.expect_close().code, 1006);
}

#[test]
fn the_client_pings_and_hears_pongs() {
    let mut client = Client::open(speaking(echo_until_closed), "/", &[]);
    client.ping(b"x");
    assert!(matches!(client.incoming(), Incoming::Pong(payload) if payload == b"x"));
    client.send(r#"{"event":"a","data":"1"}"#);
    assert_eq!(client.expect("a").data_text(), "1");
    client.leave();
}

#[test]
fn hand_made_frames_of_every_length_are_understood_by_a_library() {
    let mut wire = Wire::open(speaking(echo_until_closed), "/");
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 200_000] {
        let text = "x".repeat(length);
        wire.send(&WireFrame::text(&text));
        assert_eq!(wire.text(), text);
    }
    wire.send(&WireFrame::text("a").unfinished());
    wire.send(&WireFrame::new(Opcode::Continuation, "b"));
    assert_eq!(wire.text(), "ab");
    wire.send(&WireFrame::close(4999));
    assert_eq!(wire.close_code(), Some(4999));
}

#[test]
fn bodies_are_read_by_length_by_chunks_and_to_the_end() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    ] {
        let response = Connection::open(answering(bytes)).exchange(&Request::get("/"));
        assert_eq!((response.status, response.text()), (200, "hello"));
    }
    let mut connection = Connection::over(Cursor::new(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()));
    assert_eq!(connection.response().unwrap().status, 204);
}

#[test]
fn a_stream_is_read_frame_by_frame() {
    let target = answering(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
          5\r\nhhhh\n\r\n3\r\no\na\r\n1d\r\n[\"{\\\"event\\\":\\\"x\\\"}\"]\nh\nc[1,\"\r\n4\r\nr\"]\n\r\n0\r\n\r\n",
    );
    let mut stream = Fallback::new(target, "key", "abcdefgh").stream();
    assert_eq!(stream.frame(), Some(FallbackFrame::Open(None)));
    let message = FallbackFrame::Messages(vec![r#"{"event":"x"}"#.to_owned()]);
    assert_eq!(stream.frame(), Some(message));
    assert_eq!(stream.frame(), Some(FallbackFrame::Heartbeat));
    assert_eq!(stream.frame(), Some(FallbackFrame::Close(1, "r".to_owned())));
    assert_eq!(stream.frame(), None);
}

#[test]
fn the_string_to_sign_is_that_of_pushers_docs() {
    let target = answering(b"");
    let api = Api::new(target, "3", "278d425bdf160c739803", "7ad3773142a6692b25b8");
    let body = r#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
    let request = api.request("POST", "/events").body(body);
    let request = request.set("auth_timestamp", "1353088179");
    let expected = "POST\n/apps/3/events\nauth_key=278d425bdf160c739803\
        &auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f";
    assert_eq!(request.string_to_sign(), expected);
    let signature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
    assert!(request.to_request().path.ends_with(signature));
    let get = api.get("/channels").set("auth_timestamp", "1353088179");
    let get = get.query("info", "user_count,subscription_count");
    let get = get.query("filter_by_prefix", "presence-");
    let signature = "ff97d40ab3fbbd15394386a29c12998c33635305357b2e2abd18dc67efe3f87d";
    assert!(get.to_request().path.ends_with(signature));
}
