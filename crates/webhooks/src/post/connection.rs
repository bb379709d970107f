//! One HTTP/1.1 connection. Nothing drives it but the attempt that uses it: it has no task of its
//! own, and is gone when the attempt is dropped.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

use super::wire::{Stream, Wire};

/// The body of a request.
pub(super) type Body = Full<Bytes>;

/// A connection to a receiver.
pub(super) struct Connection {
    sender: http1::SendRequest<Body>,
    /// Reads and writes; none once the connection has ended.
    driver: Option<http1::Connection<TokioIo<Wire>, Body>>,
    /// Whether a byte came since the last request was sent.
    heard: Arc<AtomicBool>,
    /// The address that was dialled.
    pub(super) remote: SocketAddr,
    /// When that was.
    pub(super) dialled: Instant,
}

/// More than this is no head of an answer.
pub(super) const HEAD_MAX: usize = 16 * 1024;
/// So much is read ahead of what was asked for.
const BUFFER_MAX: usize = 32 * 1024;

impl Connection {
    /// Speaks HTTP over a stream.
    pub(super) async fn open(stream: Box<dyn Stream>, remote: SocketAddr) -> hyper::Result<Self> {
        let heard = Arc::new(AtomicBool::new(false));
        let wire = Wire::new(stream, Arc::clone(&heard));
        // 100 headers at most are the builder's default.
        let (sender, driver) = http1::Builder::new()
            .title_case_headers(true)
            .max_header_size(HEAD_MAX)
            .max_buf_size(BUFFER_MAX)
            .handshake(TokioIo::new(wire))
            .await?;
        let driver = Some(driver);
        Ok(Self { sender, driver, heard, remote, dialled: Instant::now() })
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> hyper::Result<Response<Incoming>> {
        self.heard.store(false, Ordering::Relaxed);
        let answer = self.sender.send_request(request);
        self.drive(answer).await
    }

    /// Reads and writes until `work` is done, which waits for what is read.
    pub(super) async fn drive<F: Future>(&mut self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|cx| {
            self.turn(cx);
            work.as_mut().poll(cx)
        })
        .await
    }

    /// Whether a byte came since the last request was sent.
    pub(super) fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Whether another request can be sent: nothing is under way, and the receiver has not hung up.
    /// Nobody is woken when that changes, and no task is held in memory.
    pub(super) fn is_ready(&mut self) -> bool {
        self.turn(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }

    fn turn(&mut self, cx: &mut Context<'_>) {
        let Some(driver) = &mut self.driver else { return };
        // How it ended is told to whoever waits for the answer or its body.
        if let Poll::Ready(_ended) = Pin::new(driver).poll(cx) {
            self.driver = None;
        }
    }
}
