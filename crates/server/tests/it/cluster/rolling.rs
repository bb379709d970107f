//! A rolling restart under clients that connect again as pusher-js does: nobody who came back has
//! left, and nobody who stayed has missed anything. `CLIENTS` is a number of the environment.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bellwire_testkit::{Api, Client, Incoming, Target, Via};

use super::over_redis_and_nats;
use super::stage::{Stage, Truth, app, are_on};
use crate::support::{PATH, eventually};
use crate::webhooks::dice::number;
use crate::webhooks::stage::user_data;

over_redis_and_nats! {
    a_rolling_restart_of_three_nodes_is_silent_and_loses_nothing
}

/// Everybody's channel, on which numbers are published.
const TICKER: &str = "private-ticker";

// webhooks: P1, P2
fn a_rolling_restart_of_three_nodes_is_silent_and_loses_nothing(via: Via) {
    let count = usize::try_from(number("CLIENTS").unwrap_or(120)).unwrap();
    let settings = ["grace_ms = 4000", "reconnect_ms = 8000"];
    let mut stage = Stage::with(app(), &settings, via, 3);
    let city = City::of(&stage);
    let (sessions, published) = thread::scope(|scope| {
        let live = |n| {
            let city = &city;
            let thread = thread::Builder::new().stack_size(512 * 1024);
            thread.spawn_scoped(scope, move || city.live(n)).unwrap()
        };
        let people: Vec<_> = (0..count).map(live).collect();
        let publisher = scope.spawn(|| city.publish(count));
        // Whatever happens, the threads end.
        let over = Over(&city);
        eventually("everybody is there", || city.present.load(SeqCst) == count);
        stage.converges(&[0, 1, 2], &truth(count));
        for node in 0..3 {
            restart(&mut stage, &city, node);
            eventually("everybody is back", || city.present.load(SeqCst) == count);
        }
        stage.converges(&[0, 1, 2], &truth(count));
        drop(over);
        let sessions: Vec<Session> = people.into_iter().flat_map(|p| p.join().unwrap()).collect();
        (sessions, publisher.join().unwrap())
    });
    let events = stage.hook.events();
    let left = events
        .iter()
        .find(|event| event["name"] == "member_removed" || event["name"] == "channel_vacated");
    assert_eq!(left, None, "somebody who came back has left");
    assert_eq!(events.len(), 1 + rooms(count) + count, "one event for each, in all");
    let messages = sessions.iter().map(|session| session.check(published)).sum::<usize>();
    eprintln!(
        "{via:?}: {count} clients, {} connections, {published} numbers, {messages} messages",
        sessions.len()
    );
}

/// One node ends and starts again, as behind a load balancer that looks at `/ready`.
#[track_caller]
fn restart(stage: &mut Stage, city: &City, node: usize) {
    city.is_serving[node].store(false, SeqCst);
    let published = city.published.load(SeqCst);
    eventually("nothing is published there", || city.published.load(SeqCst) > published + 1);
    let server = &mut stage.cluster[node];
    server.terminate();
    assert_eq!(server.wait().code(), Some(0), "{}", server.stderr());
    server.restart();
    city.is_serving[node].store(true, SeqCst);
}

fn rooms(count: usize) -> usize {
    count.div_ceil(4)
}

fn user(n: usize) -> String {
    format!("user-{n}")
}

fn room(n: usize) -> String {
    format!("presence-room-{}", n / 4)
}

fn truth(count: usize) -> Truth {
    let mut truth = Truth::from([(TICKER.to_owned(), Vec::new())]);
    (0..count).for_each(|n| are_on(&mut truth, &user(n), &[room(n)]));
    truth
}

/// What clients and the publisher know.
struct City {
    targets: Vec<Target>,
    apis: Vec<Api>,
    is_serving: Vec<AtomicBool>,
    is_over: AtomicBool,
    /// How many numbers have been published.
    published: AtomicUsize,
    /// How many clients are on their channels.
    present: AtomicUsize,
}

/// What came on one connection.
struct Session {
    heard: Vec<usize>,
    /// Whether it was there at the end.
    is_last: bool,
}

/// Ends the city when it is dropped.
struct Over<'a>(&'a City);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, SeqCst);
    }
}

impl City {
    fn of(stage: &Stage) -> Self {
        let nodes = stage.cluster.nodes();
        Self {
            targets: nodes.iter().map(|node| node.target()).collect(),
            apis: nodes.iter().map(|node| node.api()).collect(),
            is_serving: nodes.iter().map(|_| AtomicBool::new(true)).collect(),
            is_over: AtomicBool::new(false),
            published: AtomicUsize::new(0),
            present: AtomicUsize::new(0),
        }
    }

    /// A node that serves; another one each time.
    fn node(&self, n: usize) -> usize {
        let serving = || (0..3).filter(|node| self.is_serving[*node].load(SeqCst));
        serving().nth(n % serving().count()).unwrap_or(0)
    }

    /// Publishes numbers on all nodes in turn; how many.
    fn publish(&self, clients: usize) -> usize {
        let pause = Duration::from_millis(20 + clients as u64 / 20);
        for n in 0.. {
            if self.is_over.load(SeqCst) {
                self.apis[0].publish(TICKER, "end", "");
                return n;
            }
            self.apis[self.node(n)].publish(TICKER, "n", &n.to_string());
            self.published.store(n + 1, SeqCst);
            thread::sleep(pause);
        }
        unreachable!("numbers do not end")
    }

    /// A client's life, connection after connection.
    fn live(&self, n: usize) -> Vec<Session> {
        let mut sessions: Vec<Session> = Vec::new();
        for attempt in n.. {
            let mut session = Session { heard: Vec::new(), is_last: false };
            if let Some(client) = self.connect(self.node(attempt), n) {
                self.hear(client, &mut session);
            }
            let is_over = session.is_last || self.is_over.load(SeqCst);
            sessions.push(session);
            if is_over {
                break;
            }
            thread::sleep(Duration::from_millis(50));
        }
        sessions
    }

    /// Connects, and asks for everything.
    fn connect(&self, node: usize, n: usize) -> Option<Client> {
        let mut client = Client::try_open(self.targets[node], PATH, &[]).ok()?;
        client.sign_with("key-1", "secret-1");
        client.try_established().then_some(())?;
        for (channel, data) in [(room(n), Some(user_data(&user(n)))), (TICKER.to_owned(), None)] {
            client.try_send(&client.subscription(&channel, data.as_deref()).to_string()).ok()?;
        }
        Some(client)
    }

    /// Reads until the connection or everything ends.
    fn hear(&self, mut client: Client, session: &mut Session) {
        let mut is_present = false;
        while let Some(frame) = next(&mut client) {
            match frame.event() {
                "pusher_internal:subscription_succeeded" if frame.channel() == Some(TICKER) => {
                    self.present.fetch_add(1, SeqCst);
                    is_present = true;
                }
                "n" => session.heard.push(frame.data_text().parse().unwrap()),
                "end" => {
                    session.is_last = true;
                    break;
                }
                _ => {}
            }
        }
        self.present.fetch_sub(usize::from(is_present), SeqCst);
    }
}

/// The next message; none if the connection ends.
fn next(client: &mut Client) -> Option<bellwire_testkit::Frame> {
    loop {
        match client.incoming() {
            Incoming::Frame(frame) => return Some(frame),
            Incoming::Ping | Incoming::Pong(_) => {}
            Incoming::Closed(_) => return None,
        }
    }
}

impl Session {
    /// Nothing is missing and nothing came twice; how many there are. Numbers come from several nodes,
    /// and those around the beginning and the end of a connection may have overtaken each other.
    #[track_caller]
    fn check(&self, published: usize) -> usize {
        const EDGE: usize = 3;
        let mut heard = self.heard.clone();
        heard.sort_unstable();
        let end = if self.is_last { heard.len() } else { heard.len().saturating_sub(EDGE) };
        let inner = heard.get(EDGE..end).unwrap_or_default();
        if let Some(first) = inner.first() {
            let expected: Vec<usize> = (*first..first + inner.len()).collect();
            assert_eq!(inner, expected, "something is missing, or came twice");
        }
        if self.is_last {
            assert_eq!(heard.last(), Some(&(published - 1)), "the last ones are missing");
        }
        heard.len()
    }
}
