//! Exchanges over a pipe in memory, under a clock that leaps whenever nothing else happens.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex,
};

use super::*;
use crate::post::wire::Stream;

/// As in production.
const TIME: Duration = Duration::from_secs(10);

/// How an exchange went.
struct Outcome {
    answer: Answer,
    /// An error means that no head of an answer came.
    after: Result<After, (Failure, String)>,
    /// By the clock that leaps.
    took: Duration,
}

impl Outcome {
    fn failure(&self) -> Option<Failure> {
        self.after.as_ref().err().map(|(failure, _)| *failure).or(self.answer.failure)
    }

    fn detail(&self) -> &str {
        self.after.as_ref().err().map_or(&self.answer.detail, |(_, detail)| detail)
    }
}

/// Sends a small request to a receiver.
async fn ask<F: Future<Output = ()> + Send + 'static>(
    receiver: impl FnOnce(DuplexStream) -> F,
) -> Outcome {
    ask_with(Bytes::from_static(b"{}"), receiver).await
}

async fn ask_with<F: Future<Output = ()> + Send + 'static>(
    body: Bytes,
    receiver: impl FnOnce(DuplexStream) -> F,
) -> Outcome {
    let (ours, theirs) = duplex(16 * 1024);
    let receiver = tokio::spawn(receiver(theirs));
    let outcome = ask_over(ours, body).await;
    receiver.abort();
    outcome
}

async fn ask_over(stream: impl Stream + 'static, body: Bytes) -> Outcome {
    let remote = ([127, 0, 0, 1], 1).into();
    let mut connection = Connection::open(Box::new(stream), remote).await.unwrap();
    let mut request = Request::new(Body::new(body));
    *request.method_mut() = http::Method::POST;
    let (started, mut answer) = (Instant::now(), Answer::default());
    let after = exchange(&mut connection, request, started + TIME, &mut answer).await;
    let took = started.elapsed();
    let after = after.map_err(|trouble| (trouble.failure, trouble.detail));
    Outcome { answer, after, took }
}

/// Reads a small request.
async fn hear(pipe: &mut DuplexStream) {
    let mut heard = Vec::new();
    while !heard.ends_with(b"{}") {
        assert_ne!(pipe.read_buf(&mut heard).await.unwrap(), 0);
    }
}

/// A receiver that reads the request, says something, and keeps the connection open.
async fn say(text: impl AsRef<[u8]> + Send) -> Outcome {
    let text = text.as_ref().to_vec();
    ask(|mut pipe| async move {
        hear(&mut pipe).await;
        // Whoever has read enough hangs up.
        let _ = pipe.write_all(&text).await;
        std::future::pending::<()>().await;
    })
    .await
}

/// The same, but it hangs up afterwards.
async fn say_and_hang_up(text: &'static str) -> Outcome {
    ask(|mut pipe| async move {
        hear(&mut pipe).await;
        pipe.write_all(text.as_bytes()).await.unwrap();
    })
    .await
}

/// A receiver that says something and then one letter a second, for ever.
async fn drip(start: &'static str) -> Outcome {
    ask(|mut pipe| async move {
        hear(&mut pipe).await;
        pipe.write_all(start.as_bytes()).await.unwrap();
        while pipe.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await
}

fn answer_of(status: &str, length: usize) -> String {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
    head + &"x".repeat(length)
}

#[tokio::test(start_paused = true)]
async fn a_2xx_is_accepted_and_the_connection_kept() {
    for status in ["200 OK", "201 Created", "202 Accepted", "299 Whatever"] {
        let outcome = say(answer_of(status, 2)).await;
        assert_eq!(outcome.failure(), None, "{status}");
        assert_eq!(outcome.after, Ok(After::Keep), "{status}");
        assert_eq!(outcome.answer.body, "xx");
    }
    let outcome = say("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!((outcome.failure(), outcome.after), (None, Ok(After::Keep)));
}

#[tokio::test(start_paused = true)]
async fn anything_but_a_2xx_is_a_failure_with_its_status() {
    for status in ["301 Moved", "400 Bad Request", "410 Gone", "429 Too Many", "500 Oh", "999 ?"] {
        let outcome = say(answer_of(status, 3)).await;
        assert_eq!(outcome.failure(), Some(Failure::Status), "{status}");
        assert_eq!(outcome.answer.status, status[..3].parse().ok());
        assert_eq!(outcome.answer.body, "xxx");
        assert_eq!(outcome.after, Ok(After::Keep), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_said_to_be_one() {
    let outcome =
        say("HTTP/1.1 308 X\r\nLocation: http://10.0.0.1/x\r\nContent-Length: 0\r\n\r\n").await;
    let expected = "the receiver answered 308 Permanent Redirect to http://10.0.0.1/x; redirects \
                    are not followed";
    assert_eq!(outcome.detail(), expected);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_given_up_when_the_time_is_over() {
    let outcome = say("").await;
    assert_eq!(outcome.failure(), Some(Failure::Timeout));
    assert_eq!(outcome.took, TIME);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_given_up_when_the_time_is_over() {
    let outcome = drip("HTTP/1.1 200 OK\r\nX-Slow: ").await;
    assert_eq!(outcome.failure(), Some(Failure::Timeout));
    assert_eq!((outcome.answer.status, outcome.took), (None, TIME));
}

#[tokio::test(start_paused = true)]
async fn a_2xx_whose_body_does_not_end_in_time_is_not_accepted() {
    for head in ["Content-Length: 1000", "X-Until: the end"] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").leak();
        let outcome = drip(head).await;
        assert_eq!(outcome.failure(), Some(Failure::Body));
        assert_eq!(outcome.answer.status, Some(200));
        assert_eq!(outcome.answer.body, "xxxxxxxxxx");
        assert_eq!((outcome.after, outcome.took), (Ok(After::Drop), TIME));
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_of_a_refusal_is_waited_for_a_second_and_no_longer() {
    let outcome = drip("HTTP/1.1 503 No\r\nContent-Length: 1000\r\n\r\nbecause").await;
    assert_eq!(outcome.failure(), Some(Failure::Status));
    assert!(outcome.answer.body.starts_with("because"), "{}", outcome.answer.body);
    assert_eq!((outcome.after, outcome.took), (Ok(After::Drop), REFUSAL_TIME));
}

#[tokio::test(start_paused = true)]
async fn a_2xx_whose_body_is_cut_off_is_not_accepted() {
    let cut = [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n",
    ];
    for text in cut {
        let outcome = say_and_hang_up(text).await;
        assert_eq!(outcome.failure(), Some(Failure::Body), "{text}");
        assert_eq!((outcome.answer.status, &*outcome.answer.body), (Some(200), "abc"));
    }
    let refused = say_and_hang_up("HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\nabc").await;
    assert_eq!((refused.failure(), &*refused.answer.body), (Some(Failure::Status), "abc"));
}

#[tokio::test(start_paused = true)]
async fn a_body_without_length_ends_with_the_connection() {
    let outcome = say_and_hang_up("HTTP/1.1 200 OK\r\n\r\nabc").await;
    assert_eq!((outcome.failure(), &*outcome.answer.body), (None, "abc"));
    assert_eq!(outcome.after, Ok(After::Drop));
}

#[tokio::test(start_paused = true)]
async fn no_more_than_64_kib_of_a_body_are_read() {
    let whole = say(answer_of("200 OK", READ_MAX)).await;
    assert_eq!((whole.failure(), whole.after), (None, Ok(After::Keep)));
    let longer = say(answer_of("200 OK", READ_MAX + 1)).await;
    assert_eq!((longer.failure(), longer.after), (None, Ok(After::Drop)));
    assert_eq!(longer.answer.body, "x".repeat(KEPT_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_body_without_end_is_left_and_its_status_decides() {
    for (status, failure) in [("200 OK", None), ("500 No", Some(Failure::Status))] {
        let outcome = ask(move |mut pipe| async move {
            hear(&mut pipe).await;
            let head = format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n");
            pipe.write_all(head.as_bytes()).await.unwrap();
            let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
            while pipe.write_all(chunk.as_bytes()).await.is_ok() {}
        })
        .await;
        assert_eq!((outcome.failure(), outcome.after), (failure, Ok(After::Drop)));
        assert_eq!(outcome.answer.body.len(), KEPT_MAX);
    }
}

#[tokio::test(start_paused = true)]
async fn interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let outcome = say(format!("{interim}{}", answer_of("200 OK", 1))).await;
    assert_eq!((outcome.failure(), outcome.answer.status), (None, Some(200)));
}

#[tokio::test(start_paused = true)]
async fn interim_answers_without_end_are_given_up_when_the_time_is_over() {
    let outcome = ask(|mut pipe| async move {
        hear(&mut pipe).await;
        while pipe.write_all(b"HTTP/1.1 102 Processing\r\n\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!((outcome.failure(), outcome.took), (Some(Failure::Timeout), TIME));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_broken() {
    let huge = format!("HTTP/1.1 200 OK\r\nX-Huge: {}\r\n\r\n", "x".repeat(17 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X-Many: x\r\n".repeat(101));
    let limits = "the head of the answer is longer than 16 KiB or has more than 100 headers";
    let no_http = "the answer is not HTTP/1.1: ";
    let cases = [
        (&*huge, limits),
        (&many, limits),
        ("SSH-2.0-OpenSSH_9.6\r\n", no_http),
        ("HTTP/1.1 2OO OK\r\n\r\n", no_http),
        ("HTTP/1.1 200 OK\r\nno header\r\n\r\n", no_http),
        ("HTTP/2 200\r\n\r\n", no_http),
    ];
    for (text, detail) in cases {
        let outcome = say(text).await;
        assert_eq!(outcome.failure(), Some(Failure::Broken), "{text:.40}");
        assert_eq!(outcome.answer.status, None);
        assert!(outcome.detail().starts_with(detail), "{}", outcome.detail());
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_ends_nowhere_is_broken() {
    let outcome = ask(|mut pipe| async move {
        hear(&mut pipe).await;
        pipe.write_all(b"HTTP/1.1 200 OK\r\nX-Endless: ").await.unwrap();
        while pipe.write_all(&[b'x'; 1024]).await.is_ok() {}
    })
    .await;
    assert_eq!(outcome.failure(), Some(Failure::Broken));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_before_the_head_has_ended_has_not_answered() {
    for text in ["", "HTTP/1.1 200 OK\r\nContent-Le"] {
        let outcome = say_and_hang_up(text).await;
        assert_eq!(outcome.failure(), Some(Failure::Broken));
        assert_eq!(outcome.detail(), "the receiver hung up before it had answered");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_even_if_the_request_was_not_read() {
    for hangs_up in [true, false] {
        let outcome = ask_with(Bytes::from(vec![b'x'; 1 << 20]), move |mut pipe| async move {
            pipe.write_all(answer_of("413 No", 7).as_bytes()).await.unwrap();
            if !hangs_up {
                std::future::pending::<()>().await;
            }
        })
        .await;
        assert_eq!(outcome.failure(), Some(Failure::Status));
        assert_eq!((outcome.answer.status, &*outcome.answer.body), (Some(413), "xxxxxxx"));
        assert_eq!(outcome.after, Ok(After::Drop));
    }
}

/// A stream that cannot be written to, and whose answer comes only after that has been found out.
struct CutOff {
    answer: &'static [u8],
    was_read: bool,
}

impl AsyncRead for CutOff {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.was_read, true) {
            return Poll::Pending;
        }
        buf.put_slice(std::mem::take(&mut self.answer));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CutOff {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_even_if_the_cut_is_noticed_first() {
    let answered = b"HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nbig";
    for (answer, failure) in [(&answered[..], Failure::Status), (b"", Failure::Broken)] {
        let stream = CutOff { answer, was_read: false };
        let outcome = ask_over(stream, Bytes::from_static(b"{}")).await;
        assert_eq!((outcome.failure(), outcome.took), (Some(failure), Duration::ZERO));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_to_be_closed_or_speaks_1_0_is_not_kept() {
    let last = [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    ];
    for text in last {
        let outcome = say(text).await;
        assert_eq!((outcome.failure(), outcome.after), (None, Ok(After::Drop)), "{text}");
    }
}

#[test]
fn what_is_kept_of_a_body_is_text() {
    assert_eq!(text_of(b"caf\xc3\xa9".to_vec()), "café");
    assert_eq!(text_of(b"caf\xe9!".to_vec()), "caf\u{fffd}!");
    let mut kept = vec![b'x'; KEPT_MAX - 1];
    kept.push(0xc3);
    assert_eq!(text_of(kept), "x".repeat(KEPT_MAX - 1));
}

#[test]
fn a_receiver_says_when_it_wants_to_be_asked_again() {
    let after = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        // 1994-11-06 08:49:30 UTC.
        retry_after_ms(&headers, 784_111_770_500)
    };
    assert_eq!(after("120"), Some(120_000));
    assert_eq!(after("0"), Some(0));
    assert_eq!(after("99999999999999999999999"), Some(u64::MAX));
    for date in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(after(date), Some(6_500), "{date}");
    }
    assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0));
    for nonsense in ["", "soon", "-5", "1.5", "Sun, 99 Nov 1994 08:49:37 GMT"] {
        assert_eq!(after(nonsense), None, "{nonsense}");
    }
    assert_eq!(retry_after_ms(&HeaderMap::new(), 0), None);
}
