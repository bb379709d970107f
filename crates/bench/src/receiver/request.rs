//! One POST on a keep-alive connection, as much of it as the receiver asks about.

use memchr::memmem;

use crate::publisher::header;

/// A whole POST, borrowed from what its connection has read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Post<'a> {
    /// Which endpoint it was sent to.
    pub(super) path: &'a str,
    /// Its `Webhook-Id`; empty if it has none.
    pub(super) id: &'a str,
    /// Whether it says that something was lost before it.
    pub(super) tells_gap: bool,
    /// The events.
    pub(super) body: &'a [u8],
    /// Head and body together, so that the caller can step to the next.
    pub(super) size: usize,
}

/// What came is no POST with a length.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Takes the first POST of `bytes`; `None` if its end has not arrived.
///
/// # Errors
/// When no POST can come of it.
pub(super) fn first(bytes: &[u8]) -> Result<Option<Post<'_>>, Malformed> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
        return if bytes.len() > HEAD_BYTES_MAX { Err(Malformed) } else { Ok(None) };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| Malformed)?;
    let target = head.strip_prefix("POST ").and_then(|rest| rest.split(' ').next());
    let length = header(head, "content-length").and_then(|length| length.parse::<usize>().ok());
    let (Some(path), Some(length)) = (target, length.filter(|length| *length <= BODY_BYTES_MAX))
    else {
        return Err(Malformed);
    };
    let size = end + 4 + length;
    let Some(body) = bytes.get(end + 4..size) else {
        return Ok(None);
    };
    let id = header(head, "webhook-id").unwrap_or_default();
    let tells_gap = header(head, "x-bellwire-gap").is_some();
    Ok(Some(Post { path, id, tells_gap, body, size }))
}

/// Longer heads are nothing that a server of ours sends.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Far above what a batch may have.
const BODY_BYTES_MAX: usize = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &[u8] = b"POST /hook/1 HTTP/1.1\r\nHost: a\r\nWebhook-Id: msg_7\r\n\
        Content-Length: 4\r\n\r\n{}  POST /hook/2 HTTP/1.1\r\n";

    #[test]
    fn a_post_is_taken_to_its_end_and_no_further() {
        let post = first(WHOLE).expect("well formed").expect("whole");
        assert_eq!((post.path, post.id, post.body), ("/hook/1", "msg_7", &b"{}  "[..]));
        assert!(!post.tells_gap);
        assert!(WHOLE[post.size..].starts_with(b"POST /hook/2"));
    }

    #[test]
    fn wherever_it_is_cut_the_rest_is_waited_for() {
        let size = first(WHOLE).expect("well formed").expect("whole").size;
        for cut in 0..size {
            assert_eq!(first(&WHOLE[..cut]), Ok(None), "cut at {cut}");
        }
    }

    #[test]
    fn a_gap_is_seen_however_its_header_is_written() {
        let text = b"POST / HTTP/1.1\r\nx-Bellwire-GAP: 3-4;count=2\r\ncontent-length: 0\r\n\r\n";
        let post = first(text).expect("well formed").expect("whole");
        assert!(post.tells_gap && post.id.is_empty());
    }

    #[test]
    fn what_is_no_post_or_has_no_length_is_malformed() {
        for text in [
            "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        ] {
            assert_eq!(first(text.as_bytes()), Err(Malformed), "{text}");
        }
    }
}
