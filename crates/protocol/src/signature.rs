//! Signatures: HMAC-SHA256 in lower-case hex over what Pusher's SDKs sign (contract 4.4, 6.1, 13,
//! 16.2). Comparison is in constant time and upper case never matches.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::ids::AppSecret;

/// A secret, ready to sign: the key is hashed once, not at every signature.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// The signer of a secret.
    #[must_use]
    pub fn new(secret: &AppSecret) -> Self {
        // HMAC takes keys of any length; the error type has no inhabitant in practice.
        match Hmac::new_from_slice(secret.reveal().as_bytes()) {
            Ok(mac) => Self(mac),
            Err(_) => unreachable!("HMAC accepts keys of every length"),
        }
    }

    /// The signature of the parts, one after the other.
    #[must_use]
    pub fn sign(&self, parts: &[&str]) -> Hex<64> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part.as_bytes());
        }
        Hex::of(&mac.finalize().into_bytes())
    }

    /// Whether a signature is that of the parts.
    #[must_use]
    pub fn verify(&self, parts: &[&str], signature: &str) -> bool {
        self.sign(parts).matches(signature)
    }

    /// Whether a signature allows a socket onto a channel (contract 4.4). `channel_data` is the
    /// text received, byte for byte.
    #[must_use]
    pub fn verify_channel(
        &self,
        socket_id: &str,
        channel: &str,
        channel_data: Option<&str>,
        signature: &str,
    ) -> bool {
        match channel_data {
            Some(data) => self.verify(&[socket_id, ":", channel, ":", data], signature),
            None => self.verify(&[socket_id, ":", channel], signature),
        }
    }

    /// Whether a signature lets a socket sign in with this user data (contract 6.1).
    #[must_use]
    pub fn verify_user(&self, socket_id: &str, user_data: &str, signature: &str) -> bool {
        self.verify(&[socket_id, "::user::", user_data], signature)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer(***)")
    }
}

/// A digest in lower-case hex: `N` characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>([u8; N]);

impl<const N: usize> Hex<N> {
    fn of(digest: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; N];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(digest) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(hex)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Hex digits are ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Whether a text is the same, compared in constant time.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.ct_eq(text.as_bytes()).into()
    }
}

impl<const N: usize> std::fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> std::fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The `body_md5` of a request's body (contract 13.9).
#[must_use]
pub fn body_md5(body: &[u8]) -> Hex<32> {
    Hex::of(&Md5::digest(body))
}

/// `key:signature`, as clients send it in `auth`.
#[must_use]
pub fn split_auth(auth: &str) -> Option<(&str, &str)> {
    auth.split_once(':').filter(|(key, signature)| !key.is_empty() && !signature.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;

    #[derive(serde::Deserialize)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    enum Vector {
        Request {
            secret: String,
            method: String,
            path: String,
            query: serde_json::Map<String, serde_json::Value>,
            #[serde(default)]
            body: String,
            signature: String,
        },
        Channel {
            secret: String,
            socket_id: String,
            channel: String,
            channel_data: Option<String>,
            signature: String,
        },
        User {
            secret: String,
            socket_id: String,
            user_data: String,
            signature: String,
        },
        Webhook {
            secret: String,
            body: String,
            signature: String,
        },
        #[serde(other)]
        Other,
    }

    fn signer(secret: &str) -> Signer {
        Signer::new(&secret.parse().unwrap())
    }

    fn check(vector: Vector) {
        match vector {
            Vector::Request { secret, method, path, query, body, signature } => {
                let wire = on_the_wire(&query);
                let query = Query::parse(&wire).unwrap();
                let text = query.string_to_sign(&method, &path);
                assert!(signer(&secret).verify(&[&text], &signature), "{text}");
                if let Some(md5) = query.one("body_md5") {
                    assert!(body_md5(body.as_bytes()).matches(md5), "{body}");
                }
            }
            Vector::Channel { secret, socket_id, channel, channel_data, signature } => {
                let data = channel_data.as_deref();
                assert!(signer(&secret).verify_channel(&socket_id, &channel, data, &signature));
                let upper = signature.to_uppercase();
                assert!(!signer(&secret).verify_channel(&socket_id, &channel, data, &upper));
            }
            Vector::User { secret, socket_id, user_data, signature } => {
                assert!(signer(&secret).verify_user(&socket_id, &user_data, &signature));
            }
            Vector::Webhook { secret, body, signature } => {
                assert!(signer(&secret).verify(&[&body], &signature));
            }
            Vector::Other => {}
        }
    }

    fn on_the_wire(query: &serde_json::Map<String, serde_json::Value>) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut pairs = Vec::new();
        for (name, value) in query {
            let values = match value {
                serde_json::Value::Array(values) => values.iter().map(text).collect(),
                other => vec![text(other)],
            };
            for value in values {
                let value = utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string();
                pairs.push(format!("{}={value}", utf8_percent_encode(name, NON_ALPHANUMERIC)));
            }
        }
        pairs.join("&")
    }

    fn check_all(json: &str) {
        let vectors: Vec<Vector> = serde_json::from_str(json).unwrap();
        assert!(vectors.len() >= 5);
        vectors.into_iter().for_each(check);
    }

    // contract: 4.4, 6.1, 13.1, 13.2, 13.3, 13.5, 13.9
    #[test]
    fn the_vectors_of_the_contract_hold() {
        check_all(include_str!("../vectors/contract.json"));
    }

    // contract: 4.4, 6.1, 13.2, 13.5
    #[test]
    fn what_the_node_sdk_signs_verifies() {
        check_all(include_str!("../vectors/from-node-sdk.json"));
    }

    // contract: 4.4, 6.1, 13.2, 13.5, 13.9
    #[test]
    fn what_the_python_sdk_signs_verifies() {
        check_all(include_str!("../vectors/from-python-sdk.json"));
    }

    #[test]
    fn an_auth_needs_both_halves() {
        assert_eq!(split_auth("k:s"), Some(("k", "s")));
        for bad in ["", ":", "k", "k:", ":s"] {
            assert_eq!(split_auth(bad), None);
        }
    }
}
