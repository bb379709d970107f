//! Workers without threads: whatever is sent here was sent by whoever left the message.

use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::sleep;

use bellwire_hub::fact::Held;
use bellwire_hub::{App, AppSpec, Apps, Conn, Fact, FactSink, KeySpec, Settings};
use bellwire_protocol::{ChannelName, JsonStr, server};
use mio::{Events, Poll};

use super::admission::{Door, Request};
use super::driving::{LITTLE, RESTED, lock};
use super::inbox::WAKE;
use super::transport::{Socket, Transport};
use super::witness::Unwatched;
use super::worker::Worker;
use super::*;

const KEY: &str = "278d425bdf160c739803";

struct Nobody;

impl FactSink for Nobody {
    fn take(&self, _: Fact) {}

    fn hold(&self, _: Held) {}
}

struct House {
    app: Arc<App>,
    door: Door,
    hub: Arc<Hub>,
    worker: Arc<Mutex<Worker>>,
    poll: Poll,
    channel: ChannelName,
}

impl House {
    fn new() -> Self {
        let settings = GatewaySettings {
            activity_timeout_s: 120,
            pong_timeout_s: 30,
            authorize_within_s: 30,
            backlog_bytes_max: 1 << 20,
        };
        let (switchboard, mut polls) = Switchboard::new(1, settings).unwrap();
        let hub = Arc::new(Hub::new(1, 0, Arc::clone(&switchboard) as _, Arc::new(Nobody)));
        let worker = workers(&switchboard, &polls, &hub, &(Arc::new(Unwatched) as _), settings)
            .unwrap()
            .remove(0);
        let apps = Arc::new(Apps::default());
        let key = KeySpec {
            key: KEY.parse().unwrap(),
            secret: "7ad3773142a6692b25b8".parse().unwrap(),
            active: true,
            created_at_ms: None,
        };
        let spec = AppSpec::new("3".parse().unwrap(), Settings::default(), vec![key]);
        apps.replace(vec![spec]).unwrap();
        let app = apps.by_key(KEY).unwrap();
        let channel = "room".parse().unwrap();
        let poll = polls.remove(0);
        Self { app, door: Door::new(apps, 0, Arc::new(Unwatched)), hub, worker, poll, channel }
    }

    /// Clients that listen, each with an empty socket.
    fn listeners(&mut self, count: u32) -> Vec<TcpStream> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let clients = (0..count).map(|slot| {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let mut worker = lock(&self.worker);
            worker.accept(self.arrival(listener.accept().unwrap().0));
            drop(worker);
            let conn = Conn::new(0, slot, 1);
            self.hub.subscribe(0, &self.app, &self.channel, conn, None).unwrap();
            client
        });
        let clients: Vec<TcpStream> = clients.collect();
        lock(&self.worker).read_little(u32::MAX);
        for mut client in &clients {
            while !heard(&mut client).contains("subscription_succeeded") {}
        }
        self.rest();
        clients
    }

    fn arrival(&self, stream: TcpStream) -> Arrival {
        let request =
            Request { key: KEY, query: "protocol=7", origin: None, tls: false, peer: None };
        let admitted = self.door.admit(&request).unwrap();
        stream.set_nonblocking(true).unwrap();
        Arrival {
            transport: Transport::Socket(Socket::Tcp(mio::net::TcpStream::from_std(stream))),
            app: admitted.app,
            seat: admitted.seat,
            must_authorize: admitted.must_authorize,
            story: admitted.story,
            deflates: false,
            leftover: Vec::new(),
        }
    }

    /// Lets the worker fall asleep, and time pass.
    fn rest(&mut self) {
        self.is_woken();
        assert!(lock(&self.worker).rest() == Some(Worker::LONG_REST));
        sleep(RESTED);
    }

    fn publish(&self) {
        let frame =
            server::event(&JsonStr::encode("news"), &self.channel, &JsonStr::encode("x"), None);
        let _errands = Errands::begin();
        self.hub.publish(0, &self.app, &self.channel, frame, None);
    }

    /// Whether somebody has woken the worker's thread.
    fn is_woken(&mut self) -> bool {
        let mut events = Events::with_capacity(64);
        self.poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        events.iter().any(|event| event.token() == WAKE)
    }
}

/// What has come, without waiting.
fn heard(client: &mut &TcpStream) -> String {
    client.set_nonblocking(true).unwrap();
    let mut bytes = vec![0; 4096];
    match client.read(&mut bytes) {
        Ok(len) => String::from_utf8_lossy(&bytes[..len]).into_owned(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => String::new(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn whoever_leaves_little_for_a_worker_that_sleeps_does_it() {
    let mut house = House::new();
    let client = &house.listeners(1)[0];
    house.publish();
    assert!(heard(&mut &*client).contains("news"));
    assert!(!house.is_woken());
    house.rest();
    house.publish();
    assert!(heard(&mut &*client).contains("news"), "the worker sleeps again");
}

#[test]
fn a_worker_with_much_to_do_is_woken() {
    let mut house = House::new();
    let clients = house.listeners(LITTLE + 1);
    house.publish();
    assert!(clients.iter().all(|mut client| heard(&mut client).is_empty()));
    assert!(house.is_woken());
}

#[test]
fn a_worker_that_is_busy_is_woken() {
    let mut house = House::new();
    let client = &house.listeners(1)[0];
    let busy = Arc::clone(&house.worker);
    let turn = lock(&busy);
    house.publish();
    drop(turn);
    assert!(heard(&mut &*client).is_empty());
    assert!(house.is_woken());
}

#[test]
fn a_worker_whose_clients_leave_is_driven_once_more_by_its_thread() {
    let mut house = House::new();
    // The first leaves at once, the second has half a minute.
    let clients = house.listeners(2);
    lock(&house.worker).drain(Duration::from_secs(60));
    house.publish();
    assert!(clients.iter().all(|mut client| heard(&mut client).contains("news")));
    assert!(house.is_woken(), "it has to look at its clock sooner than it thought");
}
