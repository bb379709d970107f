//! One request and its answer, within limits.

use std::time::Duration;

use bytes::Bytes;
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderMap, Request, StatusCode, Version, response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout_at};

use super::connection::{Body, Connection};
use super::trouble::{Trouble, in_full};
use crate::attempt::{Answer, Failure};
use crate::clock::wall_ms;

/// So much of an answer's body is read.
const READ_MAX: usize = 64 * 1024;
/// So much of it is kept.
const KEPT_MAX: usize = 4 * 1024;
/// How long the body of a refusal is waited for: it is for people, the status says it all.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// It can carry another request.
    Keep,
    /// It cannot.
    Drop,
}

/// Sends a request and writes down what comes back.
///
/// # Errors
/// When no head of an answer came.
pub(super) async fn exchange(
    connection: &mut Connection,
    request: Request<Body>,
    deadline: Instant,
    answer: &mut Answer,
) -> Result<After, Trouble> {
    let response = match timeout_at(deadline, connection.send(request)).await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(broken(&error)),
        Err(_) => return Err(Trouble::new(Failure::Timeout, "no answer came in time")),
    };
    let (head, body) = response.into_parts();
    answer.status = Some(head.status.as_u16());
    answer.retry_after_ms = retry_after_ms(&head.headers, wall_ms());
    let until = if head.status.is_success() {
        deadline
    } else {
        deadline.min(Instant::now() + REFUSAL_TIME)
    };
    let mut kept = Vec::new();
    let ending = read(connection, body, until, &mut kept).await;
    answer.body = text_of(kept);
    if let Some((failure, detail)) = verdict(&head, &ending) {
        answer.failure = Some(failure);
        answer.detail = detail;
    }
    // Whoever speaks 1.0 would be sent 1.0 the next time.
    let is_modern = head.version == Version::HTTP_11;
    let keeps = matches!(ending, Ending::Whole) && is_modern && connection.is_ready();
    Ok(if keeps { After::Keep } else { After::Drop })
}

/// How the reading of a body ended.
#[derive(Debug)]
enum Ending {
    Whole,
    /// It is longer than anybody wants to read.
    TooLong,
    Cut(String),
    Late,
}

/// What an answer means; none: it is accepted.
fn verdict(head: &response::Parts, ending: &Ending) -> Option<(Failure, String)> {
    if !head.status.is_success() {
        return Some((Failure::Status, status_detail(head.status, &head.headers)));
    }
    match ending {
        Ending::Whole | Ending::TooLong => None,
        Ending::Cut(why) => {
            Some((Failure::Body, format!("the body of the answer was cut off: {why}")))
        }
        Ending::Late => Some((Failure::Body, "the body of the answer did not end in time".into())),
    }
}

fn status_detail(status: StatusCode, headers: &HeaderMap) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    let said = format!("the receiver answered {} {reason}", status.as_u16());
    let said = said.trim_end();
    if !status.is_redirection() {
        return said.to_owned();
    }
    match headers.get(LOCATION).and_then(|location| location.to_str().ok()) {
        Some(location) => {
            let location: String = location.chars().take(200).collect();
            format!("{said} to {location}; redirects are not followed")
        }
        None => format!("{said}; redirects are not followed"),
    }
}

fn broken(error: &hyper::Error) -> Trouble {
    let detail = if error.is_parse_too_large() {
        "the head of the answer is longer than 16 KiB or has more than 100 headers".into()
    } else if error.is_parse() {
        format!("the answer is not HTTP/1.1: {}", in_full(error))
    } else if error.is_incomplete_message() {
        "the receiver hung up before it had answered".into()
    } else {
        format!("the connection broke before an answer came: {}", in_full(error))
    };
    Trouble::new(Failure::Broken, detail)
}

async fn read(
    connection: &mut Connection,
    mut body: Incoming,
    until: Instant,
    kept: &mut Vec<u8>,
) -> Ending {
    if body.is_end_stream() {
        return Ending::Whole;
    }
    let reading = async {
        let mut length = 0;
        while let Some(frame) = connection.drive(body.frame()).await {
            let data = match frame {
                // Trailers say nothing to us.
                Ok(frame) => frame.into_data().unwrap_or_default(),
                Err(error) => return Ending::Cut(in_full(&error)),
            };
            keep(kept, &data);
            length += data.len();
            if length > READ_MAX {
                return Ending::TooLong;
            }
        }
        Ending::Whole
    };
    timeout_at(until, reading).await.unwrap_or(Ending::Late)
}

fn keep(kept: &mut Vec<u8>, data: &Bytes) {
    let room = KEPT_MAX - kept.len();
    kept.extend_from_slice(&data[..data.len().min(room)]);
}

/// The text of what was kept. A character that was cut through at the end is left out.
fn text_of(mut kept: Vec<u8>) -> String {
    let is_cut = kept.len() == KEPT_MAX;
    if let (true, Err(error)) = (is_cut, std::str::from_utf8(&kept))
        && error.error_len().is_none()
    {
        kept.truncate(error.valid_up_to());
    }
    match String::from_utf8(kept) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, 10.2.3), in milliseconds from `now_ms`, which is
/// in milliseconds since the epoch.
fn retry_after_ms(headers: &HeaderMap, now_ms: u64) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit are still a long time.
        return Some(text.parse().unwrap_or(u64::MAX).saturating_mul(1_000));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let date_ms = u64::try_from(since_epoch.as_millis()).ok()?;
    Some(date_ms.saturating_sub(now_ms))
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
