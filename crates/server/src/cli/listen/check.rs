//! Whether a POST is genuine and fresh: both of its signatures, and its age.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::post::Post;
use crate::moment::span;

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) mark: Mark,
    /// A word for programs.
    pub(super) word: &'static str,
    /// A clause for people.
    pub(super) text: String,
}

/// Good, bad, or nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Bad,
    Unknown,
}

/// Receivers refuse what is further away from their own clock: Python's SDK by `time_ms` (contract
/// 16.6), libraries of Standard Webhooks by `Webhook-Timestamp`.
const AGE_MS_MAX: u64 = 300_000;

impl Verdict {
    pub(super) fn new(mark: Mark, word: &'static str, text: impl Into<String>) -> Self {
        Self { mark, word, text: text.into() }
    }
}

impl Mark {
    pub(super) fn sign(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Bad => '✗',
            Self::Unknown => '–',
        }
    }
}

/// `X-Pusher-Signature`, with the secret of the key that it names, if that is known (contract 16.2).
pub(super) fn pusher(post: &Post, secret: Option<&[u8]>) -> Verdict {
    let named = post.header("x-pusher-key").zip(post.header("x-pusher-signature"));
    let Some((key, signature)) = named else {
        return Verdict::new(Mark::Bad, "missing", "X-Pusher-Key or X-Pusher-Signature is missing");
    };
    let Some(secret) = secret else {
        let text = format!("X-Pusher-Signature not checked: the secret of key {key} is not known");
        return Verdict::new(Mark::Unknown, "unchecked", text);
    };
    let right: String = hmac(secret, &[&post.body]).iter().map(|b| format!("{b:02x}")).collect();
    if right == signature {
        Verdict::new(Mark::Good, "valid", format!("X-Pusher-Signature valid (key {key})"))
    } else {
        Verdict::new(Mark::Bad, "wrong", format!("X-Pusher-Signature WRONG (key {key})"))
    }
}

/// The Standard Webhooks headers, with the keys of the endpoint's secrets, as far as they are known.
pub(super) fn standard(post: &Post, keys: &[Vec<u8>]) -> Verdict {
    let [id, timestamp, signatures] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| post.header(name));
    let (Some(id), Some(timestamp), Some(signatures)) = (id, timestamp, signatures) else {
        return Verdict::new(Mark::Unknown, "missing", "no Webhook-Signature");
    };
    if keys.is_empty() {
        let text = "Webhook-Signature not checked: the endpoint's secret is not known";
        return Verdict::new(Mark::Unknown, "unchecked", text);
    }
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &post.body];
    let signed = |key: &Vec<u8>| format!("v1,{}", STANDARD.encode(hmac(key, &parts)));
    if !keys.iter().any(|key| signatures.split(' ').any(|given| given == signed(key))) {
        return Verdict::new(Mark::Bad, "wrong", "Webhook-Signature WRONG");
    }
    let stamped_ms = timestamp.parse::<u64>().unwrap_or(0).saturating_mul(1_000);
    if post.at_ms.abs_diff(stamped_ms) > AGE_MS_MAX + 1_000 {
        let text = "Webhook-Signature valid, but Webhook-Timestamp is more than 300 s away";
        return Verdict::new(Mark::Bad, "stale", text);
    }
    Verdict::new(Mark::Good, "valid", "Webhook-Signature valid")
}

/// How old the body is.
pub(super) fn age(post: &Post) -> Verdict {
    let Some(age_ms) = post.age_ms() else {
        return Verdict::new(Mark::Bad, "missing", "the body is no webhook: no time_ms and events");
    };
    let text = match u64::try_from(age_ms) {
        Ok(age_ms) => format!("{} old", span(age_ms)),
        Err(_) => format!("{} from the future", span(age_ms.unsigned_abs())),
    };
    if age_ms.unsigned_abs() > AGE_MS_MAX {
        return Verdict::new(Mark::Bad, "stale", format!("{text}: SDKs refuse more than 300 s"));
    }
    Verdict::new(Mark::Good, "fresh", text)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::super::post::post;
    use super::*;

    /// The example of the specification of Standard Webhooks.
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &str = r#"{"test": 2432232314}"#;
    const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn example(at_ms: u64, signature: &str) -> Post {
        let headers = [
            ("Webhook-Id", ID),
            ("Webhook-Timestamp", "1614265330"),
            ("Webhook-Signature", signature),
        ];
        let mut post = post(&headers, BODY);
        post.at_ms = at_ms;
        post
    }

    #[test]
    fn one_right_signature_of_several_with_one_of_several_secrets_suffices() {
        let keys = [vec![1; 32], STANDARD.decode(KEY).unwrap()];
        let right = "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let word =
            |at_ms, signature, keys: &[Vec<u8>]| standard(&example(at_ms, signature), keys).word;
        let at_ms = 1_614_265_330_000;
        assert_eq!(word(at_ms, right, &keys), "valid");
        assert_eq!(word(at_ms, right, &keys[..1]), "wrong");
        assert_eq!(word(at_ms, "v1,AAAA", &keys), "wrong");
        assert_eq!(word(at_ms, "", &keys), "wrong");
        assert_eq!(word(at_ms, right, &[]), "unchecked");
        assert_eq!(word(at_ms + 302_000, right, &keys), "stale");
        assert_eq!(word(at_ms - 302_000, right, &keys), "stale");
        assert_eq!(standard(&post(&[], BODY), &keys).word, "missing");
    }

    #[test]
    fn pushers_signature_is_lower_case_hex_of_the_bytes() {
        // HMAC-SHA256 of RFC 4231, test case 2.
        let (body, secret) = ("what do ya want for nothing?", &b"Jefe"[..]);
        let right = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let word = |signature: &str, secret: Option<&[u8]>| {
            let headers = [("X-Pusher-Key", "k"), ("X-Pusher-Signature", signature)];
            pusher(&post(&headers, body), secret).word
        };
        assert_eq!(word(right, Some(secret)), "valid");
        assert_eq!(word(&right.to_uppercase(), Some(secret)), "wrong");
        assert_eq!(word(right, Some(b"jefe")), "wrong");
        assert_eq!(word(right, None), "unchecked");
        assert_eq!(pusher(&post(&[("X-Pusher-Key", "k")], body), Some(secret)).word, "missing");
    }

    #[test]
    fn a_body_is_fresh_within_300_seconds_either_way() {
        let word =
            |time_ms: u64| age(&post(&[], &format!(r#"{{"time_ms":{time_ms},"events":[]}}"#))).word;
        assert_eq!(word(10_000), "fresh");
        assert_eq!(word(310_000), "fresh");
        assert_eq!(word(310_001), "stale");
        assert_eq!(age(&post(&[], "x")).word, "missing");
    }
}
