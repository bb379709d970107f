//! Secrets of the Standard Webhooks headers: `whsec_` and base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the text begins with.
const PREFIX: &str = "whsec_";

/// The text of a secret of these random bytes.
#[must_use]
pub fn text_of(random: &[u8; 32]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(random))
}

/// The key that a secret stands for.
///
/// # Errors
/// A sentence that says what was expected, without the secret.
pub fn key_of(text: &str) -> Result<Vec<u8>, &'static str> {
    let expected = "expected whsec_ and the base64 of 24 to 64 bytes";
    let encoded = text.strip_prefix(PREFIX).ok_or(expected)?;
    let key = STANDARD.decode(encoded).map_err(|_| expected)?;
    if (24..=64).contains(&key.len()) { Ok(key) } else { Err(expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_stands_for_its_bytes() {
        let text = text_of(&[7; 32]);
        assert!(text.starts_with("whsec_"));
        assert_eq!(key_of(&text).unwrap(), [7; 32]);
        for bad in ["", "whsec_", "whsec_!!!!", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "whsec_AAAA"] {
            assert!(key_of(bad).is_err(), "{bad}");
        }
    }
}
