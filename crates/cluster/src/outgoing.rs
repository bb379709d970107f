//! What waits to go out: a queue with a bound, emptied in batches.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::subject::Subject;

/// A message on its way out.
pub(crate) type Parcel = (Subject, Bytes);

/// The queue. When it is full or closed, what comes is refused.
#[derive(Debug)]
pub(crate) struct Outgoing {
    waiting: Mutex<Waiting>,
    /// Wakes whoever empties it.
    came: Notify,
    messages_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whether there is a connection.
    is_open: bool,
    parcels: VecDeque<Parcel>,
    bytes: usize,
}

impl Outgoing {
    /// A closed queue.
    pub(crate) fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self { waiting: Mutex::default(), came: Notify::new(), messages_max, bytes_max }
    }

    /// Puts a message at the end, if there is room and a connection.
    pub(crate) fn push(&self, subject: &Subject, message: Bytes) -> bool {
        let mut waiting = self.waiting();
        let has_room = waiting.parcels.len() < self.messages_max
            && waiting.bytes + message.len() <= self.bytes_max;
        if !waiting.is_open || !has_room {
            return false;
        }
        waiting.bytes += message.len();
        waiting.parcels.push_back((subject.clone(), message));
        let is_first = waiting.parcels.len() == 1;
        drop(waiting);
        if is_first {
            self.came.notify_one();
        }
        true
    }

    /// Waits until there is something, and takes the first of it.
    pub(crate) async fn batch(&self) -> Vec<Parcel> {
        loop {
            let came = self.came.notified();
            let batch = self.waiting().take();
            if !batch.is_empty() {
                return batch;
            }
            came.await;
        }
    }

    /// There is a connection.
    pub(crate) fn open(&self) {
        self.waiting().is_open = true;
    }

    /// There is none any more; how many messages that waited are given up.
    pub(crate) fn close(&self) -> usize {
        let waiting = mem::take(&mut *self.waiting());
        waiting.parcels.len()
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting().parcels.len()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self) -> Vec<Parcel> {
        let (mut count, mut bytes) = (0, 0);
        for (_, message) in self.parcels.iter().take(BATCH_MESSAGES) {
            if count > 0 && bytes + message.len() > BATCH_BYTES {
                break;
            }
            count += 1;
            bytes += message.len();
        }
        self.bytes -= bytes;
        if count == self.parcels.len() {
            return mem::take(&mut self.parcels).into();
        }
        self.parcels.drain(..count).collect()
    }
}

/// What goes out in one write.
const BATCH_MESSAGES: usize = 1_000;
const BATCH_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Subjects;

    fn push(queue: &Outgoing, bytes: usize) -> bool {
        queue.push(&Subjects::of("test").unwrap().all(), vec![0; bytes].into())
    }

    #[test]
    fn without_a_connection_nothing_waits() {
        let queue = Outgoing::new(10, 100);
        assert!(!push(&queue, 1));
        queue.open();
        assert!(push(&queue, 1));
        assert_eq!(queue.close(), 1);
        assert!(!push(&queue, 1));
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn the_queue_is_bounded_by_count_and_by_bytes() {
        let queue = Outgoing::new(3, 100);
        queue.open();
        assert!(push(&queue, 90) && !push(&queue, 11) && push(&queue, 10));
        assert!(push(&queue, 0) && !push(&queue, 0));
    }

    #[tokio::test]
    async fn a_batch_is_bounded_and_gives_its_room_back() {
        let queue = Outgoing::new(5_000, BATCH_BYTES * 4);
        queue.open();
        assert!((0..1_500).all(|_| push(&queue, 1)));
        assert_eq!(queue.batch().await.len(), BATCH_MESSAGES);
        assert_eq!(queue.batch().await.len(), 500);
        assert!((0..4).all(|_| push(&queue, BATCH_BYTES)));
        assert_eq!(queue.batch().await.len(), 1);
        assert!(push(&queue, BATCH_BYTES) && !push(&queue, 1));
    }
}
