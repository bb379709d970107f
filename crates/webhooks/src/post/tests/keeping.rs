//! Connections that are kept for the next request.

use super::*;

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let receiver = Receiver::answering(OK).await;
    let poster = poster(patient());
    for path in ["", "/other", "?query"] {
        let answer = poster.post(outgoing(&format!("{}{path}", receiver.url()))).await;
        assert_eq!(answer.failure, None);
        assert_eq!(answer.remote, Some(receiver.addr.to_string()));
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn a_refusal_does_not_end_the_connection() {
    let receiver = Receiver::answering(
        "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    )
    .await;
    let poster = poster(patient());
    for _ in 0..3 {
        let answer = poster.post(outgoing(&receiver.url())).await;
        assert_eq!((answer.status, &*answer.body), (Some(500), "no"));
    }
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn requests_at_the_same_time_have_connections_of_their_own() {
    let receiver = Receiver::answering(OK).await;
    let poster = poster(patient());
    let url = receiver.url();
    let pair = || async { tokio::join!(poster.post(outgoing(&url)), poster.post(outgoing(&url))) };
    for _ in 0..3 {
        let (one, other) = pair().await;
        assert_eq!((one.failure, other.failure), (None, None));
    }
    assert!((1..=2).contains(&receiver.connections()), "{}", receiver.connections());
}

#[tokio::test]
async fn endpoints_do_not_share_connections() {
    let receiver = Receiver::answering(OK).await;
    let poster = poster(patient());
    for endpoint in ["ep_a", "ep_b", "ep_a", "ep_b"] {
        let mut outgoing = outgoing(&receiver.url());
        outgoing.endpoint = endpoint.parse().unwrap();
        assert_eq!(poster.post(outgoing).await.failure, None);
    }
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn a_new_address_of_an_endpoint_has_a_new_connection() {
    let (first, second) = (Receiver::answering(OK).await, Receiver::answering(OK).await);
    let poster = poster(patient());
    for receiver in [&first, &second, &second] {
        let answer = poster.post(outgoing(&receiver.url())).await;
        assert_eq!(answer.remote, Some(receiver.addr.to_string()));
    }
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

#[tokio::test]
async fn a_forgotten_endpoint_has_no_connections() {
    let (ended, ends) = tokio::sync::oneshot::channel();
    let ended = Mutex::new(Some(ended));
    let receiver = Receiver::start(move |mut stream| {
        let ended = ended.lock().unwrap().take();
        async move {
            hear(&mut stream).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
            assert!(hear(&mut stream).await.is_err());
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let poster = poster(patient());
    assert_eq!(poster.post(outgoing(&receiver.url())).await.failure, None);
    poster.forget(&"ep_b".parse().unwrap());
    poster.forget(&"ep_a".parse().unwrap());
    ends.await.unwrap();
}

/// A receiver that answers one request on each connection and hangs up when it hears the next.
async fn fickle() -> Receiver {
    Receiver::start(|mut stream| async move {
        hear(&mut stream).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        let _ = hear(&mut stream).await;
    })
    .await
}

#[tokio::test]
async fn a_kept_connection_that_breaks_is_replaced_within_the_attempt() {
    let receiver = fickle().await;
    let poster = poster(patient());
    for _ in 0..4 {
        let answer = poster.post(outgoing(&receiver.url())).await;
        assert_eq!(answer.failure, None, "{}", answer.detail);
    }
    assert_eq!(receiver.connections(), 4);
}

#[tokio::test]
async fn a_kept_connection_on_which_an_answer_began_is_not_replaced() {
    let receiver = Receiver::start(|mut stream| async move {
        hear(&mut stream).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
        let _ = hear(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200").await;
    })
    .await;
    let poster = poster(patient());
    assert_eq!(poster.post(outgoing(&receiver.url())).await.failure, None);
    let answer = poster.post(outgoing(&receiver.url())).await;
    assert_eq!(answer.failure, Some(Failure::Broken));
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn if_the_replacement_fails_too_that_is_the_answer() {
    let receiver = fickle().await;
    let resolver = Scripted::new([vec![receiver.addr]]);
    let poster = resolver.poster(patient());
    assert_eq!(poster.post(outgoing("http://a.test/")).await.failure, None);
    let answer = poster.post(outgoing("http://a.test/")).await;
    assert_eq!(answer.failure, Some(Failure::Dns));
    assert_eq!((answer.remote, &*answer.request_head), (None, ""));
}

#[tokio::test]
async fn a_kept_connection_that_the_receiver_has_closed_is_not_used() {
    let (closed, closes) = tokio::sync::mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut stream| {
        let closed = closed.clone();
        async move {
            hear(&mut stream).await.unwrap();
            stream.write_all(OK.as_bytes()).await.unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    })
    .await;
    let mut closes = closes;
    let poster = poster(patient());
    for _ in 0..3 {
        assert_eq!(poster.post(outgoing(&receiver.url())).await.failure, None);
        closes.recv().await.unwrap();
    }
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test]
async fn what_comes_unasked_on_a_kept_connection_is_no_answer() {
    let unasked = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    let receiver = Receiver::answering(format!("{OK}{unasked}")).await;
    let poster = poster(patient());
    for _ in 0..3 {
        let answer = poster.post(outgoing(&receiver.url())).await;
        assert_eq!(answer.status, Some(200));
    }
    assert_eq!(receiver.connections(), 3);
}

#[tokio::test]
async fn an_attempt_can_run_in_a_task() {
    let receiver = Receiver::answering(OK).await;
    let (poster, url) = (Arc::new(poster(patient())), receiver.url());
    let attempts: Vec<_> = (0..20)
        .map(|_| {
            let (poster, outgoing) = (Arc::clone(&poster), outgoing(&url));
            tokio::spawn(async move { poster.post(outgoing).await })
        })
        .collect();
    for attempt in attempts {
        assert_eq!(attempt.await.unwrap().failure, None);
    }
}
