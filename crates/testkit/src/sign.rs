//! The three hashes of Pusher's protocol, computed without any code of the server.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;

/// HMAC-SHA256 of `text` with `secret`, in lower-case hex.
#[must_use]
pub fn hmac_hex(secret: &str, text: &str) -> String {
    hex(&hmac_sha256(secret.as_bytes(), text.as_bytes()))
}

/// HMAC-SHA256 of any bytes.
#[must_use]
pub(crate) fn hmac_sha256(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// MD5 of `bytes`, in lower-case hex.
#[must_use]
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// The `auth` of a subscription (contract 4.4), with `channel_data` for presence channels.
#[must_use]
pub fn channel_auth(
    key: &str,
    secret: &str,
    socket_id: &str,
    channel: &str,
    channel_data: Option<&str>,
) -> String {
    let text = match channel_data {
        Some(data) => format!("{socket_id}:{channel}:{data}"),
        None => format!("{socket_id}:{channel}"),
    };
    format!("{key}:{}", hmac_hex(secret, &text))
}

/// The `auth` of a sign-in (contract 6.1).
#[must_use]
pub fn user_auth(key: &str, secret: &str, socket_id: &str, user_data: &str) -> String {
    let text = format!("{socket_id}::user::{user_data}");
    format!("{key}:{}", hmac_hex(secret, &text))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "7ad3773142a6692b25b8";

    #[test]
    fn the_docs_own_vectors_come_out() {
        assert_eq!(
            hmac_hex(SECRET, "1234.1234:private-foobar"),
            "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"
        );
        assert_eq!(
            user_auth("k", SECRET, "1234.1234", r#"{"id":"12345"}"#),
            "k:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"
        );
        assert_eq!(md5_hex(b""), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn a_presence_signature_covers_the_channel_data_byte_for_byte() {
        let data = r#"{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#;
        assert_eq!(
            channel_auth("k", SECRET, "1234.1234", "presence-foobar", Some(data)),
            "k:31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
        );
    }
}
