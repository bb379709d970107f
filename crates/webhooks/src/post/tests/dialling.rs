//! Names, addresses, and which of them are dialled.

use super::*;

fn strict() -> PosterSettings {
    PosterSettings { allow_private: false, ..patient() }
}

#[tokio::test]
async fn nobody_at_the_address_is_refused() {
    let (_socket, addr) = dead_port();
    let answer = post(patient(), &format!("http://{addr}/")).await;
    assert_eq!(answer.failure, Some(Failure::Refused));
    assert_eq!(answer.detail, format!("nobody listens at {addr}"));
    assert_eq!(answer.remote, Some(addr.to_string()));
    assert_eq!((answer.status, &*answer.request_head), (None, ""));
}

#[tokio::test]
async fn a_name_without_address_is_a_failure_of_its_own() {
    let resolver = Scripted::new([vec![]]);
    let poster = resolver.poster(patient());
    for _ in 0..2 {
        let answer = poster.post(outgoing("http://a.test/")).await;
        assert_eq!((answer.failure, answer.remote), (Some(Failure::Dns), None));
        assert!(answer.detail.starts_with("a.test "), "{}", answer.detail);
    }
    assert_eq!(resolver.asked(), ["a.test:80", "a.test:80"]);
}

#[tokio::test]
async fn a_resolver_that_never_answers_is_given_up() {
    struct Silent;
    impl Resolve for Silent {
        fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
            Box::pin(std::future::pending())
        }
    }
    let poster = Poster::with_resolver(hasty(), Box::new(Silent)).unwrap();
    let answer = poster.post(outgoing("http://a.test/")).await;
    assert_eq!(answer.failure, Some(Failure::Timeout));
    assert_eq!(answer.detail, "the address of a.test was not found in time");
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_dialled() {
    let receiver = Receiver::answering(OK).await;
    let resolver = Scripted::new([vec![receiver.addr]]);
    let answer = resolver.poster(patient()).post(outgoing("http://a.test:81/")).await;
    assert_eq!((answer.failure, answer.remote), (None, Some(receiver.addr.to_string())));
    assert!(answer.request_head.contains("\r\nHost: a.test:81\r\n"), "{}", answer.request_head);
    assert_eq!(resolver.asked(), ["a.test:81"]);
}

#[tokio::test]
async fn if_one_address_leads_nowhere_the_next_is_tried() {
    let (_socket, dead) = dead_port();
    let receiver = Receiver::answering(OK).await;
    let resolver = Scripted::new([vec![dead, receiver.addr]]);
    let answer = resolver.poster(patient()).post(outgoing("http://a.test/")).await;
    assert_eq!((answer.failure, answer.remote), (None, Some(receiver.addr.to_string())));
}

#[tokio::test]
async fn one_forbidden_answer_refuses_all_and_nothing_is_dialled() {
    let receiver = Receiver::answering(OK).await;
    let metadata = "169.254.169.254:80".parse().unwrap();
    let resolver = Scripted::new([vec![receiver.addr, metadata]]);
    let answer = resolver.poster(patient()).post(outgoing("http://a.test/")).await;
    assert_eq!((answer.failure, answer.remote), (Some(Failure::Forbidden), None));
    let expected = "a.test leads to 169.254.169.254, which is a link-local address";
    assert_eq!(answer.detail, expected);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn private_addresses_are_refused_unless_they_are_allowed() {
    let receiver = Receiver::answering(OK).await;
    let port = receiver.addr.port();
    let forms = ["127.0.0.1", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433", "0177.1", "localhost"];
    for host in forms {
        let answer = post(strict(), &format!("http://{host}:{port}/")).await;
        assert_eq!(answer.failure, Some(Failure::Forbidden), "{host}");
        assert!(answer.detail.ends_with("private targets are not allowed"), "{}", answer.detail);
    }
    assert_eq!(receiver.connections(), 0);
    for host in &forms[..5] {
        let answer = post(patient(), &format!("http://{host}:{port}/")).await;
        assert_eq!(answer.failure, None, "{host}: {}", answer.detail);
    }
}

#[tokio::test]
async fn metadata_addresses_are_refused_in_every_form() {
    let hosts = [
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "[fe80::a9fe:a9fe]",
        "0.0.0.0",
        "[::]",
    ];
    for host in hosts {
        let answer = post(patient(), &format!("http://{host}/latest/meta-data/")).await;
        assert_eq!((answer.failure, answer.remote), (Some(Failure::Forbidden), None), "{host}");
    }
}

#[tokio::test]
async fn a_name_that_begins_to_lead_to_a_forbidden_address_is_refused_then() {
    // It hangs up after each answer, so that the name is resolved for every attempt.
    let text = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let receiver = Receiver::answering(text).await;
    let rebound = SocketAddr::from(([169, 254, 169, 254], receiver.addr.port()));
    let resolver = Scripted::new([vec![receiver.addr], vec![rebound]]);
    let poster = resolver.poster(patient());
    assert_eq!(poster.post(outgoing("http://a.test/")).await.failure, None);
    let answer = poster.post(outgoing("http://a.test/")).await;
    assert_eq!((answer.failure, answer.remote), (Some(Failure::Forbidden), None));
}

#[tokio::test]
async fn http_can_be_forbidden() {
    let receiver = Receiver::answering(OK).await;
    let settings = PosterSettings { require_https: true, ..patient() };
    let answer = post(settings, &receiver.url()).await;
    assert_eq!(answer.failure, Some(Failure::Forbidden));
    assert!(answer.detail.contains("https://"), "{}", answer.detail);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_fails_the_attempt() {
    let receiver = Receiver::answering(OK).await;
    let mut bad = outgoing(&receiver.url());
    bad.headers.push(("X-Evil".into(), "a\r\nX-More: b".into()));
    let answer = poster(patient()).post(bad).await;
    assert_eq!(answer.failure, Some(Failure::Broken));
    assert_eq!(answer.detail, "the header \"x-evil\" cannot be sent");
}
