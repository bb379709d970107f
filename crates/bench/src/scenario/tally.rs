//! Counts deliveries: how many, how late, how many each connection got.

use std::time::{Duration, Instant};

use crate::frame;
use crate::histogram::Histogram;
use crate::report::Report;
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
    /// How many of them came compressed. What is in those is not looked at.
    pub(super) compressed: u64,
    /// What their frames took on the wire.
    pub(super) bytes: u64,
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
            compressed: 0,
            bytes: 0,
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

    /// Deliveries that are missing if each connection was to get what `wanted` tells of it.
    pub(super) fn lost(&self, wanted: impl Fn(usize) -> u64) -> u64 {
        self.by_socket().map(|(socket, got)| wanted(socket).saturating_sub(got)).sum()
    }

    /// Deliveries beyond that.
    pub(super) fn doubled(&self, wanted: impl Fn(usize) -> u64) -> u64 {
        self.by_socket().map(|(socket, got)| got.saturating_sub(wanted(socket))).sum()
    }

    /// Says how many of the wanted deliveries came, and what else did not go as it should; tells how
    /// many were lost.
    pub(super) fn check(
        &self,
        report: &mut Report,
        name: &str,
        wanted: impl Fn(usize) -> u64,
    ) -> u64 {
        let (lost, doubled) = (self.lost(&wanted), self.doubled(&wanted));
        report.check(
            lost == 0 && doubled == 0,
            format!("{name}: {} delivered, {lost} lost, {doubled} doubled", self.delivered),
        );
        if let Some(status) = self.refused {
            report.check(false, format!("{name}: a publish was answered {status}"));
        }
        if let Some(closing) = self.closings.first() {
            let count = self.closings.len();
            report.check(false, format!("{name}: {count} connections closed, first {closing:?}"));
        }
        lost
    }

    /// A delivery of an event that carries this number.
    pub(super) fn record(&mut self, socket: usize, sequence: u32, at: Instant) {
        self.count(socket, at);
        if let Some(due) = self.due.get(sequence as usize) {
            self.latency.record(at.saturating_duration_since(*due));
        }
    }

    fn count(&mut self, socket: usize, at: Instant) {
        self.by_socket[socket] += 1;
        self.delivered += 1;
        self.moved = at;
    }

    fn by_socket(&self) -> impl Iterator<Item = (usize, u64)> {
        self.by_socket.iter().map(|&got| u64::from(got)).enumerate()
    }
}

impl Hearer for Tally {
    fn frame(&mut self, socket: usize, payload: &[u8], at: Instant) {
        if let Some(sequence) = self.reader.sequence(payload) {
            self.bytes += frame::size(payload.len()) as u64;
            self.record(socket, sequence, at);
        }
    }

    fn compressed(&mut self, socket: usize, payload: &[u8]) {
        self.compressed += 1;
        self.bytes += frame::size(payload.len()) as u64;
        self.count(socket, Instant::now());
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
