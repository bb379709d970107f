//! How fast a bus is, and what it costs: one node publishes, another one hears.
//!
//!     cargo run --release -p bellwire-cluster --example speed -- redis://127.0.0.1:6379
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for whoever measures")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bellwire_cluster::{Bus, BusConfig, Hearer, Subject, Subjects, connect};
use bytes::Bytes;
use tokio::runtime::Runtime;

#[derive(Default)]
struct Ear {
    heard: AtomicU64,
    ready: AtomicU64,
}

impl Hearer for Ear {
    fn heard(&self, _: &str, _: Bytes) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    fn ready(&self, _: &str) {
        self.ready.fetch_add(1, Ordering::Relaxed);
    }

    fn up(&self) {}

    fn down(&self, why: &str) {
        println!("down: {why}");
    }
}

fn main() {
    let url = std::env::args().nth(1).expect("the URL of a bus");
    let runtime = Runtime::new().unwrap();
    let subjects = Subjects::of("speed").unwrap();
    let subjects: Vec<_> = (0..SUBJECTS).map(|id| subjects.node(id)).collect();
    let node = || {
        let ear = Arc::new(Ear::default());
        let hearer = Arc::clone(&ear);
        (connect(&BusConfig::of(&url), hearer, runtime.handle().clone()).unwrap(), ear)
    };
    let ((one, _), (two, ear)) = (node(), node());
    until(|| one.is_up() && two.is_up());
    let memory = resident();
    let begin = Instant::now();
    subjects.iter().for_each(|subject| two.subscribe(subject));
    until(|| ear.ready.load(Ordering::Relaxed) >= SUBJECTS);
    let per_subject = (resident().saturating_sub(memory)) / SUBJECTS;
    println!("{SUBJECTS} subjects ready in {:?}, {per_subject} bytes each", begin.elapsed());
    one_by_one(&*one, &ear, &subjects);
    flood(&*one, &*two, &ear, &subjects);
}

/// A message goes when the one before it was heard.
fn one_by_one(one: &dyn Bus, ear: &Ear, subjects: &[Subject]) {
    let before = ear.heard.load(Ordering::Relaxed);
    let begin = Instant::now();
    for round in 1..=ROUNDS {
        one.publish(&subjects[0], Bytes::from_static(&[b'x'; MESSAGE_BYTES]));
        while ear.heard.load(Ordering::Relaxed) < before + round {
            std::thread::yield_now();
        }
    }
    println!("{:?} from one node to the other", begin.elapsed() / ROUNDS as u32);
}

/// As many as the engine takes.
fn flood(one: &dyn Bus, two: &dyn Bus, ear: &Ear, subjects: &[Subject]) {
    let before = ear.heard.load(Ordering::Relaxed);
    let (begin, cpu) = (Instant::now(), cpu_ms());
    for subject in subjects.iter().cycle().take(MESSAGES as usize) {
        while one.figures().queued > 5_000 {
            sleep(Duration::from_micros(200));
        }
        assert!(one.publish(subject, Bytes::from_static(&[b'x'; MESSAGE_BYTES])));
    }
    let mut last = (0, Instant::now());
    until(|| {
        let heard = ear.heard.load(Ordering::Relaxed) - before;
        if heard != last.0 {
            last = (heard, Instant::now());
        }
        heard == MESSAGES || last.1.elapsed() > Duration::from_secs(3)
    });
    let (heard, took) = (last.0, last.1 - begin);
    let rate = heard as f64 / took.as_secs_f64();
    let cpu = (cpu_ms() - cpu) as f64 * 1_000.0 / heard as f64;
    println!("{heard} of {MESSAGES} messages, {rate:.0}/s, {cpu:.2} µs of CPU each, both ends");
    println!("{:?}", two.figures());
}

fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(1));
    }
}

/// Used by this process, in milliseconds.
fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The fields after the name; user and system time are the 14th and 15th of all.
    let after = stat.rsplit(')').next().unwrap();
    let mut times = after.split_whitespace().skip(11).map(|n| n.parse::<u64>().unwrap());
    let (user, system) = (times.next().unwrap(), times.next().unwrap());
    (user + system) * 10
}

/// What this process has in memory, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

const SUBJECTS: u64 = 10_000;
const ROUNDS: u64 = 2_000;
const MESSAGES: u64 = 300_000;
const MESSAGE_BYTES: usize = 300;
