//! Names of people and things: a prefix that says what it is, and letters and digits.

use std::fmt;
use std::str::FromStr;

use crate::Unfit;

/// Characters of a name at most.
const CHARS: usize = 64;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// What each begins with.
            pub const PREFIX: &'static str = $prefix;

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Unfit;

            fn from_str(text: &str) -> Result<Self, Unfit> {
                match fits(text, $prefix) {
                    true => Ok(Self(text.into())),
                    false => Err(Unfit(format!("expected {} and letters or digits", $prefix))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn fits(text: &str, prefix: &str) -> bool {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    !rest.is_empty() && text.len() <= CHARS && rest.bytes().all(|b| b.is_ascii_alphanumeric())
}

id! {
    /// An account.
    AccountId, "acc_"
}
id! {
    /// A person who signs in. Pusher's users are something else: those of an app.
    PersonId, "usr_"
}
id! {
    /// An invitation.
    InvitationId, "inv_"
}
id! {
    /// A session of the dashboard.
    SessionId, "ses_"
}
id! {
    /// A token of the management API.
    TokenId, "tok_"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_prefix_and_nothing_odd() {
        assert_eq!("acc_0aZ9".parse::<AccountId>().unwrap().to_string(), "acc_0aZ9");
        for bad in ["", "acc_", "usr_1", "acc_a b", "acc_é", "acc_../x", &format!("acc_{:061}", 0)]
        {
            let error = bad.parse::<AccountId>().unwrap_err();
            assert_eq!(error.to_string(), "expected acc_ and letters or digits", "{bad}");
        }
    }
}
