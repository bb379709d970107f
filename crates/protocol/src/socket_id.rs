//! The name of a connection, as SDKs write it: two numbers and a dot (contract 1.12).

use std::fmt;
use std::str::FromStr;

use crate::ids::InvalidId;

/// The name of a connection: `{node}.{connection}`, unique in the cluster while connected.
///
/// The second number says where the connection lives on its node (worker, slot, generation), so that
/// an excluded socket is found without a search.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId {
    /// The node that accepted the connection.
    pub node: u64,
    /// The connection on that node.
    pub connection: u64,
}

impl SocketId {
    /// A well-formed id that no connection ever has: what a foreign id too large for our numbers
    /// becomes.
    pub const NOBODY: Self = Self { node: 0, connection: 0 };
}

impl FromStr for SocketId {
    type Err = InvalidId;

    /// Anything that matches `\A\d+\.\d+\z` is well-formed; only what we issue can match a socket.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match text.split_once('.') {
            Some((node, connection)) if digits(node) && digits(connection) => {
                let id = node.parse().ok().zip(connection.parse().ok());
                let id = id.map_or(Self::NOBODY, |(node, connection)| Self { node, connection });
                Ok(if text == id.to_string() { id } else { Self::NOBODY })
            }
            _ => Err(InvalidId { what: "socket_id", expected: "two numbers joined by a dot" }),
        }
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.node, self.connection)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // contract: 1.12, 12.11
    #[test]
    fn a_socket_id_is_two_numbers_and_a_dot() {
        let id: SocketId = "8910.66062685".parse().unwrap();
        assert_eq!(id, SocketId { node: 8910, connection: 66_062_685 });
        assert_eq!(id.to_string(), "8910.66062685");
        for bad in ["", ".", "1.", ".1", "1.2.3", "a.b", "1.2\n", "1", "1.2:x", "-1.2", "+1.2"] {
            assert!(bad.parse::<SocketId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_foreign_id_is_legal_and_matches_nobody() {
        for foreign in ["99999999999999999999999.1", "01.2", "1.02"] {
            assert_eq!(foreign.parse::<SocketId>().unwrap(), SocketId::NOBODY);
        }
    }
}
