//! The thread that writes. It holds the outbox; everything that came while it wrote goes into its
//! next transaction.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::engine::Overheard;
use crate::mail::Mailbox;
use crate::node::NodeId;
use crate::observer::Observer;
use crate::outbox::{Found, Outbox, OutboxError, Read, Retention, Transaction};
use crate::turn::Asker;

/// What the thread is asked to do.
pub(crate) enum Work {
    /// Keep, then answer.
    Job(Transaction, Vec<(Asker, Read)>),
    /// Let go of what is old.
    Sweep {
        /// How old.
        rules: Retention,
        /// Milliseconds since the epoch.
        now_ms: u64,
    },
    /// Read what nodes have said.
    Listen {
        /// What comes after these places.
        after: Vec<(NodeId, u64)>,
        /// Now, by the clock of the desk.
        asked_ms: u64,
    },
}

/// How long it waits after the first failure; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How long it waits at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Rows of feeds that are read at once.
const ROWS: u32 = 64;

/// Starts the thread. It ends when the other end of the channel is gone; a job that cannot be kept
/// is then given up. It also ends when the store has lost what it had kept, and says so.
pub(crate) fn start(
    mut outbox: Box<dyn Outbox>,
    mailbox: Arc<Mailbox>,
    observer: Arc<dyn Observer>,
) -> std::io::Result<(SyncSender<Work>, std::thread::JoinHandle<()>)> {
    // One job, one sweep and one reading of feeds at most are under way.
    let (sender, receiver) = sync_channel(3);
    let writer = move || {
        // What arrives while a job is being repeated.
        let mut later = Vec::new();
        while let Some(work) = later.pop().or_else(|| receiver.recv().ok()) {
            let (receiver, later) = (&receiver, &mut later);
            let writer = Writer { receiver, later, mailbox: &mailbox, observer: &*observer };
            if writer.does(&mut *outbox, work).is_none() {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name("webhook-writer".into()).spawn(writer)?;
    Ok((sender, thread))
}

/// What nodes have said. How they are is asked first: who has ended by then says no more.
fn listen(
    outbox: &mut dyn Outbox,
    after: &[(NodeId, u64)],
    asked_ms: u64,
) -> Result<Overheard, OutboxError> {
    let roll = outbox.roll()?;
    let rows = outbox.feeds(after, ROWS)?;
    Ok(Overheard { asked_ms, roll, has_more: rows.len() >= ROWS as usize, rows })
}

/// The thread while it has something to do.
struct Writer<'a> {
    receiver: &'a Receiver<Work>,
    later: &'a mut Vec<Work>,
    mailbox: &'a Mailbox,
    observer: &'a dyn Observer,
}

impl Writer<'_> {
    /// Does one thing; nothing, if there will be no other.
    fn does(mut self, outbox: &mut dyn Outbox, work: Work) -> Option<()> {
        match work {
            Work::Job(transaction, reads) => {
                let found = self.job(outbox, &transaction, reads)?;
                self.mailbox.leave(|mail| mail.done = Some(found));
            }
            Work::Listen { after, asked_ms } => {
                let overheard = self.once(listen(outbox, &after, asked_ms))?;
                self.mailbox.leave(|mail| mail.overheard = Some(overheard));
            }
            Work::Sweep { rules, now_ms } => {
                let swept = self.once(outbox.sweep(&rules, now_ms))?.unwrap_or_default();
                self.mailbox.leave(|mail| mail.swept = Some(swept));
            }
        }
        Some(())
    }

    /// Does a job until it is done; nothing, if nobody waits for it any more.
    fn job(
        &mut self,
        outbox: &mut dyn Outbox,
        transaction: &Transaction,
        reads: Vec<(Asker, Read)>,
    ) -> Option<Vec<(Asker, Found)>> {
        #[expect(clippy::disallowed_methods, reason = "it measures, it does not decide")]
        let started = Instant::now();
        self.insist(|| {
            if transaction.steps.is_empty() { Ok(()) } else { outbox.commit(transaction) }
        })?;
        self.observer.kept(transaction.steps.len(), started.elapsed());
        let mut found = Vec::with_capacity(reads.len());
        for (asker, read) in reads {
            let answer = self.insist(|| outbox.read(&read))?;
            found.push((asker, answer));
        }
        Some(found)
    }

    /// What came of an attempt that is not made again; nothing, if there will be no other.
    fn once<T>(&self, attempt: Result<T, OutboxError>) -> Option<Option<T>> {
        match attempt {
            Ok(value) => Some(Some(value)),
            Err(error) => self.may_go_on(&error).then_some(None),
        }
    }

    /// Tries until it goes well. Nothing, if nobody waits for it any more, or if it never will.
    fn insist<T>(&mut self, mut attempt: impl FnMut() -> Result<T, OutboxError>) -> Option<T> {
        let mut pause = FIRST_PAUSE;
        loop {
            match attempt() {
                Ok(value) => {
                    self.observer.store_is_well();
                    return Some(value);
                }
                Err(error) if self.may_go_on(&error) => {}
                Err(_) => return None,
            }
            match self.receiver.recv_timeout(pause) {
                Ok(work) => self.later.push(work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Says that the store has failed; whether it may be asked again.
    fn may_go_on(&self, error: &OutboxError) -> bool {
        self.observer.store_failed(&error.to_string());
        if !error.is_transient() {
            self.mailbox.leave(|mail| mail.is_forgotten = true);
        }
        error.is_transient()
    }
}
