//! Names of endpoints, deliveries and replays.

use std::fmt;
use std::str::FromStr;

use bellwire_protocol::ids::InvalidId;

/// An endpoint's name, `ep_` and 1 to 40 letters or digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(std::sync::Arc<str>);

impl EndpointId {
    /// The name as people see it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EndpointId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let is_good = text.strip_prefix("ep_").is_some_and(|rest| {
            (1..=40).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if is_good {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId { what: "endpoint id", expected: "ep_ and letters or digits" })
        }
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

macro_rules! numbered_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(u64);

        impl $name {
            /// The id with a number, as the store keeps it. At most `i64::MAX`.
            #[must_use]
            pub fn of(number: u64) -> Self {
                Self(number)
            }

            /// The number.
            #[must_use]
            pub fn number(self) -> u64 {
                self.0
            }

            /// The first id after `last` that is made at `now_ms`: it sorts by time and is not used
            /// again even if the database is made anew.
            #[must_use]
            pub fn after(last: Self, now_ms: u64) -> Self {
                Self((now_ms << COUNTER_BITS).max(last.0 + 1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{:016x}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let digits = text.strip_prefix($prefix).filter(|digits| {
                    digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
                });
                let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
                number.filter(|number| i64::try_from(*number).is_ok()).map(Self).ok_or(InvalidId {
                    what: $what,
                    expected: concat!($prefix, " and 16 hex digits"),
                })
            }
        }
    };
}

/// Of an id's 63 bits, those that count within a millisecond.
const COUNTER_BITS: u32 = 21;

numbered_id!(
    /// The name of a batch on its way to one endpoint: the receiver's `webhook-id`.
    BatchId,
    "delivery id",
    "msg_"
);

numbered_id!(
    /// The name of a replay.
    ReplayId,
    "replay id",
    "rpl_"
);
