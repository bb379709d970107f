//! Bodies of requests, read within a limit of bytes and of time.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use crate::http::Answer;

/// Time in which a whole body must arrive.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// Of a refused request so much is read and thrown away, so that the client reads its answer
/// instead of a reset.
const DISCARD_BYTES: usize = 1 << 20;
const DISCARD_WITHIN: Duration = Duration::from_secs(2);

/// Reads a body of at most `max` bytes. One that says beforehand that it is too large is refused before a byte is kept.
pub(crate) async fn read(request: Request<Incoming>, max: usize) -> Result<Bytes, Answer> {
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > max as u64) {
        discard(request).await;
        return Err(too_large(max));
    }
    let body = Limited::new(request.into_body(), max);
    match tokio::time::timeout(BODY_WITHIN, body.collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(max)),
        Ok(Err(_)) => Err(Answer::bad("The request body could not be read")),
        Err(_) => {
            let line = "The request body did not arrive in time";
            Err(Answer::refusal(StatusCode::REQUEST_TIMEOUT, line))
        }
    }
}

/// Throws a body away, up to a point.
pub(crate) async fn discard(request: Request<Incoming>) {
    let mut body = request.into_body();
    let throw_away = async {
        let mut thrown = 0;
        while !body.is_end_stream() && thrown < DISCARD_BYTES {
            match body.frame().await {
                Some(Ok(frame)) => thrown += frame.data_ref().map_or(0, Bytes::len),
                _ => break,
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_WITHIN, throw_away).await;
}

fn too_large(max: usize) -> Answer {
    let line = format!("The request body exceeds the allowed maximum ({max} bytes)");
    Answer::refusal(StatusCode::PAYLOAD_TOO_LARGE, &line)
}
