//! The poster against receivers on real sockets, each of them written by hand.

mod dialling;
mod keeping;
mod tls;
mod wire;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::resolve::Resolving;
use super::*;

const BODY: &str = r#"{"time_ms":1,"events":[]}"#;
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// Settings whose time does not run out, however slow the machine is.
fn patient() -> PosterSettings {
    let long = Duration::from_secs(60);
    PosterSettings { connect_timeout: long, exchange_timeout: long, ..PosterSettings::default() }
}

/// Settings for receivers that never answer.
fn hasty() -> PosterSettings {
    let short = Duration::from_millis(300);
    PosterSettings { connect_timeout: short, exchange_timeout: short, ..PosterSettings::default() }
}

fn poster(settings: PosterSettings) -> Poster {
    Poster::new(settings).unwrap()
}

fn outgoing(url: &str) -> Outgoing {
    Outgoing {
        endpoint: "ep_a".parse().unwrap(),
        url: url.into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body: Bytes::from_static(BODY.as_bytes()),
    }
}

impl Poster {
    /// One attempt that may be made.
    async fn post(&self, outgoing: Outgoing) -> Answer {
        self.post_if(outgoing, &|| true).await
    }
}

/// One attempt of a poster of its own.
async fn post(settings: PosterSettings, url: &str) -> Answer {
    poster(settings).post(outgoing(url)).await
}

/// A receiver: what it does with each connection, and how many there were.
struct Receiver {
    addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    async fn start<F: Future<Output = ()> + Send + 'static>(
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let accept = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream));
            }
        };
        Self { addr, connections, task: tokio::spawn(accept) }
    }

    /// One that answers every request with these bytes.
    async fn answering(text: impl Into<String>) -> Self {
        let text: Arc<str> = text.into().into();
        let serve = move |mut stream: TcpStream| {
            let text = Arc::clone(&text);
            async move {
                while hear(&mut stream).await.is_ok() {
                    // Whoever has read enough hangs up.
                    let _ = stream.write_all(text.as_bytes()).await;
                }
            }
        };
        Self::start(serve).await
    }

    fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads a request with [`BODY`]: all its bytes.
async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut heard = Vec::new();
    while !heard.ends_with(BODY.as_bytes()) {
        if stream.read_buf(&mut heard).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8(heard).unwrap())
}

/// A port where nobody listens. It stays bound, so that nobody else can take it.
fn dead_port() -> (tokio::net::TcpSocket, SocketAddr) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

/// Gives the answers that it was made with, one after the other, and counts the questions.
#[derive(Clone, Default)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Vec<SocketAddr>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Vec<SocketAddr>>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        Self { answers, ..Self::default() }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    fn poster(&self, settings: PosterSettings) -> Poster {
        Poster::with_resolver(settings, Box::new(self.clone())).unwrap()
    }
}

impl Resolve for Scripted {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        self.asked.lock().unwrap().push(format!("{host}:{port}"));
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such host")) })
    }
}
