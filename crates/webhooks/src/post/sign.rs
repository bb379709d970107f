//! The headers of one attempt: Pusher's signature (contract 16.2), the Standard Webhooks headers, and
//! Bellwire's own, which say where the batch stands in the log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellwire_protocol::{AppKey, Signer};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::batch::Batch;
use crate::endpoint::SigningSecret;
use crate::ids::BatchId;
use crate::secret;
use crate::turn::Dispatch;

/// The headers of an attempt that is made at `at_ms`, in milliseconds since the epoch, with this body.
///
/// `key` and `signer` are those of the app's oldest active key. The endpoint's own headers come last,
/// and none of them takes the place of one that is signed or says what was signed.
#[must_use]
pub fn headers(
    dispatch: &Dispatch,
    key: &AppKey,
    signer: &Signer,
    body: &str,
    at_ms: u64,
) -> Vec<(String, String)> {
    let endpoint = &dispatch.endpoint;
    let id = id_of(&dispatch.batch).to_string();
    let timestamp = (at_ms / 1_000).to_string();
    let signature = signatures(&endpoint.secrets, at_ms, &[&id, ".", &timestamp, ".", body]);
    let mut headers = Headers::default();
    headers.add("Content-Type", "application/json");
    headers.add("X-Pusher-Key", key.as_str());
    headers.add("X-Pusher-Signature", signer.sign(&[body]).as_str());
    headers.add("Webhook-Id", id);
    headers.add("Webhook-Timestamp", timestamp);
    headers.add("Webhook-Signature", signature);
    headers.add_place(dispatch);
    for (name, value) in &endpoint.terms.headers {
        headers.add_unless_there(name, value);
    }
    headers.0
}

/// The receiver's `Webhook-Id`: a replay keeps the id of what it repeats, so that a receiver that has
/// seen it knows it again. The halves of a split batch are new to everybody.
fn id_of(batch: &Batch) -> BatchId {
    batch.parent.filter(|_| batch.replay.is_some()).unwrap_or(batch.id)
}

#[derive(Default)]
struct Headers(Vec<(String, String)>);

impl Headers {
    fn add(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_owned(), value.into()));
    }

    /// Where the batch stands. A test stands nowhere.
    fn add_place(&mut self, dispatch: &Dispatch) {
        let batch = &dispatch.batch;
        if !batch.seqs.is_empty() {
            self.add("X-Bellwire-Sequence", batch.last_seq().to_string());
            self.add("X-Bellwire-Previous-Sequence", batch.previous.to_string());
        }
        if let Some(gap) = dispatch.gap {
            let text = format!("{}-{};count={}", gap.first, gap.last, gap.count);
            self.add("X-Bellwire-Gap", text);
        }
        self.add("X-Bellwire-Attempt", dispatch.attempt.to_string());
        if let Some(replay) = batch.replay {
            self.add("X-Bellwire-Replay", replay.to_string());
        }
    }

    fn add_unless_there(&mut self, name: &str, value: &str) {
        if !self.0.iter().any(|(there, _)| there.eq_ignore_ascii_case(name)) {
            self.add(name, value);
        }
    }
}

/// `v1,` and base64 of HMAC-SHA256, for each secret that has not expired, in their order: the newest
/// first.
fn signatures(secrets: &[SigningSecret], at_ms: u64, parts: &[&str]) -> String {
    let lives = |secret: &&SigningSecret| secret.expires_at_ms.is_none_or(|end_ms| at_ms < end_ms);
    let each: Vec<String> = secrets
        .iter()
        .filter(lives)
        // Secrets are checked when they are written down.
        .filter_map(|secret| secret::key_of(&secret.text).ok())
        .filter_map(|key| signature(&key, parts))
        .collect();
    each.join(" ")
}

fn signature(key: &[u8], parts: &[&str]) -> Option<String> {
    // HMAC takes keys of every length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part.as_bytes());
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
#[path = "sign_tests.rs"]
mod tests;
