//! The nodes of a cluster, as the desk knows them.

use std::fmt;

/// The name of a node, as its socket ids begin. A node that comes back has another one. 0 is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u64);

impl NodeId {
    /// The name with a number.
    #[must_use]
    pub fn of(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a node is, by the roll. A node that is not on it any more is as good as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It beats.
    Up,
    /// It beats, and has told its clients to go elsewhere.
    Draining,
    /// It has drained and ended in order.
    Left,
    /// Its lease is over.
    Gone,
}

impl NodeState {
    /// Whether it will say more.
    #[must_use]
    pub fn is_live(self) -> bool {
        matches!(self, Self::Up | Self::Draining)
    }
}
