//! The slab of a worker: connections by slot, found by the name that clients know them by.

use bellwire_hub::Conn;

use super::connection::Connection;

/// Connections by slot, each slot with its generation.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    connection: Option<Box<Connection>>,
}

impl Slots {
    /// The connection in a slot.
    pub(crate) fn at(&mut self, slot: usize) -> Option<&mut Connection> {
        self.slots.get_mut(slot)?.connection.as_deref_mut()
    }

    /// The slot of a connection, if it is still there.
    pub(crate) fn find(&self, conn: Conn) -> Option<usize> {
        let slot = self.slots.get(conn.slot())?;
        let there = slot.connection.as_deref().is_some_and(|connection| connection.conn == conn);
        there.then_some(conn.slot())
    }

    /// The name of the next connection of a worker.
    pub(crate) fn reserve(&mut self, worker: u8) -> Option<Conn> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < Conn::SLOTS => {
                self.slots.push(Slot { generation: 0, connection: None });
                (self.slots.len() - 1) as u32
            }
            None => return None,
        };
        let generation = &mut self.slots[slot as usize].generation;
        *generation = generation.wrapping_add(1);
        Some(Conn::new(worker, slot, *generation))
    }

    /// Puts a connection where its name says.
    pub(crate) fn put(&mut self, connection: Connection) {
        let slot = connection.conn.slot();
        self.slots[slot].connection = Some(Box::new(connection));
    }

    /// Takes a connection out and frees its slot.
    pub(crate) fn remove(&mut self, slot: usize) -> Option<Box<Connection>> {
        let connection = self.slots.get_mut(slot)?.connection.take()?;
        self.free.push(slot as u32);
        Some(connection)
    }

    /// How many slots there are, used or not.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}
