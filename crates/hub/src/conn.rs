//! Names of connections and channels inside one node.

use bellwire_protocol::SocketId;

/// A connection of this node: worker, slot and generation in one number, so that a socket id leads
/// straight to its connection. Below 2^52, which every client language holds exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Conn(u64);

impl Conn {
    /// Generations wrap here; a slot is reused a million times before a name comes back.
    pub const GENERATIONS: u32 = 1 << 20;
    /// Slots of one worker.
    pub const SLOTS: usize = 1 << 24;

    /// The connection in a slot of a worker.
    #[must_use]
    pub fn new(worker: u8, slot: u32, generation: u32) -> Self {
        let generation = u64::from(generation % Self::GENERATIONS);
        Self((generation << 32) | (u64::from(worker) << 24) | u64::from(slot & 0xFF_FFFF))
    }

    /// The worker that owns the socket.
    #[must_use]
    pub fn worker(self) -> u8 {
        (self.0 >> 24) as u8
    }

    /// The slot in the worker's slab.
    #[must_use]
    pub fn slot(self) -> usize {
        (self.0 & 0xFF_FFFF) as usize
    }

    /// Tells this connection from earlier ones in the same slot.
    #[must_use]
    pub fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The whole name as a number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// The connection with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The name that the client is told.
    #[must_use]
    pub fn socket_id(self, node: u64) -> SocketId {
        SocketId { node, connection: self.0 }
    }

    /// The connection of a socket id, if this node issued it.
    #[must_use]
    pub fn of(socket_id: SocketId, node: u64) -> Option<Self> {
        (socket_id.node == node).then_some(Self(socket_id.connection))
    }
}

/// One life of a channel on this node, from its first subscriber to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    // contract: 1.12
    #[test]
    fn a_socket_id_leads_back_to_its_connection() {
        let conn = Conn::new(7, 123_456, 999_999);
        assert_eq!((conn.worker(), conn.slot(), conn.generation()), (7, 123_456, 999_999));
        let socket_id = conn.socket_id(42);
        assert_eq!(Conn::of(socket_id, 42), Some(conn));
        assert_eq!(Conn::of(socket_id, 43), None);
        assert!(socket_id.connection < 1 << 52);
    }
}
