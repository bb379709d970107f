//! What a worker counts while it runs: plain numbers, added to the shared metrics once a turn.

use metrics::{Counter, Gauge, counter, gauge};

/// Counts since the last time they were handed over.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Calls of `send(2)` and `writev(2)`.
    pub(crate) writes: u64,
    /// Bytes that sockets took.
    pub(crate) bytes_out: u64,
    /// Bytes that came.
    pub(crate) bytes_in: u64,
    /// Messages from clients.
    pub(crate) messages_in: u64,
    /// Client events passed on.
    pub(crate) client_events_in: u64,
    /// Frames for members of channels: API events, client events, member events, others.
    pub(crate) delivered: [u64; 4],
    /// Answers, greetings and other frames for one connection.
    pub(crate) said: u64,
    /// Change of the bytes that wait for slow readers.
    pub(crate) backlog_bytes: i64,
    /// Change of the subscriptions.
    pub(crate) subscriptions: i64,
    /// Readers closed because too much waited for them.
    pub(crate) slow_closed: u64,
}

/// The shared metrics that tallies go to.
pub(crate) struct Ledger {
    writes: Counter,
    bytes_out: Counter,
    bytes_in: Counter,
    messages_in: Counter,
    client_events_in: Counter,
    frames_out: [Counter; 5],
    backlog_bytes: Gauge,
    subscriptions: Gauge,
    slow_closed: Counter,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let frames = |kind: &'static str| counter!("bellwire_frames_out_total", "kind" => kind);
        Self {
            writes: counter!("bellwire_socket_writes_total"),
            bytes_out: counter!("bellwire_bytes_out_total"),
            bytes_in: counter!("bellwire_bytes_in_total"),
            messages_in: counter!("bellwire_messages_in_total"),
            client_events_in: counter!("bellwire_client_events_in_total"),
            frames_out: ["broadcast", "client_event", "presence", "internal", "answer"].map(frames),
            backlog_bytes: gauge!("bellwire_backlog_bytes"),
            subscriptions: gauge!("bellwire_subscriptions"),
            slow_closed: counter!("bellwire_slow_consumers_closed_total"),
        }
    }

    /// Adds a tally and leaves it empty.
    pub(crate) fn enter(&self, tally: &mut Tally) {
        let tally = std::mem::take(tally);
        add(&self.writes, tally.writes);
        add(&self.bytes_out, tally.bytes_out);
        add(&self.bytes_in, tally.bytes_in);
        add(&self.messages_in, tally.messages_in);
        add(&self.client_events_in, tally.client_events_in);
        let frames = tally.delivered.into_iter().chain([tally.said]);
        for (counter, count) in self.frames_out.iter().zip(frames) {
            add(counter, count);
        }
        change(&self.backlog_bytes, tally.backlog_bytes);
        change(&self.subscriptions, tally.subscriptions);
        add(&self.slow_closed, tally.slow_closed);
    }
}

fn add(counter: &Counter, count: u64) {
    if count > 0 {
        counter.increment(count);
    }
}

fn change(gauge: &Gauge, by: i64) {
    if by != 0 {
        gauge.increment(by as f64);
    }
}
