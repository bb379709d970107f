//! Secrets that open something and of which only the SHA-256 is kept: sessions, links, tokens.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A random text that opens something. It is never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is kept of a secret.
pub type Digest = [u8; 32];

impl Secret {
    /// A secret as it is handed out or handed in.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// For whoever gets it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it. It is random and long, so a fast hash is enough.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Sha256::digest(&self.0).into()
    }

    /// Another secret that only who has this one can make: what a page sends along with every change,
    /// so that no other page can.
    #[must_use]
    pub fn csrf_token(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"bellwire csrf\0");
        hash.update(&self.0);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a text is this secret's CSRF token; takes as long either way.
    #[must_use]
    pub fn has_csrf_token(&self, text: &str) -> bool {
        self.csrf_token().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csrf_token_belongs_to_one_secret_and_does_not_tell_it() {
        let (one, other) = (Secret::new("one"), Secret::new("other"));
        assert!(one.has_csrf_token(&one.csrf_token()));
        assert!(!one.has_csrf_token(&other.csrf_token()));
        assert!(!one.has_csrf_token(""));
        assert_ne!(one.csrf_token().as_bytes(), one.digest());
        assert_eq!(format!("{one:?}"), "***");
    }
}
