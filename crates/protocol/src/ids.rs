//! Identifiers of apps and users. Each is parsed at a door and cannot be wrong afterwards.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::channel::is_name_byte;
use crate::limits;

/// Why a text is not an identifier: which one, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {expected}")]
pub struct InvalidId {
    /// The identifier that was wanted.
    pub what: &'static str,
    /// The rule that the text broke.
    pub expected: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: $what, expected: $expected })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// The id of an app. SDKs insist on decimal digits (contract 12.1).
    AppId,
    "app id",
    "1 to 20 decimal digits",
    |text| (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
);

text_id!(
    /// The public half of an app's credentials; part of every WebSocket URL.
    AppKey,
    "app key",
    "1 to 100 letters, digits, '-' or '_'",
    |text| {
        (1..=100).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    }
);

text_id!(
    /// Who a user is on presence channels and after sign-in: 1 to 128 characters (contract 5.3).
    UserId,
    "user id",
    "1 to 128 characters",
    |text| !text.is_empty() && text.chars().count() <= limits::USER_ID_CHARS
);

impl UserId {
    /// Whether the id has only the characters that channel names have, as sign-in asks
    /// (contract 6.2).
    #[must_use]
    pub fn fits_a_channel_name(&self) -> bool {
        self.0.bytes().all(is_name_byte)
    }
}

/// The secret half of an app's credentials. Prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct AppSecret(Arc<str>);

impl AppSecret {
    /// The secret itself, for the store and for showing it to its owner on purpose.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppSecret {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if (1..=200).contains(&text.len()) && !text.contains(char::is_control) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId {
                what: "app secret",
                expected: "1 to 200 bytes without control characters",
            })
        }
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // contract: 12.1
    #[test]
    fn an_app_id_is_decimal_digits() {
        assert!("1001".parse::<AppId>().is_ok());
        for bad in ["", "12a", "-1", "1 2", "123456789012345678901"] {
            assert!(bad.parse::<AppId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_never_prints() {
        let secret: AppSecret = "s3cr3t".parse().unwrap();
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }

    // contract: 5.3
    #[test]
    fn a_user_id_has_at_most_128_characters() {
        assert!("ü".repeat(128).parse::<UserId>().is_ok());
        assert!("u".repeat(129).parse::<UserId>().is_err());
        assert!("".parse::<UserId>().is_err());
    }
}
