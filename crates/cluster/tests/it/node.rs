//! A node as a test sees it: a bus, and a record of all that it told.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use bellwire_cluster::{Bus, BusConfig, Hearer, Subject, Subjects, connect};
use bellwire_testkit::PATIENCE;
use bytes::Bytes;
use tokio::runtime::Runtime;

/// A bus and its ear.
pub(crate) struct Node {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) ear: Arc<Ear>,
}

/// What was told.
#[derive(Default)]
pub(crate) struct Ear {
    told: Mutex<Told>,
    came: Condvar,
    /// How long it takes to hear a message.
    pub(crate) pause: Mutex<Duration>,
}

#[derive(Default)]
pub(crate) struct Told {
    /// Subject and text of every message.
    pub(crate) heard: Vec<(String, String)>,
    /// How often each subject became ready.
    pub(crate) ready: HashMap<String, usize>,
    pub(crate) ups: usize,
    pub(crate) downs: Vec<String>,
}

impl Node {
    /// Connects, and waits until it is up.
    pub(crate) fn at(url: &str) -> Self {
        let node = Self::beginning(&BusConfig::of(url));
        node.ear.until("it is up", |told| told.ups > 0);
        node
    }

    /// Begins to connect.
    pub(crate) fn beginning(config: &BusConfig) -> Self {
        let ear = Arc::new(Ear::default());
        let hearer = Arc::clone(&ear);
        let bus = connect(config, hearer, RUNTIME.handle().clone());
        Self { bus: bus.unwrap_or_else(|e| panic!("{e}")), ear }
    }

    /// Subscribes, and waits until that is so.
    pub(crate) fn hears(&self, subjects: &[Subject]) {
        let before: Vec<_> = subjects.iter().map(|subject| self.ear.readies(subject)).collect();
        subjects.iter().for_each(|subject| self.bus.subscribe(subject));
        self.ear.until("subjects are ready", |told| {
            let mut pairs = subjects.iter().zip(&before);
            pairs.all(|(subject, before)| told.readies(subject) > *before)
        });
    }

    /// Publishes a text; it must be taken.
    pub(crate) fn says(&self, subject: &Subject, text: &str) {
        let text = Bytes::copy_from_slice(text.as_bytes());
        assert!(self.bus.publish(subject, text), "a message was not taken");
    }
}

impl Ear {
    /// Waits until something is so.
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut(&Told) -> bool) {
        let (told, waited) =
            self.came.wait_timeout_while(self.told(), PATIENCE, |told| !is_so(told)).unwrap();
        let (ups, downs, heard) = (told.ups, &told.downs, told.heard.len());
        assert!(!waited.timed_out(), "not so: {what}; {ups} up, {heard} heard, down: {downs:?}");
    }

    /// Waits until a text was heard.
    pub(crate) fn until_heard(&self, subject: &Subject, text: &str) {
        self.until(&format!("{subject} heard {text}"), |told| {
            told.heard.iter().rev().any(|(s, t)| s == subject.as_str() && t == text)
        });
    }

    /// What was heard of a subject.
    pub(crate) fn heard(&self, subject: &Subject) -> Vec<String> {
        let told = self.told();
        let heard = told.heard.iter().filter(|(s, _)| s == subject.as_str());
        heard.map(|(_, text)| text.clone()).collect()
    }

    pub(crate) fn readies(&self, subject: &Subject) -> usize {
        self.told().readies(subject)
    }

    pub(crate) fn downs(&self) -> Vec<String> {
        self.told().downs.clone()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap()
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        tell(&mut self.told());
        self.came.notify_all();
    }
}

impl Told {
    pub(crate) fn readies(&self, subject: &Subject) -> usize {
        self.ready.get(subject.as_str()).copied().unwrap_or(0)
    }
}

impl Hearer for Ear {
    fn heard(&self, subject: &str, message: Bytes) {
        let pause = *self.pause.lock().unwrap();
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        let text = String::from_utf8(message.into()).unwrap();
        self.tell(|told| told.heard.push((subject.into(), text)));
    }

    fn ready(&self, subject: &str) {
        self.tell(|told| *told.ready.entry(subject.into()).or_default() += 1);
    }

    fn up(&self) {
        self.tell(|told| told.ups += 1);
    }

    fn down(&self, why: &str) {
        self.tell(|told| told.downs.push(why.into()));
    }
}

/// Waits until something is so that nobody tells.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not so: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A subject of this number.
pub(crate) fn subject(id: u64) -> Subject {
    Subjects::of("bellwire").unwrap().node(id)
}

/// The subject of a channel.
pub(crate) fn channel(name: &str) -> Subject {
    let subjects = Subjects::of("bellwire").unwrap();
    subjects.channel(&"1001".parse().unwrap(), &name.parse().unwrap())
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(4).enable_all().build().unwrap()
});
