//! The request as it goes over the wire.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use super::connection::Body;
use super::target::Target;
use super::trouble::Trouble;
use crate::attempt::Failure;

/// What webhooks say that they come from.
const AGENT: &str = concat!("Bellwire/", env!("CARGO_PKG_VERSION"), " (+webhooks)");

/// Headers that belong to the connection, and not to whoever asks for the request.
const OWN: [&str; 11] = [
    "host",
    "user-agent",
    "content-length",
    "connection",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A POST with these headers, after those of the connection.
pub(super) fn build(
    target: &Target,
    headers: &[(String, String)],
    body: &Bytes,
) -> Result<Request<Body>, Trouble> {
    let mut request = Request::new(Body::new(body.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from(target.path.clone());
    let host = target.origin.host_header().ok_or_else(|| unfit("Host"))?;
    let all = request.headers_mut();
    all.reserve(headers.len() + 3);
    all.insert(HOST, host);
    all.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(|_| unfit(name))?;
        if !OWN.contains(&name.as_str()) {
            let value = HeaderValue::try_from(value).map_err(|_| unfit(name.as_str()))?;
            all.append(name, value);
        }
    }
    all.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(request)
}

fn unfit(name: &str) -> Trouble {
    Trouble::new(Failure::Broken, format!("the header {name:?} cannot be sent"))
}

/// Request line and headers as they are sent, a line each.
pub(super) fn head(request: &Request<Body>) -> String {
    let mut text = String::with_capacity(1024);
    // Writing to a string does not fail.
    let _ = write!(text, "{} {} HTTP/1.1\r\n", request.method(), request.uri());
    write_headers(&mut text, request.headers());
    text
}

fn write_headers(text: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        push_title_case(text, name.as_str());
        text.push_str(": ");
        text.push_str(&String::from_utf8_lossy(value.as_bytes()));
        text.push_str("\r\n");
    }
}

/// The first letter and every letter after a hyphen as a capital, the way it is sent.
fn push_title_case(text: &mut String, name: &str) {
    let mut is_first = true;
    for letter in name.chars() {
        text.push(if is_first { letter.to_ascii_uppercase() } else { letter });
        is_first = letter == '-';
    }
}
