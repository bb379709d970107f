//! The thread that writes this node's feed. What came while a row was kept goes into the next one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use bellwire_hub::Apps;
use bellwire_hub::fact::Held;
use bellwire_protocol::AppId;

use super::Feed;
use super::feeder::{FeedRules, Feeder};
use crate::clock::Clock;
use crate::desk::STOP_MS;
use crate::endpoint::Endpoint;
use crate::mail::{Mail, Mailbox};
use crate::observer::Observer;
use crate::outbox::OutboxError;
use crate::service::{FeedParts, ReadWritten, StartError, Ties, Wanted, batching, interest};

/// A feed while it is written.
pub(crate) struct Feeding(JoinHandle<()>);

/// How often it looks who has the desk.
const DESK_EVERY_MS: u64 = 1_000;
/// How often it looks whether those who wait can be let in.
const HEARD_EVERY_MS: u64 = 25;
/// How long it waits after the first failure; twice as long after each further one.
const FIRST_PAUSE_MS: u64 = 100;
/// How long it waits at most.
const LONGEST_PAUSE_MS: u64 = 5_000;

impl Feeding {
    pub(crate) fn start(
        mut parts: FeedParts,
        mailbox: Arc<Mailbox>,
        wanted: Arc<ArcSwap<Wanted>>,
        is_forgotten: Arc<AtomicBool>,
    ) -> Result<Self, StartError> {
        let written = (parts.written)().map_err(StartError::Written)?;
        interest(&parts.apps, &written.endpoints);
        wanted.store(Arc::new(wanted_of(&parts.apps, &written.endpoints)));
        let shell = Shell {
            feeder: Feeder::new(FeedRules::default()),
            feed: parts.feed,
            clock: Clock::start(),
            mailbox,
            wanted,
            written: parts.written,
            ties: parts.ties,
            apps: parts.apps,
            observer: parts.observer,
            is_forgotten,
            desk: None,
            next_desk_ms: 0,
            next_heard_ms: 0,
            next_try_ms: 0,
            pause_ms: FIRST_PAUSE_MS,
            ends_ms: None,
        };
        let thread = std::thread::Builder::new().name("webhook-feed".into());
        Ok(Self(thread.spawn(move || shell.run())?))
    }

    pub(crate) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the webhook feed panicked");
        }
    }
}

/// The apps of which somebody wants to hear. A disabled endpoint counts.
fn wanted_of(apps: &Apps, endpoints: &[Endpoint]) -> Wanted {
    let batching = batching(apps);
    let live = endpoints.iter().filter(|endpoint| batching(&endpoint.app).is_some());
    live.map(|endpoint| endpoint.app.clone()).collect()
}

/// The thread.
struct Shell {
    feeder: Feeder<Held>,
    feed: Box<dyn Feed>,
    clock: Clock,
    mailbox: Arc<Mailbox>,
    wanted: Arc<ArcSwap<Wanted>>,
    written: ReadWritten,
    ties: Ties,
    apps: Arc<Apps>,
    observer: Arc<dyn Observer>,
    /// Whether the store has lost rows that it had kept: it is asked again when there is another feed.
    is_forgotten: Arc<AtomicBool>,
    /// The run of whoever has the desk.
    desk: Option<u64>,
    next_desk_ms: u64,
    next_heard_ms: u64,
    /// After a failure, when the store is asked again.
    next_try_ms: u64,
    pause_ms: u64,
    /// When the thread ends at the latest.
    ends_ms: Option<u64>,
}

impl Shell {
    fn run(mut self) {
        loop {
            let mail = self.mailbox.fetch(self.patience(), !self.rests());
            let is_changed = mail.is_changed;
            self.read(mail, |_| true);
            if is_changed {
                self.configure();
            }
            if !self.rests() {
                self.ask();
                self.retell();
                self.flush();
                self.let_in();
            }
            let is_done = !self.feeder.has_more();
            let now_ms = self.clock.now_ms();
            if self.ends_ms.is_some_and(|ends_ms| is_done || ends_ms <= now_ms) {
                return;
            }
        }
    }

    /// Whether the store has failed and is left alone for a while.
    fn rests(&self) -> bool {
        self.clock.now_ms() < self.next_try_ms
    }

    /// How long nothing needs to be done, if nothing comes.
    fn patience(&self) -> Duration {
        let now_ms = self.clock.now_ms();
        let heard_ms = if self.feeder.has_held() { self.next_heard_ms } else { u64::MAX };
        let next_ms = self.next_desk_ms.min(heard_ms).max(self.next_try_ms);
        let next_ms = next_ms.min(self.ends_ms.unwrap_or(u64::MAX));
        Duration::from_millis(next_ms.saturating_sub(now_ms))
    }

    /// Takes what was left here. `is_quiet` says of an app whether what is said anew of it happened
    /// before anybody wanted to know.
    fn read(&mut self, mail: Mail, is_quiet: impl Fn(&AppId) -> bool) {
        let now_ms = self.clock.now_ms();
        if mail.is_incomplete {
            self.feeder.is_confused();
        }
        let wanted = self.wanted.load();
        for (fact, is_retold) in mail.facts {
            // A moment ago somebody may have wanted to hear of it.
            if wanted.contains(&fact.app) {
                let quietly = is_retold && is_quiet(&fact.app);
                self.feeder.take(fact, quietly);
            }
        }
        for ((app, lane), count) in mail.lost {
            self.feeder.lost(app, lane, count);
        }
        // Whoever leaves after that was told to come back; what was left before is from before.
        if mail.is_closing {
            self.feeder.close();
        }
        for held in mail.held {
            self.feeder.hold(held);
        }
        if mail.is_stopping {
            self.ends_ms = Some(now_ms + STOP_MS);
            self.next_try_ms = 0;
        }
        if let Some(feed) = mail.feed {
            self.feed = feed;
            self.feeder.begin_anew();
            self.is_forgotten.store(false, Ordering::Release);
            self.pause_ms = FIRST_PAUSE_MS;
            (self.desk, self.next_desk_ms, self.next_try_ms) = (None, 0, 0);
        }
        if mail.has_news {
            (self.next_desk_ms, self.next_heard_ms) = (0, 0);
        }
    }

    /// Takes over what people have written down.
    fn configure(&mut self) {
        let written = match (self.written)() {
            Ok(written) => written,
            Err(error) => {
                tracing::error!(error, "endpoints cannot be read; the old ones stay in use");
                return;
            }
        };
        interest(&self.apps, &written.endpoints);
        let before = self.wanted.load_full();
        let after = wanted_of(&self.apps, &written.endpoints);
        let mut gone: Vec<AppId> = before.difference(&after).cloned().collect();
        let mut new: Vec<AppId> = after.difference(&before).cloned().collect();
        gone.sort();
        new.sort();
        self.wanted.store(Arc::new(after));
        gone.into_iter().for_each(|app| self.feeder.anew(app));
        for app in new {
            self.feeder.anew(app.clone());
            (self.ties.retell)(&app);
            self.fetch(|_| true);
        }
    }

    /// Takes what is there now.
    fn fetch(&mut self, is_quiet: impl Fn(&AppId) -> bool) {
        let mail = self.mailbox.fetch(Duration::ZERO, true);
        let is_changed = mail.is_changed;
        self.read(mail, is_quiet);
        if is_changed {
            // It is done in its turn.
            self.mailbox.leave(|mail| mail.is_changed = true);
        }
    }

    /// Looks who has the desk.
    fn ask(&mut self) {
        let now_ms = self.clock.now_ms();
        if now_ms < self.next_desk_ms {
            return;
        }
        self.next_desk_ms = now_ms + DESK_EVERY_MS;
        let answer = self.feed.desk();
        self.desk = self.judge(answer).or(self.desk);
    }

    /// Says the whole state, if the desk has to hear it. App by app, so that it never is in memory
    /// as a whole.
    fn retell(&mut self) {
        let Some(run) = self.desk.filter(|run| self.feeder.wants_retelling(*run)) else { return };
        self.feeder.begin_retelling(run);
        let mut apps: Vec<AppId> = self.wanted.load().iter().cloned().collect();
        apps.sort();
        for app in apps {
            (self.ties.retell)(&app);
            self.fetch(|_| false);
            self.flush();
        }
        self.feeder.end_retelling();
    }

    /// Keeps what waits.
    fn flush(&mut self) {
        while !self.rests() {
            let now_ms = self.clock.now_ms();
            let Some((n, body)) = self.feeder.row(now_ms) else { return };
            let answer = self.feed.append(n, body);
            if self.judge(answer).is_some() {
                self.feeder.kept();
            }
        }
    }

    /// Lets in those whose waiting is over.
    fn let_in(&mut self) {
        let now_ms = self.clock.now_ms();
        if !self.feeder.has_held() || now_ms < self.next_heard_ms {
            return;
        }
        self.next_heard_ms = now_ms + HEARD_EVERY_MS;
        let answer = self.feed.heard();
        let Some(n) = self.judge(answer) else { return };
        for held in self.feeder.heard(n) {
            (self.ties.release)(&held);
        }
    }

    /// What the store has answered, if it has.
    fn judge<T>(&mut self, answer: Result<T, OutboxError>) -> Option<T> {
        match answer {
            Ok(value) => {
                self.feeder.answered();
                self.observer.store_is_well();
                self.pause_ms = FIRST_PAUSE_MS;
                Some(value)
            }
            Err(error) => {
                self.feeder.failed();
                self.observer.store_failed(&error.to_string());
                self.next_try_ms = self.clock.now_ms() + self.pause_ms;
                self.pause_ms = (2 * self.pause_ms).min(LONGEST_PAUSE_MS);
                if !error.is_transient() {
                    self.is_forgotten.store(true, Ordering::Release);
                    self.next_try_ms = u64::MAX;
                }
                None
            }
        }
    }
}
