//! Events for the members of a channel, from the worker's inbox to a write on each socket.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bellwire_hub::outlet::Traffic;
use bellwire_hub::{App, Apps, ChannelId, Hub, Message};
use bellwire_protocol::Frame;
use bellwire_protocol::deflate::Deflater;
use mio::Poll;

use super::GatewaySettings;
use super::admission::{Door, Request};
use super::congestion::Congestion;
use super::driving;
use super::inbox::{Arrival, Inbox, Letter};
use super::transport::{Socket, Transport};
use super::witness::{Sight, Trouble, Who, Witness};
use super::worker::Worker;
use crate::scenario::Work;
use crate::scenario::house::{self, KEY, Nobody};

/// A worker with all that waits for its next and last turn.
pub(crate) struct Delivery {
    /// With the poll that its thread sleeps in; its connections end with it.
    worker: Option<(Mutex<Worker>, Poll)>,
    /// What the members hear, again and again.
    frame: Frame,
    /// Whether they hear it compressed.
    deflates: bool,
    /// The other ends of the sockets of all members.
    clients: Vec<TcpStream>,
}

/// Events for the room. Each is a turn of its own and a write for each member, as at a low rate.
pub(crate) const EVENTS: usize = 20;
/// Connections of the worker, however many of them are members: what it costs to drop them is the
/// same for every size.
const CONNECTIONS: usize = 2_000;
const ROOM: ChannelId = ChannelId(1);
/// Where those are who are not in the room.
const OTHER_ROOM: ChannelId = ChannelId(2);

/// A worker that is about to make so many deliveries.
pub(crate) fn deliveries(count: usize) -> anyhow::Result<Box<dyn Work>> {
    deliveries_to(count, false)
}

/// The same to members that take compressed messages.
pub(crate) fn deflated(count: usize) -> anyhow::Result<Box<dyn Work>> {
    deliveries_to(count, true)
}

fn deliveries_to(count: usize, deflates: bool) -> anyhow::Result<Box<dyn Work>> {
    let members = count / EVENTS;
    ensure!(members <= CONNECTIONS, "there are {CONNECTIONS} connections");
    let frame = house::event_frame()?;
    let frame = if deflates { frame.shared() } else { frame };
    let poll = Poll::new()?;
    let (mut worker, inbox) = worker(&frame, &poll)?;
    let mut clients = connect(&mut worker, members, deflates)?;
    clients.truncate(members);
    for _ in 0..EVENTS {
        inbox.push(Letter::Hub(Message::Deliver {
            channel: ROOM,
            frame: frame.clone(),
            except: None,
            traffic: Traffic::Broadcast,
            hearers: members as u32,
        }));
    }
    inbox.push(Letter::Stop);
    // The scan of all connections that is due once a second is then due in every run.
    sleep(Duration::from_secs(1));
    Ok(Box::new(Delivery { worker: Some((Mutex::new(worker), poll)), frame, deflates, clients }))
}

fn worker(frame: &Frame, poll: &Poll) -> anyhow::Result<(Worker, Arc<Inbox>)> {
    let settings = GatewaySettings {
        activity_timeout_s: 120,
        pong_timeout_s: 30,
        authorize_within_s: 30,
        // A worker sends what it has before it goes on once it has a quarter of this.
        backlog_bytes_max: 4 * frame.bytes().len(),
    };
    let inbox = Arc::new(Inbox::new(poll.registry(), usize::MAX)?);
    let hub = Arc::new(Hub::new(1, 0, Arc::new(Nobody::default()), Arc::new(Nobody::default())));
    let congestion = Arc::new(Congestion::default());
    let registry = poll.registry().try_clone()?;
    let witness = Arc::new(Unwatched);
    let worker = Worker::new(0, registry, Arc::clone(&inbox), hub, congestion, witness, settings);
    Ok((worker, inbox))
}

/// Gives the worker its connections, the first of which are members of the room.
fn connect(worker: &mut Worker, members: usize, deflates: bool) -> anyhow::Result<Vec<TcpStream>> {
    let apps = Arc::new(Apps::default());
    let app = house::app(&apps)?;
    let door = Door::new(apps, 0, Arc::new(Unwatched));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut clients = Vec::with_capacity(CONNECTIONS);
    for slot in 0..CONNECTIONS {
        clients.push(TcpStream::connect(listener.local_addr()?)?);
        worker.accept(arrival(&door, listener.accept()?.0, deflates)?);
        let room = if slot < members { ROOM } else { OTHER_ROOM };
        worker.rooms.enter(&mut worker.slots, slot, room, Arc::clone(&app));
        let connection = worker.slots.at(slot).context("the worker has refused a connection")?;
        // That a new socket can be written to is news for the first turn, and not what is counted.
        if let Transport::Socket(socket) = &mut connection.transport {
            socket.deregister(&worker.registry);
        }
    }
    Ok(clients)
}

fn arrival(door: &Door, stream: TcpStream, deflates: bool) -> anyhow::Result<Arrival> {
    let request = Request { key: KEY, query: "protocol=7", origin: None, tls: false, peer: None };
    let admitted = door.admit(&request).map_err(|close| anyhow::anyhow!("{close:?}"))?;
    stream.set_nonblocking(true)?;
    Ok(Arrival {
        transport: Transport::Socket(Socket::Tcp(mio::net::TcpStream::from_std(stream))),
        app: admitted.app,
        seat: admitted.seat,
        must_authorize: admitted.must_authorize,
        story: admitted.story,
        deflates,
        leftover: Vec::new(),
    })
}

/// Nobody looks.
struct Unwatched;

impl Witness for Unwatched {
    fn see(&self, _: &App, _: Who<'_>, _: &Sight<'_>) {}

    fn note(&self, _: &App, _: Who<'_>, _: &Trouble<'_>) {}
}

impl Work for Delivery {
    fn run(&mut self) {
        if let Some((worker, poll)) = self.worker.take() {
            driving::run(&worker, poll);
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let event = match self.deflates {
            true => self.frame.squeezed(&mut Deflater::default()),
            false => self.frame.bytes().clone(),
        };
        let events = event.repeat(EVENTS);
        for client in &mut self.clients {
            let mut heard = Vec::new();
            client.read_to_end(&mut heard)?;
            ensure!(heard.ends_with(&events), "a member has not heard all events");
        }
        Ok(())
    }
}
