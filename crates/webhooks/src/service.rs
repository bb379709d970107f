//! The engine at work: one thread that drives it, one that writes, and tasks that send.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use bellwire_hub::fact::Held;
use bellwire_hub::interest::Listener;
use bellwire_hub::{Apps, Fact, FactSink};
use bellwire_protocol::AppId;
use hashbrown::HashSet;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::courier_task::{self, Sender};
use crate::endpoint::Endpoint;
use crate::engine::Engine;
use crate::event::Kind;
use crate::mail::{Mail, Mailbox};
use crate::observer::Observer;
use crate::outbox::{Outbox, OutboxError, Retention};
use crate::post::Poster;
use crate::replay::Replay;
use crate::settle::SettleRules;
use crate::turn::DeliveryRules;
use crate::writer::{self, Work};

type Wanted = HashSet<AppId, foldhash::fast::RandomState>;

/// What the service is made of.
pub struct Parts {
    /// Where webhooks are kept.
    pub outbox: Box<dyn Outbox>,
    /// Reads what is written down: every endpoint, and the replays that run or were cancelled.
    pub written: Box<dyn FnMut() -> Result<Written, String> + Send>,
    /// Asks for the present state of an app as facts, through [`Service::retell`].
    pub retell: Box<dyn Fn(&AppId) + Send>,
    /// Lets in those who waited for what was told of their channel to be kept.
    pub release: Box<dyn Fn(&Held) + Send>,
    /// The apps: their keys sign, their settings say whether they want batches.
    pub apps: Arc<Apps>,
    /// What sends.
    pub poster: Arc<Poster>,
    /// Where sending runs.
    pub runtime: Handle,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
    /// How facts settle.
    pub settle: SettleRules,
    /// How batches are delivered.
    pub delivery: DeliveryRules,
    /// How long things are kept.
    pub retention: Retention,
    /// For chance.
    pub seed: u64,
}

/// What is written down by people.
#[derive(Debug, Default)]
pub struct Written {
    /// Every endpoint.
    pub endpoints: Vec<Endpoint>,
    /// Replays.
    pub replays: Vec<Replay>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// What is written down.
    #[error("endpoints cannot be read: {0}")]
    Written(String),
    /// The system.
    #[error("a thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The service while it runs.
pub struct Service {
    mailbox: Arc<Mailbox>,
    wanted: Arc<ArcSwap<Wanted>>,
    /// By whom all is sent.
    poster: Arc<Poster>,
    /// POSTs under way.
    under_way: Arc<AtomicUsize>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// How long the store has to keep the last answers.
const STOP_MS: u64 = 2_000;
/// How often old things are looked for.
const SWEEP_EVERY_MS: u64 = 30_000;
/// How soon a sweep goes on that has not found everything.
const SWEEP_ON_MS: u64 = 50;
/// How often the load is told.
const LOAD_EVERY_MS: u64 = 1_000;

impl Service {
    /// Takes over what a former run has left, and starts.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn start(mut parts: Parts) -> Result<Self, StartError> {
        let clock = Clock::start();
        let mut engine = Engine::new(parts.settle, parts.delivery, parts.seed);
        let remains = parts.outbox.recover(&mut |announced| engine.told_before(announced))?;
        let written = (parts.written)().map_err(StartError::Written)?;
        let apps = Arc::clone(&parts.apps);
        let batching = batching(&apps);
        interest(&apps, &written.endpoints);
        engine.begin(clock.now_ms(), remains, written.endpoints, &batching, written.replays);
        let mailbox = Arc::new(Mailbox::default());
        let wanted = Arc::new(ArcSwap::from_pointee(engine.wanted()));
        let under_way = Arc::new(AtomicUsize::new(0));
        let (writer, writer_thread) =
            writer::start(parts.outbox, Arc::clone(&mailbox), Arc::clone(&parts.observer))?;
        let sender = Sender {
            apps: Arc::clone(&parts.apps),
            poster: Arc::clone(&parts.poster),
            mailbox: Arc::clone(&mailbox),
            under_way: Arc::clone(&under_way),
            observer: Arc::clone(&parts.observer),
        };
        let driver = Driver {
            engine,
            clock,
            mailbox: Arc::clone(&mailbox),
            wanted: Arc::clone(&wanted),
            writer,
            sender: Arc::new(sender),
            runtime: parts.runtime,
            written: parts.written,
            retell: parts.retell,
            release: parts.release,
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
        };
        let run = move || {
            driver.run();
            // The writer's thread ends once its channel is gone, with the driver.
            if writer_thread.join().is_err() {
                tracing::error!("the webhook writer panicked");
            }
        };
        let thread = std::thread::Builder::new().name("webhooks".into()).spawn(run)?;
        let poster = parts.poster;
        Ok(Self { mailbox, wanted, poster, under_way, thread: Mutex::new(Some(thread)) })
    }

    /// Where the hub leaves facts.
    #[must_use]
    pub fn sink(&self) -> Sink {
        let (mailbox, wanted) = (Arc::clone(&self.mailbox), Arc::clone(&self.wanted));
        Sink { mailbox, wanted, quietly: false }
    }

    /// Where the hub leaves the present state of an app.
    #[must_use]
    pub fn quiet_sink(&self) -> Sink {
        Sink { quietly: true, ..self.sink() }
    }

    /// Why nothing would ever be sent to a URL, if so. Asks for the address of a name.
    pub async fn refusal(&self, url: &str) -> Option<String> {
        self.poster.refusal(url).await
    }

    /// Endpoints, replays or apps have changed.
    pub fn changed(&self) {
        self.mailbox.leave(|mail| mail.is_changed = true);
    }

    /// The server goes down: whoever leaves from now on was told to come back.
    pub fn close(&self) {
        self.mailbox.leave(|mail| mail.is_closing = true);
    }

    /// POSTs under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Sends nothing more. What is not delivered will be when the server is started again.
    pub fn park(&self) {
        self.mailbox.leave(|mail| mail.is_parking = true);
    }

    /// Ends the threads and waits for that. Answers that have come are kept first, unless the store
    /// fails.
    pub fn stop(&self) {
        self.mailbox.leave(|mail| mail.is_stopping = true);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the webhook engine panicked");
        }
    }
}

/// The hub's facts on their way to the engine.
#[derive(Debug, Clone)]
pub struct Sink {
    mailbox: Arc<Mailbox>,
    /// The apps of which somebody wants to hear.
    wanted: Arc<ArcSwap<Wanted>>,
    quietly: bool,
}

impl FactSink for Sink {
    fn take(&self, fact: Fact) {
        if self.wanted.load().contains(&fact.app) {
            self.mailbox.fact(fact, self.quietly);
        }
    }

    fn hold(&self, held: Held) {
        self.mailbox.leave(|mail| mail.held.push(held));
    }
}

/// Tells apps whether client events are wanted of them. A disabled endpoint counts: what it misses is
/// named when it is enabled again.
fn interest(apps: &Apps, endpoints: &[Endpoint]) {
    let wants = |endpoint: &&Endpoint| endpoint.terms.wants_any(Kind::ClientEvent);
    let wanted: Wanted = endpoints.iter().filter(wants).map(|e| e.app.clone()).collect();
    for app in apps.all() {
        app.interest.set(Listener::ClientEvents, wanted.contains(&app.id));
    }
}

fn batching(apps: &Apps) -> impl Fn(&AppId) -> Option<bool> {
    |id| {
        let app = apps.by_id(id.as_str())?;
        let settings = &app.live().settings;
        settings.enabled.then_some(settings.batch_webhooks)
    }
}

/// The thread that drives the engine.
struct Driver {
    engine: Engine,
    clock: Clock,
    mailbox: Arc<Mailbox>,
    wanted: Arc<ArcSwap<Wanted>>,
    writer: SyncSender<Work>,
    sender: Arc<Sender>,
    runtime: Handle,
    written: Box<dyn FnMut() -> Result<Written, String> + Send>,
    retell: Box<dyn Fn(&AppId) + Send>,
    release: Box<dyn Fn(&Held) + Send>,
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
}

impl Driver {
    fn run(mut self) {
        loop {
            self.obey();
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
        let next_ms = engine.min(self.next_load_ms).min(self.next_sweep_ms).min(ends_ms);
        Duration::from_millis(next_ms.saturating_sub(now_ms))
    }

    fn read(&mut self, mail: Mail) {
        let now_ms = self.clock.now_ms();
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
    }

    /// Lets in who has waited long enough, before anything of it is sent: whoever hears of a channel
    /// and looks finds its subscribers there.
    fn let_in(&mut self) {
        let kept = self.engine.last_kept();
        while let Some((_, held)) = self.held.pop_front_if(|(promised, _)| *promised <= kept) {
            (self.release)(&held);
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
        self.wanted.store(Arc::new(self.engine.wanted()));
        for app in new {
            (self.retell)(&app);
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

    fn observe(&self, transaction: &crate::outbox::Transaction) {
        for step in &transaction.steps {
            match step {
                crate::outbox::Step::Append(event) => self.observer.announced(event.kind),
                crate::outbox::Step::Attempt(attempt) => {
                    self.observer.attempted(attempt.answer.failure, attempt.answer.duration_ms);
                }
                _ => {}
            }
        }
    }
}
