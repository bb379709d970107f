//! Contract B2 and the origins that an app allows.

use bellwire_testkit::{App, Client, Fallback, Request, Server};

use crate::support::{PATH, serve_app, server};

fn base() -> &'static str {
    "/pusher/app/key-1/7/abcdefgh"
}

// contract: B2.1
#[test]
fn each_fallback_path_answers_the_preflight() {
    let server = server();
    for call in ["xhr_streaming", "xhr", "xhr_send"] {
        let request = Request::new("OPTIONS", &format!("{}/{call}?t=1&n=1", base()))
            .header("Origin", "https://shop.example")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "content-type");
        let response = server.http(&request);
        assert!([200, 204].contains(&response.status), "{call}: {}", response.status);
        assert_eq!(response.header("access-control-allow-origin"), Some("*"));
        let methods = response.header("access-control-allow-methods").unwrap();
        assert!(methods.contains("POST") && methods.contains("OPTIONS"), "{methods}");
        let headers = response.header("access-control-allow-headers").unwrap();
        assert!(headers.to_lowercase().contains("content-type"), "{headers}");
        assert_eq!(response.header("access-control-allow-credentials"), None);
    }
}

// contract: B2.1
#[test]
fn every_response_of_a_fallback_may_be_read_by_any_page_errors_too() {
    let server = server();
    let fallback = Fallback::at(server.target(), base());
    let unknown_session = fallback.send(&[]);
    let poll = server.http(&fallback.request("xhr"));
    let sent = fallback.send(&[]);
    let bad_body = server.http(&fallback.request("xhr_send").body("{"));
    let unknown_call = server.http(&fallback.request("xhr_nothing"));
    for response in [unknown_session, poll, sent, bad_body, unknown_call] {
        let origin = response.header("access-control-allow-origin");
        assert_eq!(origin, Some("*"), "{}", response.status);
    }
}

fn choosy_server() -> Server {
    serve_app(App::new(1).with(r#"allowed_origins = ["https://shop.example", "*.pages.example"]"#))
}

#[track_caller]
fn from_origin(server: &Server, origin: &str) -> Client {
    server.open_with(PATH, &[("Origin", origin)])
}

// contract: 1.7
#[test]
fn a_page_of_an_origin_that_is_not_allowed_is_refused_after_the_upgrade() {
    let server = choosy_server();
    for origin in [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil.example",
        "https://evilpages.example",
        "https://pages.example.evil",
        "null",
    ] {
        let close = from_origin(&server, origin).expect_close();
        assert!((4000..4100).contains(&close.code), "{origin}: {close:?}");
    }
}

// contract: 1.1
#[test]
fn a_page_of_an_allowed_origin_is_let_in() {
    let server = choosy_server();
    for origin in ["https://shop.example", "https://one.pages.example"] {
        from_origin(&server, origin).expect_established();
    }
}

// contract: 1.1
#[test]
fn every_origin_is_allowed_unless_configured() {
    let server = server();
    for origin in ["https://shop.example", "http://localhost:3000", "null"] {
        from_origin(&server, origin).expect_established();
    }
}
