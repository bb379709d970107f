use std::sync::Arc;

use super::*;
use crate::batch::{Gap, REPLAY_LANE};
use crate::endpoint::{Endpoint, Origin, Terms};
use crate::ids::ReplayId;

const BODY: &str =
    "{\"time_ms\":1700000000123,\"events\":[{\"name\":\"channel_occupied\",\"channel\":\"café\"}]}";
const AT_MS: u64 = 1_700_000_001_999;
/// 32 times `n`.
const NEW: &str = "whsec_bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=";
/// 24 times `o`.
const OLD: &str = "whsec_b29vb29vb29vb29vb29vb29vb29vb29v";
/// Computed with Python's hmac, as are all signatures here, over id 7.
const BY_NEW: &str = "v1,GS2lZbUHEa69XKObPiPtUG9q+lSo3tKvXYngYOWDTGc=";
const BY_OLD: &str = "v1,jd/FcYbkRldvy1Uv1gkXuCXKbRImDn3q4Q78hoMwegw=";

fn secret(text: &str, expires_at_ms: Option<u64>) -> SigningSecret {
    SigningSecret { text: text.into(), created_at_ms: 0, expires_at_ms }
}

fn endpoint() -> Endpoint {
    Endpoint {
        id: "ep_a".parse().unwrap(),
        app: "1".parse().unwrap(),
        terms: Terms::new("https://example.com/"),
        origin: Origin::Stored,
        created_at_ms: 0,
        disabled: None,
        failing_since_ms: None,
        secrets: vec![secret(NEW, None)],
    }
}

fn batch() -> Batch {
    Batch {
        id: BatchId::of(7),
        app: "1".parse().unwrap(),
        endpoint: "ep_a".parse().unwrap(),
        lane: 0,
        time_ms: 1_700_000_000_123,
        events: "[]".into(),
        seqs: vec![41, 42],
        previous: 40,
        gap: None,
        deadline_ms: 0,
        replay: None,
        parent: None,
    }
}

fn dispatch(batch: Batch, endpoint: Endpoint) -> Dispatch {
    let time_ms = batch.time_ms;
    Dispatch {
        batch: Arc::new(batch),
        endpoint: Arc::new(endpoint),
        attempt: 3,
        time_ms,
        gap: None,
    }
}

fn sign(dispatch: &Dispatch) -> Vec<(String, String)> {
    let signer = Signer::new(&"very-secret".parse().unwrap());
    headers(dispatch, &"278d425bdf160c739803".parse().unwrap(), &signer, BODY, AT_MS)
}

fn value<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(there, _)| there == name).map(|(_, value)| &**value)
}

#[test]
fn an_attempt_has_the_headers_of_both_schemes_and_our_own() {
    let headers = sign(&dispatch(batch(), endpoint()));
    let expected = [
        ("Content-Type", "application/json"),
        ("X-Pusher-Key", "278d425bdf160c739803"),
        ("X-Pusher-Signature", "414ed2312f41dd4a6a316279871f60e638c32ac60684a0c9d62debda0c1b92f2"),
        ("Webhook-Id", "msg_0000000000000007"),
        ("Webhook-Timestamp", "1700000001"),
        ("Webhook-Signature", BY_NEW),
        ("X-Bellwire-Sequence", "42"),
        ("X-Bellwire-Previous-Sequence", "40"),
        ("X-Bellwire-Attempt", "3"),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

/// <https://github.com/standard-webhooks/standard-webhooks>: `TestWebhookSign` in
/// libraries/go/webhook_test.go, with the secret of its documentation.
#[test]
fn the_example_of_standard_webhooks_is_signed_as_published() {
    let secrets = [secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None)];
    let parts = ["msg_p5jXN8AQM9LWM0D4loKWxJek", ".", "1614265330", ".", "{\"test\": 2432232314}"];
    let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(signatures(&secrets, 0, &parts), expected);
}

#[test]
fn every_secret_signs_until_it_expires() {
    let signed = |expires_at_ms| {
        let mut endpoint = endpoint();
        endpoint.secrets.push(secret(OLD, Some(expires_at_ms)));
        let headers = sign(&dispatch(batch(), endpoint));
        value(&headers, "Webhook-Signature").unwrap().to_owned()
    };
    assert_eq!(signed(AT_MS + 1), format!("{BY_NEW} {BY_OLD}"));
    assert_eq!(signed(AT_MS), BY_NEW);
}

#[test]
fn a_replay_keeps_the_id_of_what_it_repeats_and_says_that_it_is_one() {
    let replayed = Batch {
        lane: REPLAY_LANE,
        replay: Some(ReplayId::of(9)),
        parent: Some(BatchId::of(3)),
        ..batch()
    };
    let headers = sign(&dispatch(replayed, endpoint()));
    assert_eq!(value(&headers, "Webhook-Id"), Some("msg_0000000000000003"));
    assert_eq!(value(&headers, "X-Bellwire-Replay"), Some("rpl_0000000000000009"));
    let expected = "v1,T3yKFy8u4ePwjkawYw1A0aDHGU5H4nyTJxaPrkaC3Qc=";
    assert_eq!(value(&headers, "Webhook-Signature"), Some(expected));
}

#[test]
fn half_of_a_split_batch_has_an_id_of_its_own() {
    let half = Batch { parent: Some(BatchId::of(3)), ..batch() };
    let headers = sign(&dispatch(half, endpoint()));
    assert_eq!(value(&headers, "Webhook-Id"), Some("msg_0000000000000007"));
}

#[test]
fn a_test_stands_nowhere_in_the_log() {
    let test = Batch { seqs: Vec::new(), replay: Some(ReplayId::of(9)), ..batch() };
    let headers = sign(&dispatch(test, endpoint()));
    assert_eq!(value(&headers, "X-Bellwire-Sequence"), None);
    assert_eq!(value(&headers, "X-Bellwire-Previous-Sequence"), None);
    assert_eq!(value(&headers, "X-Bellwire-Attempt"), Some("3"));
}

#[test]
fn a_gap_is_named() {
    let mut late = dispatch(batch(), endpoint());
    late.gap = Some(Gap { first: 5, last: 9, count: 3 });
    assert_eq!(value(&sign(&late), "X-Bellwire-Gap"), Some("5-9;count=3"));
}

#[test]
fn an_endpoints_own_headers_come_last_and_change_none_of_the_others() {
    let mut generous = endpoint();
    let own =
        [("Authorization", "Bearer x"), ("webhook-id", "evil"), ("x-PUSHER-signature", "evil")];
    generous.terms.headers = own.map(|(name, value)| (name.into(), value.into())).into();
    let headers = sign(&dispatch(batch(), generous));
    assert_eq!(headers.last().unwrap(), &("Authorization".into(), "Bearer x".into()));
    assert!(!headers.iter().any(|(_, value)| value == "evil"));
}
