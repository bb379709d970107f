//! Passwords: kept as argon2id, which is slow on purpose.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use crate::Unfit;

/// A password that somebody chose. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// What of a password is kept, as a PHC string with its salt and its costs.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Characters of a password.
pub(crate) const CHARS: std::ops::RangeInclusive<usize> = 10..=200;
/// What is compared with where there is no such person, so that it takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWlzLWhlcmU$\
                      qmZ0Y0o1T2xqY3dYb0FkSkV6bW5wZmJqQ2VxY1J0ZWQ";

impl Password {
    /// A password for a new or changed sign-in.
    ///
    /// # Errors
    /// When it is too short, too long, or one that everybody guesses.
    pub fn new(text: &str) -> Result<Self, Unfit> {
        let chars = text.chars().count();
        if !CHARS.contains(&chars) {
            let (least, most) = (CHARS.start(), CHARS.end());
            return Err(Unfit(format!("expected {least} to {most} characters, this has {chars}")));
        }
        let mut letters = text.chars();
        let first = letters.next();
        if letters.all(|letter| Some(letter) == first) {
            return Err(Unfit("expected more than one character over and over".into()));
        }
        Ok(Self(text.to_owned()))
    }

    /// What somebody says is the password; it may be anything.
    #[must_use]
    pub fn said(text: &str) -> Self {
        Self(text.chars().take(*CHARS.end()).collect())
    }

    /// What is kept of it. `salt` is random.
    ///
    /// # Errors
    /// When it cannot be hashed.
    pub fn hash(&self, salt: &[u8; 16]) -> Result<PasswordHash, Unfit> {
        let hash: Phc = Argon2::default()
            .hash_password_with_salt(self.0.as_bytes(), salt)
            .map_err(|error| Unfit(error.to_string()))?;
        Ok(PasswordHash(hash.to_string()))
    }

    /// Whether it is the one that was kept. Takes as long if nothing was.
    #[must_use]
    pub fn is(&self, kept: Option<&PasswordHash>) -> bool {
        let text = kept.map_or(NOBODY, |kept| &kept.0);
        let right = Phc::new(text)
            .is_ok_and(|hash| Argon2::default().verify_password(self.0.as_bytes(), &hash).is_ok());
        right && kept.is_some()
    }
}

impl PasswordHash {
    /// As it was kept.
    #[must_use]
    pub fn kept(text: String) -> Self {
        Self(text)
    }

    /// As it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_opens() {
        let password = Password::new("correct horse").unwrap();
        let hash = password.hash(&[7; 16]).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(password.is(Some(&hash)));
        assert!(!Password::said("correct horsf").is(Some(&hash)));
        assert!(!password.is(None));
        assert!(!password.is(Some(&PasswordHash::kept("nonsense".into()))));
        assert_eq!(format!("{password:?}{hash:?}"), "******");
    }

    #[test]
    fn the_hash_of_nobody_costs_as_much_as_any_other() {
        let nobody = Phc::new(NOBODY).unwrap();
        let hash = Password::new("correct horse").unwrap().hash(&[7; 16]).unwrap();
        let somebody = Phc::new(hash.as_str()).unwrap();
        assert_eq!((nobody.algorithm, nobody.params), (somebody.algorithm, somebody.params));
        assert_eq!(nobody.hash.unwrap().len(), somebody.hash.unwrap().len());
    }

    #[test]
    fn a_password_that_everybody_guesses_is_refused() {
        for bad in ["short", "aaaaaaaaaaaa", &"long".repeat(60)] {
            assert!(Password::new(bad).is_err(), "{bad}");
        }
    }
}
