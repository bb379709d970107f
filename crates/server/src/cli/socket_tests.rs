use std::net::TcpListener;
use std::thread;

use super::*;

/// A server that answers the handshake and says these bytes; gives back what the client says then.
fn against(said: Vec<u8>) -> (Socket, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            read_more(&mut tcp, &mut head).unwrap();
        }
        let head = String::from_utf8(head).unwrap();
        assert!(head.starts_with("GET /pre/app/k HTTP/1.1\r\n"), "{head}");
        let key = head.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let answer = format!("HTTP/1.1 101 Yes\r\nSEC-websocket-ACCEPT: {}\r\n\r\n", accept(key));
        // The first frame comes right behind the answer.
        tcp.write_all(&[answer.as_bytes(), &said].concat()).unwrap();
        let mut heard = Vec::new();
        let _ = tcp.read_to_end(&mut heard);
        heard
    });
    let endpoint = Endpoint::parse(&format!("http://{address}/pre")).unwrap();
    (Socket::open(&endpoint, &Trust::Public, "/app/k").unwrap(), server)
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, payload.len() as u8];
    frame.extend_from_slice(payload);
    frame
}

fn hear(socket: &mut Socket) -> Heard {
    socket.hear(Duration::from_secs(10)).unwrap()
}

#[test]
fn the_accept_is_that_of_the_rfc() {
    assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn fragments_are_joined_around_a_ping_that_is_answered() {
    let said = [
        frame(OP_TEXT, b"Gr"),
        frame(FIN | OP_PING, b"hi"),
        frame(OP_CONTINUATION, &"\u{fc}".as_bytes()[..1]),
        frame(FIN | OP_CONTINUATION, &"\u{fc}".as_bytes()[1..]),
        frame(FIN | OP_TEXT, b""),
        frame(FIN | OP_CLOSE, b"\x0f\xa1no"),
    ];
    let (mut socket, server) = against(said.concat());
    assert_eq!(hear(&mut socket), Heard::Life);
    assert_eq!(hear(&mut socket), Heard::Text("Gr\u{fc}".into()));
    assert_eq!(hear(&mut socket), Heard::Text(String::new()));
    assert_eq!(hear(&mut socket), Heard::End(Some(4001), "no".into()));
    drop(socket);
    let mut said = server.join().unwrap();
    for (first, payload) in [(FIN | OP_PONG, b"hi".as_slice()), (FIN | OP_CLOSE, b"\x0f\xa1")] {
        let (head, rest) = said.split_at(6);
        assert_eq!(head[..2], [first, MASKED | 2]);
        let unmasked: Vec<u8> = rest[..2].iter().zip(&head[2..]).map(|(a, b)| a ^ b).collect();
        assert_eq!(unmasked, payload);
        said.drain(..8);
    }
    assert!(said.is_empty());
}

#[test]
fn silence_and_an_end_without_a_close_frame_are_told() {
    let (mut socket, server) = against(vec![FIN | OP_TEXT, 5, b'c', b'u']);
    assert_eq!(socket.hear(Duration::from_millis(20)).unwrap(), Heard::Silence);
    socket.stream.tcp().shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(hear(&mut socket), Heard::End(None, String::new()));
    server.join().unwrap();
}

#[test]
fn a_frame_that_the_rfc_forbids_is_an_error() {
    for bad in [
        vec![0xC1, 0],
        vec![FIN | OP_TEXT, MASKED],
        vec![OP_PING, 0],
        vec![FIN | OP_PING, 126, 0, 126],
        vec![FIN | OP_TEXT, 127, 0, 0, 0, 1, 0, 0, 0, 0],
    ] {
        assert!(Frame::take(&mut bad.clone()).is_err(), "{bad:?}");
    }
    for bad in [vec![FIN | OP_CONTINUATION, 0], vec![FIN | 2, 0], vec![FIN | OP_TEXT, 1, 0xFF]] {
        let (mut socket, _server) = against(bad);
        let error = socket.hear(Duration::from_secs(10)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}

#[test]
fn a_frame_that_arrives_byte_by_byte_is_taken_once_it_is_whole() {
    let payload = vec![b'x'; 300];
    let mut whole = vec![FIN | OP_TEXT, 126, 1, 44];
    whole.extend_from_slice(&payload);
    let mut bytes = Vec::new();
    for byte in &whole[..whole.len() - 1] {
        bytes.push(*byte);
        assert_eq!(Frame::take(&mut bytes), Ok(None));
    }
    bytes.extend_from_slice(&[b'x', 7]);
    let frame = Frame::take(&mut bytes).unwrap().unwrap();
    assert_eq!((frame.payload, bytes), (payload, vec![7]));
}

#[test]
fn a_masked_frame_of_every_length_form_can_be_unmasked() {
    for len in [0, 125, 126, 0xFFFF, 0x1_0000] {
        let payload = vec![7; len];
        let frame = masked(OP_TEXT, &payload, [1, 2, 3, 4]);
        let (found, start) = length(&frame, frame[1] & !MASKED).unwrap();
        assert_eq!((found, frame.len()), (len as u64, start + 4 + len));
        assert_eq!(frame[start..start + 4], [1, 2, 3, 4]);
        assert!(frame[start + 4..].iter().zip([6, 5, 4, 3].iter().cycle()).all(|(a, b)| a == b));
    }
}

#[test]
fn an_answer_that_is_no_upgrade_is_told() {
    for (answer, words) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404"),
        ("HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: x\r\n\r\n", "does not know it"),
        ("SSH-2.0-x\r\n", "no HTTP"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut tcp, _) = listener.accept().unwrap();
            tcp.write_all(answer.as_bytes()).unwrap();
            tcp.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = tcp.read_to_end(&mut Vec::new());
        });
        let endpoint = Endpoint::parse(&endpoint).unwrap();
        let error = Socket::open(&endpoint, &Trust::Public, "/").err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
        server.join().unwrap();
    }
}
