//! What a request is answered with, and its form on the wire.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{Either, Full};

use crate::gateway::fallback::Stream;

/// The body of every answer.
pub(crate) type Body = Either<Full<Bytes>, Either<Stream, axum::body::Body>>;

/// A finished answer: JSON on success, one line of plain text on refusal (contract 12.2, 12.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Answer {
    /// 200 with a JSON object.
    pub(crate) fn json(body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, content_type: "application/json", body: body.into() }
    }

    /// 200 with an empty JSON object.
    pub(crate) fn done() -> Self {
        Self::json(Bytes::from_static(b"{}"))
    }

    /// A status with nothing more to say.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: Bytes::new() }
    }

    /// A refusal: one line for the person who reads it.
    pub(crate) fn refusal(status: StatusCode, line: &str) -> Self {
        let mut body = line.replace(['\r', '\n'], " ");
        body.push('\n');
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }

    /// 400 with its line.
    pub(crate) fn bad(line: &str) -> Self {
        Self::refusal(StatusCode::BAD_REQUEST, line)
    }

    /// 404, as Pusher says it (contract 12.21).
    pub(crate) fn not_found() -> Self {
        Self::refusal(StatusCode::NOT_FOUND, "404 NOT FOUND")
    }

    /// The line of a refusal.
    pub(crate) fn line(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default().trim_end()
    }

    /// The same answer with another content type.
    pub(crate) fn with_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    /// The same answer for pages of any origin (contract B2.1).
    pub(crate) fn for_any_origin(self) -> Response<Body> {
        let mut response = self.into_response();
        allow_any_origin(&mut response);
        response
    }

    /// The answer on the wire.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Either::Left(Full::new(self.body)));
        *response.status_mut() = self.status;
        let content_type = HeaderValue::from_static(self.content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }
}

/// The body of an answer that axum has made.
pub(super) fn others(body: axum::body::Body) -> Body {
    Either::Right(Either::Right(body))
}

/// Lets pages of any origin read the answer.
pub(crate) fn allow_any_origin(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    headers.insert(unbuffered, HeaderValue::from_static("no"));
}
