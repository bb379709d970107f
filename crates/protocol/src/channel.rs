//! Channel names, parsed once into text and kind.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use crate::ids::InvalidId;
use crate::limits::CHANNEL_NAME_CHARS;

/// What a channel can do, read from the prefix of its name (contract 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Anyone may subscribe.
    Public,
    /// `cache-`: public, and remembers its last event.
    Cache,
    /// `private-`: needs a signature.
    Private,
    /// `private-cache-`.
    PrivateCache,
    /// `private-encrypted-`: private; the data is ciphertext that only clients can read.
    Encrypted,
    /// `private-encrypted-cache-`.
    EncryptedCache,
    /// `presence-`: private, and knows who is there.
    Presence,
    /// `presence-cache-`.
    PresenceCache,
    /// `#server-to-user-{id}`: what the server says to one signed-in user.
    ServerToUser,
}

impl ChannelKind {
    fn of(name: &str) -> Self {
        const PREFIXES: [(&str, ChannelKind); 8] = [
            ("private-encrypted-cache-", ChannelKind::EncryptedCache),
            ("private-encrypted-", ChannelKind::Encrypted),
            ("private-cache-", ChannelKind::PrivateCache),
            ("private-", ChannelKind::Private),
            ("presence-cache-", ChannelKind::PresenceCache),
            ("presence-", ChannelKind::Presence),
            ("cache-", ChannelKind::Cache),
            (SERVER_TO_USER, ChannelKind::ServerToUser),
        ];
        PREFIXES
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix))
            .map_or(Self::Public, |(_, kind)| *kind)
    }

    /// Whether a subscription must be signed.
    #[must_use]
    pub fn needs_auth(self) -> bool {
        !matches!(self, Self::Public | Self::Cache | Self::ServerToUser)
    }

    /// Whether the channel has members.
    #[must_use]
    pub fn is_presence(self) -> bool {
        matches!(self, Self::Presence | Self::PresenceCache)
    }

    /// Whether the channel remembers its last event.
    #[must_use]
    pub fn is_cache(self) -> bool {
        matches!(
            self,
            Self::Cache | Self::PrivateCache | Self::EncryptedCache | Self::PresenceCache
        )
    }

    /// Whether the data is ciphertext.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Encrypted | Self::EncryptedCache)
    }

    /// Whether subscribers may send client events (contract 7.2).
    #[must_use]
    pub fn takes_client_events(self) -> bool {
        self.needs_auth()
    }

    /// Whether `subscription_count` frames are sent (contract 14.2).
    #[must_use]
    pub fn announces_count(self) -> bool {
        !self.is_presence() && self.is_listed()
    }

    /// Whether the channel shows in queries and facts. Server-to-user channels do not
    /// (contract 6.8).
    #[must_use]
    pub fn is_listed(self) -> bool {
        self != Self::ServerToUser
    }
}

/// The name of a channel: 1 to 164 characters of `[A-Za-z0-9_\-=@,.;]`, or
/// `#server-to-user-{id}` (contract 4.3).
#[derive(Clone)]
pub struct ChannelName {
    text: Arc<str>,
    kind: ChannelKind,
}

impl ChannelName {
    /// The name as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the channel can do.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        self.kind
    }

    /// The user of a server-to-user channel.
    #[must_use]
    pub fn addressed_user(&self) -> Option<&str> {
        self.text.strip_prefix(SERVER_TO_USER)
    }
}

impl FromStr for ChannelName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let kind = ChannelKind::of(text);
        let free_part = match kind {
            ChannelKind::ServerToUser => &text[SERVER_TO_USER.len()..],
            _ => text,
        };
        let legal = !free_part.is_empty()
            && text.len() <= CHANNEL_NAME_CHARS
            && free_part.bytes().all(is_name_byte);
        if legal {
            Ok(Self { text: text.into(), kind })
        } else {
            Err(InvalidId {
                what: "channel name",
                expected: "1 to 164 characters out of A-Z a-z 0-9 _ - = @ , . ;",
            })
        }
    }
}

impl PartialEq for ChannelName {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ChannelName {}

impl Hash for ChannelName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl std::borrow::Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// Whether a byte may stand in a channel name.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-=@,.;".contains(&byte)
}

const SERVER_TO_USER: &str = "#server-to-user-";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(name: &str) -> ChannelKind {
        name.parse::<ChannelName>().unwrap().kind()
    }

    // contract: 4.2
    #[test]
    fn the_longest_prefix_decides_the_kind() {
        use ChannelKind as K;
        for (name, expected) in [
            ("room", K::Public),
            ("cache-room", K::Cache),
            ("private-room", K::Private),
            ("private-cache-room", K::PrivateCache),
            ("private-encrypted-room", K::Encrypted),
            ("private-encrypted-cache-room", K::EncryptedCache),
            ("presence-room", K::Presence),
            ("presence-cache-room", K::PresenceCache),
            ("#server-to-user-7", K::ServerToUser),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    // contract: 4.2
    #[test]
    fn a_prefix_in_the_middle_means_nothing() {
        assert_eq!(kind("private-room-cache-x"), ChannelKind::Private);
        assert_eq!(kind("my-cache-room"), ChannelKind::Public);
        assert_eq!(kind("my-private-room"), ChannelKind::Public);
        assert_eq!(kind("cachet"), ChannelKind::Public);
        assert_eq!(kind("presence"), ChannelKind::Public);
        assert_eq!(kind("Private-room"), ChannelKind::Public);
    }

    // contract: 4.3
    #[test]
    fn names_have_1_to_164_legal_characters() {
        assert!("a".repeat(164).parse::<ChannelName>().is_ok());
        assert!("aZ09_-=@,.;".parse::<ChannelName>().is_ok());
        assert!("a".repeat(165).parse::<ChannelName>().is_err());
        for bad in ["", "a b", "a/b", "#", "#x", "a#b", "#server-to-user-", "ä", "a\n", "a:b"] {
            assert!(bad.parse::<ChannelName>().is_err(), "{bad:?}");
        }
    }

    // contract: 6.7
    #[test]
    fn a_server_to_user_channel_names_its_user() {
        let channel: ChannelName = "#server-to-user-a@b".parse().unwrap();
        assert_eq!(channel.addressed_user(), Some("a@b"));
        assert!(!channel.kind().is_listed());
    }

    proptest! {
        #[test]
        fn what_parses_prints_the_same(text in ".{0,40}") {
            if let Ok(name) = text.parse::<ChannelName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
