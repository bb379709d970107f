//! What callers leave for one server of an engine, and what is told and counted of it.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::bus::{Figures, Hearer};
use crate::config::BusConfig;
use crate::outgoing::{Outgoing, Parcel};
use crate::wishes::Wishes;

/// What is to go out to one server, and what is to be heard from it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) outgoing: Outgoing,
    pub(crate) wishes: Wishes,
}

impl Line {
    pub(crate) fn new(config: &BusConfig) -> Self {
        let outgoing = Outgoing::new(config.queue_messages_max, config.queue_bytes_max);
        Self { outgoing, wishes: Wishes::default() }
    }
}

/// The hearer, and the counts of what it was told.
pub(crate) struct Ear {
    hearer: Arc<dyn Hearer>,
    pub(crate) tally: Tally,
    is_up: AtomicBool,
    /// What was said last about being down, so that it is not said again and again.
    last_why: Mutex<String>,
}

impl Ear {
    pub(crate) fn of(hearer: Arc<dyn Hearer>) -> Self {
        let (tally, last_why) = (Tally::default(), Mutex::default());
        Self { hearer, tally, is_up: AtomicBool::new(false), last_why }
    }

    pub(crate) fn heard(&self, subject: &str, message: Bytes) {
        self.tally.received.add(1);
        self.tally.bytes_in.add(message.len());
        self.hearer.heard(subject, message);
    }

    pub(crate) fn ready(&self, subject: &str) {
        self.hearer.ready(subject);
    }

    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    pub(crate) fn up(&self) {
        self.last_why().clear();
        self.is_up.store(true, Ordering::Release);
        self.hearer.up();
    }

    pub(crate) fn down(&self, why: &str) {
        let was_up = self.is_up.swap(false, Ordering::AcqRel);
        let is_news = was_up || *self.last_why() != why;
        if is_news {
            why.clone_into(&mut self.last_why());
            self.hearer.down(why);
        }
    }

    fn last_why(&self) -> MutexGuard<'_, String> {
        self.last_why.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch whose fate is open. What a lost connection leaves open counts as dropped.
pub(crate) struct Unsettled<'a> {
    tally: &'a Tally,
    count: usize,
    bytes: usize,
}

impl<'a> Unsettled<'a> {
    pub(crate) fn of(ear: &'a Ear, batch: &[Parcel]) -> Self {
        let bytes = batch.iter().map(|(_, message)| message.len()).sum();
        Self { tally: &ear.tally, count: batch.len(), bytes }
    }

    /// One of them was not taken.
    pub(crate) fn refuse(&mut self, message: &Bytes) {
        self.tally.dropped.add(1);
        self.count -= 1;
        self.bytes -= message.len();
    }

    /// All others were.
    pub(crate) fn settle(mut self) {
        self.tally.published.add(mem::take(&mut self.count));
        self.tally.bytes_out.add(self.bytes);
    }
}

impl Drop for Unsettled<'_> {
    fn drop(&mut self) {
        self.tally.dropped.add(self.count);
    }
}

/// What was done so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) published: Count,
    pub(crate) dropped: Count,
    pub(crate) received: Count,
    pub(crate) bytes_out: Count,
    pub(crate) bytes_in: Count,
    pub(crate) reconnects: Count,
}

impl Tally {
    pub(crate) fn figures(&self, queued: usize) -> Figures {
        Figures {
            published: self.published.now(),
            dropped: self.dropped.now(),
            received: self.received.now(),
            bytes_out: self.bytes_out.now(),
            bytes_in: self.bytes_in.now(),
            reconnects: self.reconnects.now(),
            queued: queued as u64,
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
