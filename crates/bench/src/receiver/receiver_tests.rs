use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::*;

/// A connection to the endpoint of a URL, and the path to ask for.
fn dial(url: &str) -> io::Result<(TcpStream, String)> {
    let rest = url.strip_prefix("http://").expect("a plain URL");
    let (host, path) = rest.split_once('/').expect("a path");
    let address = host.to_socket_addrs()?.next().expect("an address");
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok((stream, format!("/{path}")))
}

fn post(path: &str, id: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nWebhook-Id: {id}\r\nContent-Length: {length}\r\n\r\n\
         {body}"
    )
}

/// Reads one answer without a body.
fn answer_of(stream: &mut TcpStream) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while !text.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("an answer");
        text.push(byte[0]);
    }
    String::from_utf8(text).expect("text")
}

const OCCUPIED: &str = r#"{"time_ms":1,"events":[{"name":"channel_occupied","channel":"wh-4"}]}"#;

#[test]
fn posts_on_one_connection_are_answered_and_counted_even_when_they_arrive_cut() {
    let receiver = Receiver::start(1).expect("a receiver");
    let (mut stream, path) = dial(&receiver.url(0)).expect("a connection");
    let first = post(&path, "a", OCCUPIED);
    let second = post(&path, "b", &OCCUPIED.replace("occupied", "vacated"));
    let both = first + &second[..30];
    stream.write_all(both.as_bytes()).expect("written");
    assert!(answer_of(&mut stream).starts_with("HTTP/1.1 200"));
    stream.write_all(&second.as_bytes()[30..]).expect("written");
    assert!(answer_of(&mut stream).starts_with("HTTP/1.1 200"));
    let total = receiver.heard().total();
    assert_eq!((total.posts, total.occupied, total.vacated), (2, 1, 1));
    assert!(total.is_clean());
}

#[test]
fn an_endpoint_that_does_not_exist_is_not_found_and_counts_nothing() {
    let receiver = Receiver::start(1).expect("a receiver");
    let (mut stream, path) = dial(&receiver.url(1)).expect("a connection");
    stream.write_all(post(&path, "a", OCCUPIED).as_bytes()).expect("written");
    assert!(answer_of(&mut stream).starts_with("HTTP/1.1 404"));
    assert_eq!(receiver.heard().total(), Tally::default());
}

#[test]
fn of_the_dead_one_refuses_one_takes_and_says_nothing_one_fails_and_one_never_ends() {
    let receiver = Receiver::start(0).expect("a receiver");
    assert!(dial(&receiver.dead_url(0)).is_err());
    let (mut silent, path) = dial(&receiver.dead_url(1)).expect("the kernel takes it");
    silent.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    silent.write_all(post(&path, "a", OCCUPIED).as_bytes()).expect("written");
    assert!(silent.read(&mut [0]).is_err(), "a timeout, no byte and no end");
    for (number, status) in [(2, "HTTP/1.1 500"), (3, "HTTP/1.1 200")] {
        let (mut stream, path) = dial(&receiver.dead_url(number)).expect("a connection");
        stream.write_all(post(&path, "a", OCCUPIED).as_bytes()).expect("written");
        let head = answer_of(&mut stream);
        assert!(head.starts_with(status), "{head}");
        assert_eq!(head.contains("Content-Length: 0"), number == 2, "{head}");
    }
    assert_eq!(receiver.heard().total(), Tally::default());
}
