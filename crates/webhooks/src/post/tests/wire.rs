//! What goes over the wire, and what may come back.

use super::*;

/// A receiver that sends on what it heard.
async fn listening() -> (Receiver, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (heard, hears) = tokio::sync::mpsc::unbounded_channel();
    let serve = move |mut stream: TcpStream| {
        let heard = heard.clone();
        async move {
            while let Ok(request) = hear(&mut stream).await {
                heard.send(request).unwrap();
                stream.write_all(OK.as_bytes()).await.unwrap();
            }
        }
    };
    (Receiver::start(serve).await, hears)
}

#[tokio::test]
async fn names_of_headers_are_in_title_case_and_the_order_is_kept() {
    let (receiver, mut hears) = listening().await;
    let mut outgoing = outgoing(&format!("{}/a?b=c&d", receiver.url()));
    for (name, value) in [
        ("x-pusher-key", "278d425b"),
        ("Webhook-Id", "msg_1"),
        ("X-BELLWIRE-SEQUENCE", "7"),
        ("2fa", "digits first"),
        ("x_y.z", "caf\u{e9}"),
        ("transfer-encoding", "chunked"),
        ("Host", "evil.test"),
        ("Connection", "close"),
        ("Content-Length", "1"),
    ] {
        outgoing.headers.push((name.into(), value.into()));
    }
    let answer = poster(patient()).post(outgoing).await;
    let addr = receiver.addr;
    let head = format!(
        "POST /hook/a?b=c&d HTTP/1.1\r\nHost: {addr}\r\nUser-Agent: Bellwire/{} (+webhooks)\r\n\
         Content-Type: application/json\r\nX-Pusher-Key: 278d425b\r\nWebhook-Id: msg_1\r\n\
         X-Bellwire-Sequence: 7\r\n2fa: digits first\r\nX_y.z: café\r\nContent-Length: {}\r\n",
        env!("CARGO_PKG_VERSION"),
        BODY.len(),
    );
    assert_eq!(hears.recv().await.unwrap(), format!("{head}\r\n{BODY}"));
    assert_eq!(answer.request_head, head);
    assert_eq!((answer.failure, answer.status), (None, Some(200)));
    assert_eq!((answer.remote, answer.detail), (Some(addr.to_string()), String::new()));
}

#[tokio::test]
async fn what_may_not_be_sent_any_more_once_there_is_a_connection_is_not() {
    let (receiver, mut hears) = listening().await;
    let (poster, asked) = (poster(patient()), AtomicUsize::new(0));
    let is_first = || asked.fetch_add(1, Ordering::Relaxed) == 0;
    let answer = poster.post_if(outgoing(&receiver.url()), &is_first).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Broken), None));
    assert!(answer.detail.contains("lease"), "{}", answer.detail);
    assert_eq!(poster.post(outgoing(&receiver.url())).await.failure, None);
    assert!(hears.recv().await.unwrap().contains(BODY));
    // On a connection that is there already, too.
    let answer = poster.post_if(outgoing(&receiver.url()), &|| false).await;
    assert_eq!(answer.failure, Some(Failure::Broken));
    assert!(hears.try_recv().is_err(), "one was sent, and no other");
}

#[tokio::test]
async fn an_answer_is_kept_with_its_status_its_body_and_when_to_come_again() {
    let receiver = Receiver::answering(
        "HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 5\r\n\r\nlater",
    )
    .await;
    let answer = post(patient(), &receiver.url()).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Status), Some(429)));
    assert_eq!((answer.retry_after_ms, &*answer.body), (Some(7_000), "later"));
    assert_eq!(answer.detail, "the receiver answered 429 Too Many Requests");
}

#[tokio::test]
async fn a_date_to_come_again_is_counted_from_now() {
    let text = "HTTP/1.1 503 X\r\nRetry-After: Tue, 31 Dec 2999 23:59:59 GMT\r\n\
                Content-Length: 0\r\n\r\n";
    let receiver = Receiver::answering(text).await;
    let answer = post(patient(), &receiver.url()).await;
    // 900 years and more.
    assert!(answer.retry_after_ms.unwrap() > 900 * 365 * 86_400_000);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Receiver::answering(OK).await;
    let location =
        format!("HTTP/1.1 307 X\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", other.url());
    let receiver = Receiver::answering(location).await;
    let answer = post(patient(), &receiver.url()).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Status), Some(307)));
    assert!(answer.detail.ends_with("redirects are not followed"), "{}", answer.detail);
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn of_a_long_body_little_is_read_and_the_connection_is_dropped() {
    let (told, tells) = tokio::sync::oneshot::channel();
    let told = Mutex::new(Some(told));
    let length = 100 << 20;
    let receiver = Receiver::start(move |mut stream| {
        let told = told.lock().unwrap().take().unwrap();
        async move {
            hear(&mut stream).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let (chunk, mut sent) = (vec![b'x'; 64 * 1024], 0);
            while sent < length && stream.write_all(&chunk).await.is_ok() {
                sent += chunk.len();
            }
            told.send(sent).unwrap();
        }
    })
    .await;
    let answer = post(patient(), &receiver.url()).await;
    assert_eq!((answer.failure, answer.status), (None, Some(200)));
    assert_eq!(answer.body, "x".repeat(4096));
    assert!(tells.await.unwrap() < length);
}

#[tokio::test]
async fn an_early_answer_counts_though_the_request_is_cut_off() {
    let receiver = Receiver::start(|mut stream| async move {
        let mut some = [0; 100];
        stream.read_exact(&mut some).await.unwrap();
        stream.write_all(b"HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nbig").await.unwrap();
        // What was not read makes this a reset.
        drop(stream);
    })
    .await;
    let mut large = outgoing(&receiver.url());
    large.body = Bytes::from(vec![b'x'; 32 << 20]);
    let answer = poster(patient()).post(large).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Status), Some(413)));
    assert_eq!(answer.body, "big");
}

#[tokio::test]
async fn a_reset_is_a_broken_connection() {
    let receiver = Receiver::start(|mut stream| async move {
        hear(&mut stream).await.unwrap();
        stream.set_zero_linger().unwrap();
    })
    .await;
    let answer = post(patient(), &receiver.url()).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Broken), None));
    assert_eq!(receiver.connections(), 1, "a fresh connection is not tried twice");
}

#[tokio::test]
async fn garbage_is_a_broken_connection() {
    let receiver = Receiver::answering("220 mail.test ESMTP\r\n").await;
    let answer = post(patient(), &receiver.url()).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Broken), None));
}

#[tokio::test]
async fn who_never_answers_is_given_up() {
    let receiver = Receiver::start(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let answer = post(hasty(), &receiver.url()).await;
    assert_eq!((answer.failure, answer.status), (Some(Failure::Timeout), None));
    assert!(answer.duration_ms >= 300);
}

#[tokio::test]
async fn who_answers_a_letter_at_a_time_is_given_up() {
    let receiver = Receiver::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let answer = post(hasty(), &receiver.url()).await;
    assert_eq!(answer.failure, Some(Failure::Timeout));
}

#[tokio::test]
async fn dropping_an_attempt_drops_its_connection() {
    let (ended, ends) = tokio::sync::oneshot::channel();
    let ended = Mutex::new(Some(ended));
    let (heard, hears) = tokio::sync::oneshot::channel();
    let heard = Mutex::new(Some(heard));
    let receiver = Receiver::start(move |mut stream| {
        let (ended, heard) = (ended.lock().unwrap().take(), heard.lock().unwrap().take());
        async move {
            hear(&mut stream).await.unwrap();
            heard.unwrap().send(()).unwrap();
            assert!(hear(&mut stream).await.is_err());
            ended.unwrap().send(()).unwrap();
        }
    })
    .await;
    let poster = Arc::new(poster(patient()));
    let url = receiver.url();
    let attempt = tokio::spawn(async move { poster.post(outgoing(&url)).await });
    hears.await.unwrap();
    attempt.abort();
    ends.await.unwrap();
}
