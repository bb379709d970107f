//! The desk at work: one thread that drives the engine, one that writes, and tasks that send.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use bellwire_hub::Apps;
use bellwire_hub::fact::Held;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::courier_task::{self, Sender};
use crate::engine::{Engine, Overheard};
use crate::mail::{Mail, Mailbox};
use crate::node::NodeId;
use crate::observer::Observer;
use crate::outbox::{Retention, Step, Transaction};
use crate::service::{
    DeskParts, Fence, How, ReadWritten, StartError, Ties, Wanted, batching, interest,
};
use crate::writer::{self, Work};

/// Where a desk stands.
pub(crate) enum Place {
    /// On the only node: facts come from its hub.
    Alone {
        /// The hub.
        ties: Ties,
        /// The apps of which somebody wants to hear.
        wanted: Arc<ArcSwap<Wanted>>,
    },
    /// On one of many: facts come from the feeds of all.
    Cluster {
        /// Which one.
        me: NodeId,
        /// Whether it may still send.
        fence: Arc<dyn Fence>,
    },
}

/// A desk while it works.
pub(crate) struct Desk {
    mailbox: Arc<Mailbox>,
    /// Whether it must do nothing any more. It says so itself when the store has forgotten what it
    /// had kept.
    is_cut: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// How long the store has to keep the last answers.
pub(crate) const STOP_MS: u64 = 2_000;
/// How often old things are looked for.
const SWEEP_EVERY_MS: u64 = 30_000;
/// How soon a sweep goes on that has not found everything.
const SWEEP_ON_MS: u64 = 50;
/// How often the load is told.
const LOAD_EVERY_MS: u64 = 1_000;
/// How often the feeds are read, if nobody says that there is something in them.
const LISTEN_EVERY_MS: u64 = 200;
/// How soon again, if a leave waits for it to be sure that nobody has returned.
const LISTEN_AGAIN_MS: u64 = 20;

impl Desk {
    /// Takes over what a former desk has left, and starts.
    pub(crate) fn start(
        mut parts: DeskParts,
        place: Place,
        mailbox: Arc<Mailbox>,
        under_way: Arc<AtomicUsize>,
    ) -> Result<Self, StartError> {
        let clock = Clock::start();
        let engine = take_over(&mut parts, &place, clock.now_ms())?;
        let next_listen_ms = if let Place::Alone { wanted, .. } = &place {
            wanted.store(Arc::new(engine.wanted()));
            u64::MAX
        } else {
            0
        };
        let (writer, writer_thread) =
            writer::start(parts.outbox, Arc::clone(&mailbox), Arc::clone(&parts.observer))?;
        let is_cut = Arc::new(AtomicBool::new(false));
        let fence = match &place {
            Place::Alone { .. } => None,
            Place::Cluster { fence, .. } => Some(Arc::clone(fence)),
        };
        let sender = Sender {
            apps: Arc::clone(&parts.apps),
            poster: parts.poster,
            mailbox: Arc::clone(&mailbox),
            under_way,
            observer: Arc::clone(&parts.observer),
            fence,
            is_cut: Arc::clone(&is_cut),
        };
        let driver = Driver {
            engine,
            clock,
            mailbox: Arc::clone(&mailbox),
            place,
            writer,
            sender: Arc::new(sender),
            runtime: parts.runtime,
            written: parts.written,
            held: VecDeque::new(),
            apps: parts.apps,
            observer: parts.observer,
            retention: parts.retention,
            is_busy: false,
            is_sweeping: false,
            is_parking: false,
            ends_ms: None,
            next_sweep_ms: 0,
            next_load_ms: 0,
            is_listening: false,
            next_listen_ms,
        };
        let run = move || {
            driver.run();
            // The writer's thread ends once its channel is gone, with the driver.
            if writer_thread.join().is_err() {
                tracing::error!("the webhook writer panicked");
            }
        };
        let thread = std::thread::Builder::new().name("webhooks".into()).spawn(run)?;
        Ok(Self { mailbox, is_cut, thread })
    }

    /// Leaves something for it.
    pub(crate) fn leave(&self, put: impl FnOnce(&mut Mail)) {
        self.mailbox.leave(put);
    }

    /// Whether it has ended by itself.
    pub(crate) fn is_over(&self) -> bool {
        self.is_cut.load(Ordering::Acquire)
    }

    /// Ends it. Waits for that only if it is handed over: one that is cut does nothing any more from
    /// now on, but its thread may hang in a store that does not answer.
    pub(crate) fn stop(self, how: How) {
        if how == How::Cut {
            self.is_cut.store(true, Ordering::Release);
        }
        self.leave(|mail| (mail.is_parking, mail.is_stopping) = (true, true));
        if how == How::HandOver && self.thread.join().is_err() {
            tracing::error!("the webhook engine panicked");
        }
    }
}

/// An engine that goes on where the former one ended.
fn take_over(parts: &mut DeskParts, place: &Place, now_ms: u64) -> Result<Engine, StartError> {
    let mut engine = Engine::new(parts.settle, parts.delivery, parts.seed);
    let remains = parts.outbox.recover(&mut |announced| engine.told_before(announced))?;
    let written = (parts.written)().map_err(StartError::Written)?;
    interest(&parts.apps, &written.endpoints);
    let batching = batching(&parts.apps);
    engine.begin(now_ms, remains, written.endpoints, &batching, written.replays);
    if let Place::Cluster { me, .. } = place {
        engine.begin_hearing(now_ms, *me, &parts.outbox.roll()?);
    }
    Ok(engine)
}

/// The thread that drives the engine.
struct Driver {
    engine: Engine,
    clock: Clock,
    mailbox: Arc<Mailbox>,
    place: Place,
    writer: SyncSender<Work>,
    sender: Arc<Sender>,
    runtime: Handle,
    written: ReadWritten,
    /// Who waits, and for which transaction.
    held: VecDeque<(u64, Held)>,
    apps: Arc<Apps>,
    observer: Arc<dyn Observer>,
    retention: Retention,
    /// Whether the writer has a job.
    is_busy: bool,
    /// Whether the writer sweeps.
    is_sweeping: bool,
    /// Whether nothing new is sent any more.
    is_parking: bool,
    /// When the thread ends at the latest.
    ends_ms: Option<u64>,
    next_sweep_ms: u64,
    next_load_ms: u64,
    /// Whether the writer reads the feeds.
    is_listening: bool,
    /// When it reads them next; never, where there are none.
    next_listen_ms: u64,
}

impl Driver {
    fn run(mut self) {
        loop {
            self.obey();
            if self.sender.is_cut() {
                return;
            }
            if self.ends_ms.is_some_and(|ends_ms| !self.is_busy || ends_ms <= self.clock.now_ms()) {
                // Without its channel the writer ends too, even if the store fails.
                return;
            }
            let mail = self.mailbox.fetch(self.patience(), !self.is_busy);
            self.read(mail);
        }
    }

    /// How long nothing needs to be done, if nothing comes.
    fn patience(&self) -> Duration {
        let now_ms = self.clock.now_ms();
        // What the engine wants kept has to wait for the writer anyway.
        let engine = self.engine.next_ms().filter(|_| !self.is_busy).unwrap_or(u64::MAX);
        let ends_ms = self.ends_ms.unwrap_or(u64::MAX);
        let listen_ms = if self.can_listen() { self.next_listen_ms } else { u64::MAX };
        let next_ms = engine.min(self.next_load_ms).min(self.next_sweep_ms);
        let next_ms = next_ms.min(ends_ms).min(listen_ms);
        Duration::from_millis(next_ms.saturating_sub(now_ms))
    }

    fn read(&mut self, mail: Mail) {
        let now_ms = self.clock.now_ms();
        if mail.is_forgotten {
            // What the engine knows follows from what is not there any more.
            self.sender.cut();
        }
        if mail.is_closing {
            self.engine.close();
        }
        self.is_parking |= mail.is_parking;
        if mail.is_stopping {
            self.ends_ms = Some(now_ms + STOP_MS);
        }
        for (fact, quietly) in mail.facts {
            self.engine.take(now_ms, fact, quietly);
        }
        for ((app, lane), count) in mail.lost {
            self.engine.lost(now_ms, &app, lane, count);
        }
        let promised = self.engine.promised();
        self.held.extend(mail.held.into_iter().map(|held| (promised, held)));
        if let Some(found) = mail.done {
            self.is_busy = false;
            self.engine.kept(now_ms, found);
        }
        self.let_in();
        if let Some(swept) = mail.swept {
            self.is_sweeping = false;
            let pause_ms = if swept.rows > 0 { SWEEP_ON_MS } else { SWEEP_EVERY_MS };
            self.next_sweep_ms = now_ms + pause_ms;
            self.engine.swept(swept);
        }
        for answered in mail.answers {
            self.engine.answered(now_ms, answered);
        }
        if mail.is_changed {
            self.configure(now_ms);
        }
        if mail.has_news {
            self.next_listen_ms = self.next_listen_ms.min(now_ms);
        }
        if let Some(overheard) = mail.overheard {
            self.hear(now_ms, overheard);
        }
    }

    /// Hears what is in the feeds, unless the store could not say.
    fn hear(&mut self, now_ms: u64, overheard: Option<Overheard>) {
        self.is_listening = false;
        let has_more = overheard.as_ref().is_some_and(|overheard| overheard.has_more);
        if let Some(overheard) = overheard {
            self.engine.hear(now_ms, overheard);
        }
        let unsure_ms = self.engine.unsure_ms().unwrap_or(u64::MAX);
        let pause = (now_ms + LISTEN_AGAIN_MS, now_ms + LISTEN_EVERY_MS);
        self.next_listen_ms = if has_more { now_ms } else { unsure_ms.clamp(pause.0, pause.1) };
    }

    /// Whether more could be heard now: what is not read yet is safe where it is.
    fn can_listen(&self) -> bool {
        !self.is_listening && !self.is_busy && self.engine.has_room()
    }

    /// Lets in who has waited long enough, before anything of it is sent: whoever hears of a channel
    /// and looks finds its subscribers there.
    fn let_in(&mut self) {
        let kept = self.engine.last_kept();
        while let Some((_, held)) = self.held.pop_front_if(|(promised, _)| *promised <= kept) {
            if let Place::Alone { ties, .. } = &self.place {
                (ties.release)(&held);
            }
        }
    }

    /// Takes over what people have written down.
    fn configure(&mut self, now_ms: u64) {
        let written = match (self.written)() {
            Ok(written) => written,
            Err(error) => {
                tracing::error!(error, "endpoints cannot be read; the old ones stay in use");
                return;
            }
        };
        let apps = Arc::clone(&self.apps);
        let batching = batching(&apps);
        // Before the endpoints hear: they miss nothing from then on.
        interest(&apps, &written.endpoints);
        let new = self.engine.configure(now_ms, written.endpoints, &batching, written.replays);
        if let Place::Alone { ties, wanted } = &self.place {
            wanted.store(Arc::new(self.engine.wanted()));
            new.iter().for_each(|app| (ties.retell)(app));
        }
    }

    /// Does what the engine orders.
    fn obey(&mut self) {
        let now_ms = self.clock.now_ms();
        let orders = self.engine.orders(now_ms);
        if let Some((transaction, reads)) = orders.job {
            self.observe(&transaction);
            // The writer is gone only if it panicked; the batch stays open in the store then.
            self.is_busy = self.writer.send(Work::Job(transaction, reads)).is_ok();
        }
        if !self.is_parking {
            for dispatch in orders.posts {
                self.runtime.spawn(courier_task::deliver(Arc::clone(&self.sender), dispatch));
            }
        }
        self.listen(now_ms);
        for notice in &orders.notices {
            self.observer.notice(notice);
        }
        if now_ms >= self.next_load_ms {
            self.next_load_ms = now_ms + LOAD_EVERY_MS;
            self.observer.load(&self.engine.load());
        }
        if now_ms >= self.next_sweep_ms && !self.is_sweeping {
            self.is_sweeping = true;
            self.next_sweep_ms = now_ms + SWEEP_EVERY_MS;
            let rules = self.retention;
            self.is_sweeping = self.writer.send(Work::Sweep { rules, now_ms }).is_ok();
        }
    }

    /// Asks what is in the feeds, if it is time.
    fn listen(&mut self, now_ms: u64) {
        if now_ms >= self.next_listen_ms && self.can_listen() {
            let after = self.engine.places();
            self.is_listening = self.writer.send(Work::Listen { after, asked_ms: now_ms }).is_ok();
        }
    }

    fn observe(&self, transaction: &Transaction) {
        for step in &transaction.steps {
            match step {
                Step::Append(event) => self.observer.announced(event.kind),
                Step::Attempt(attempt) => {
                    self.observer.attempted(attempt.answer.failure, attempt.answer.duration_ms);
                }
                _ => {}
            }
        }
    }
}
