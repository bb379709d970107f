//! The receiver itself: reads POSTs within limits, has them checked and printed, and answers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use super::super::failure::Failure;
use super::super::output::{Output, line, note};
use super::check::{self, Mark};
use super::journal::Journal;
use super::post::Post;
use super::report::Report;
use super::secrets::Secrets;
use crate::ops::clock::now_ms;

/// Bytes of a body: batches have 256 KiB of events, or one event that is larger.
const BODY_BYTES_MAX: usize = 8 << 20;
/// Time in which headers must arrive, and a body.
const WITHIN: Duration = Duration::from_secs(30);
/// Connections that are open at once; more wait.
const CONNECTIONS: usize = 256;
/// Pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How it answers.
pub(super) struct Script {
    /// The status instead of 204.
    pub(super) status: Option<u16>,
    /// Only so many get that status.
    pub(super) first: Option<u64>,
    /// How late.
    pub(super) delay: Option<Duration>,
}

impl Script {
    /// The status of the nth answer, counted from 1.
    fn status_of(&self, nth: u64) -> StatusCode {
        let given = self.status.filter(|_| self.first.is_none_or(|first| nth <= first));
        given.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::NO_CONTENT)
    }
}

/// A receiver.
pub(super) struct Receiver(Arc<Shared>);

struct Shared {
    desk: Mutex<Desk>,
    script: Script,
    output: Output,
    /// Hears that nothing can be printed any more.
    broken: mpsc::Sender<Failure>,
}

/// What POSTs are judged by.
struct Desk {
    secrets: Secrets,
    journal: Journal,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    posts: u64,
    events: u64,
    duplicates: u64,
    missing: u64,
    /// With a wrong signature or too old.
    wrong: u64,
}

impl Receiver {
    /// A receiver, and what hears that it cannot print.
    pub(super) fn new(
        secrets: Secrets,
        script: Script,
        output: Output,
    ) -> (Self, mpsc::Receiver<Failure>) {
        let (broken, hears) = mpsc::channel(1);
        let desk = Desk { secrets, journal: Journal::new(), tally: Tally::default() };
        (Self(Arc::new(Shared { desk: Mutex::new(desk), script, output, broken })), hears)
    }

    /// Serves for good.
    pub(super) async fn serve(&self, listener: TcpListener) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // It is never closed.
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&self.0);
                    tokio::spawn(async move {
                        connection(stream, shared).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    note(format!("cannot accept a connection: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// What came in all.
    pub(super) fn summary(&self) -> String {
        let desk = self.0.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let Tally { posts, events, duplicates, missing, wrong } = desk.tally;
        format!(
            "{posts} webhook(s) with {events} event(s): {duplicates} duplicate(s), {missing} after \
             something missing, {wrong} wrong or too old"
        )
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    // How a connection ends is the sender's matter.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(WITHIN)
        .max_buf_size(65_536)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        let mut response = said(StatusCode::METHOD_NOT_ALLOWED, "send webhooks here with POST\n");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let (head, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let post = Post::new(now_ms(), head.uri.path().to_owned(), head.headers, body);
    let status = shared.take(&post);
    if let Some(delay) = shared.script.delay {
        tokio::time::sleep(delay).await;
    }
    let text = if status.is_success() { "" } else { "as --status asks\n" };
    said(status, text)
}

/// A whole body. One that is declared too large is not waited for.
async fn read(body: Incoming) -> Result<Bytes, Response<Full<Bytes>>> {
    let too_large = || {
        note(format!("refused a POST of more than {BODY_BYTES_MAX} bytes"));
        said(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n")
    };
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let read = tokio::time::timeout(WITHIN, Limited::new(body, BODY_BYTES_MAX).collect());
    match read.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) | Err(_) => {
            note("a POST ended before its body was complete");
            Err(said(StatusCode::BAD_REQUEST, "the body is not complete\n"))
        }
    }
}

fn said(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

impl Shared {
    /// Checks and prints a POST; how it is to be answered.
    fn take(&self, post: &Post) -> StatusCode {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        desk.tally.posts += 1;
        let status = self.script.status_of(desk.tally.posts);
        let (pusher, standard) = desk.secrets.check(post);
        let report = Report {
            pusher,
            standard,
            age: check::age(post),
            order: desk.journal.order(post),
            is_duplicate: desk.journal.knows(post),
            status: status.as_u16(),
            delay_ms: self.script.delay.map_or(0, |delay| delay.as_millis() as u64),
            post,
        };
        desk.tally.count(&report);
        // Kept already: if the answer comes too late, the sender sends it again.
        if status.is_success() {
            desk.journal.accept(post);
        }
        let text = if self.output.is_json() { report.json().to_string() } else { report.text() };
        if let Err(failure) = line(&text) {
            // One is enough.
            let _ = self.broken.try_send(failure);
        }
        status
    }
}

impl Tally {
    fn count(&mut self, report: &Report<'_>) {
        let checks = [&report.pusher, &report.standard, &report.age];
        self.events += report.post.events().len() as u64;
        self.duplicates += u64::from(report.is_duplicate);
        self.missing += u64::from(report.order.mark == Mark::Bad);
        self.wrong += u64::from(checks.iter().any(|check| check.mark == Mark::Bad));
    }
}
