//! Counts deliveries: how many, how late, how many each connection got.

use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::scenario::payload::Reader;
use crate::socket::{Answer, Closing, Hearer};

/// The tally of one stretch of load.
pub(super) struct Tally {
    /// Finds sequence numbers.
    reader: Reader,
    /// When each event was due; empty where latency is not asked for.
    due: Vec<Instant>,
    /// From due to read.
    pub(super) latency: Histogram,
    /// From sent to answered, of publishes.
    pub(super) accepting: Histogram,
    /// Deliveries by connection.
    by_socket: Vec<u32>,
    /// Deliveries in all.
    pub(super) delivered: u64,
    /// Publishes answered with 200.
    pub(super) accepted: u64,
    /// The first other status, if any.
    pub(super) refused: Option<u16>,
    /// Connections that closed.
    pub(super) closings: Vec<Closing>,
    /// When something last arrived.
    pub(super) moved: Instant,
}

impl Tally {
    pub(super) fn new(sockets: usize, due: Vec<Instant>) -> Self {
        Self {
            reader: Reader::default(),
            due,
            latency: Histogram::new(),
            accepting: Histogram::new(),
            by_socket: vec![0; sockets],
            delivered: 0,
            accepted: 0,
            refused: None,
            closings: Vec::new(),
            moved: Instant::now(),
        }
    }

    /// Whether nothing has arrived for that long.
    pub(super) fn nothing_for(&self, patience: Duration) -> bool {
        self.moved.elapsed() > patience
    }

    /// Deliveries that are missing if each connection was to get `each`.
    pub(super) fn lost(&self, each: u64) -> u64 {
        self.by_socket.iter().map(|&got| each.saturating_sub(got.into())).sum()
    }

    /// Deliveries beyond `each`.
    pub(super) fn doubled(&self, each: u64) -> u64 {
        self.by_socket.iter().map(|&got| u64::from(got).saturating_sub(each)).sum()
    }
}

impl Hearer for Tally {
    fn frame(&mut self, socket: usize, payload: &[u8], at: Instant) {
        let Some(sequence) = self.reader.sequence(payload) else { return };
        self.by_socket[socket] += 1;
        self.delivered += 1;
        self.moved = at;
        if let Some(due) = self.due.get(sequence as usize) {
            self.latency.record(at.saturating_duration_since(*due));
        }
    }

    fn closed(&mut self, _socket: usize, closing: Closing) {
        self.closings.push(closing);
    }

    fn answered(&mut self, answer: Answer) {
        self.moved = answer.at;
        self.accepting.record(answer.at - answer.sent);
        if answer.status == 200 {
            self.accepted += 1;
        } else {
            self.refused.get_or_insert(answer.status);
        }
    }
}
