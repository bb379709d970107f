//! HTTP/1.1 by hand: a request writer and a response parser that hide nothing from a test.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;

use serde_json::Value;

use crate::{Stream, Target};

/// A request; `Host` and `Content-Length` are added when it is written, unless given.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Path and query exactly as on the wire.
    pub path: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Request {
    /// A request without headers or body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let given = |name: &str| self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if !given("host") {
            head.push_str("Host: localhost\r\n");
        }
        let may_have_body = self.method == "POST" || !self.body.is_empty();
        if may_have_body && !given("content-length") && !given("transfer-encoding") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// A response, or the head of one whose body is still to come.
#[derive(Clone, Debug)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Headers as they came.
    pub headers: Vec<(String, String)>,
    /// Body, without chunk framing.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value, whatever the case of its name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is not UTF-8")
    }

    /// The body as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{} with no JSON ({e}): {}", self.status, self.text()))
    }

    /// The body as JSON, of a response that must be 200 (contract 12.2: and an object).
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        let json = self.json();
        assert!(json.is_object(), "{json}");
        json
    }

    fn is_chunked(&self) -> bool {
        self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
    }

    fn has_no_body(&self) -> bool {
        self.status == 204 || self.status == 304 || self.status / 100 == 1
    }
}

/// A connection that may carry several requests, one after the other.
#[derive(Debug)]
pub struct Connection<S: Read + Write = Stream> {
    stream: BufReader<S>,
}

impl Connection<Stream> {
    /// Connects.
    #[must_use]
    #[track_caller]
    pub fn open(target: Target) -> Self {
        Self::try_open(target).unwrap_or_else(|e| panic!("cannot connect: {e}"))
    }

    /// Connects.
    ///
    /// # Errors
    /// What the operating system or TLS says.
    pub fn try_open(target: Target) -> io::Result<Self> {
        Ok(Self::over(target.connect()?))
    }

    /// Closes the connection without reading what is left.
    pub fn abort(self) {
        let _ = self.stream.get_ref().tcp().shutdown(Shutdown::Both);
    }
}

impl<S: Read + Write> Connection<S> {
    /// Speaks HTTP over any stream.
    pub fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        self.stream.get_ref()
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)?;
        self.stream.get_mut().flush()
    }

    /// Sends a request and reads the whole response.
    #[track_caller]
    pub fn exchange(&mut self, request: &Request) -> Response {
        self.try_exchange(request)
            .unwrap_or_else(|e| panic!("{} {}: {e}", request.method, request.path))
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// What the operating system says, or a response that is not HTTP.
    pub fn try_exchange(&mut self, request: &Request) -> io::Result<Response> {
        self.write(&request.to_bytes())?;
        self.response()
    }

    /// Reads a whole response.
    ///
    /// # Errors
    /// What the operating system says, or a response that is not HTTP.
    pub fn response(&mut self) -> io::Result<Response> {
        let mut response = self.head()?;
        if response.has_no_body() {
            return Ok(response);
        }
        if response.is_chunked() {
            while let Some(chunk) = self.chunk()? {
                response.body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = response.header("content-length") {
            let mut body = vec![0; length.parse().map_err(io::Error::other)?];
            self.stream.read_exact(&mut body)?;
            response.body = body;
        } else {
            self.stream.read_to_end(&mut response.body)?;
        }
        Ok(response)
    }

    /// Reads the status line and the headers only.
    ///
    /// # Errors
    /// What the operating system says, or a head that is not HTTP.
    pub fn head(&mut self) -> io::Result<Response> {
        let status_line = self.line()?;
        let status = status_line
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .ok_or_else(|| io::Error::other(format!("not a status line: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line
                .split_once(':')
                .ok_or_else(|| io::Error::other(format!("not a header: {line:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Response { status, headers, body: Vec::new() })
    }

    /// Reads a body of declared length; nothing of a chunked one.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn declared_body(&mut self, head: &Response) -> io::Result<Vec<u8>> {
        let length = head.header("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// Reads one chunk of a chunked body; `None` after the last.
    ///
    /// # Errors
    /// What the operating system says, or a chunk that is not one.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line()?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size];
        self.stream.read_exact(&mut chunk)?;
        self.line()?;
        Ok((size > 0).then_some(chunk))
    }

    /// Whether the server has closed the connection; waits for bytes or the end.
    pub fn is_at_end(&mut self) -> bool {
        self.stream.fill_buf().map_or(true, <[u8]>::is_empty)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
