//! A network that can be cut, stalled and restored: a TCP proxy in front of one server.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

/// The way to a server. Connections through it end when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    network: Arc<Network>,
}

#[derive(Debug, Default)]
struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    weather: Weather,
    /// Both ends of all connections.
    streams: Vec<TcpStream>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Weather {
    #[default]
    Fair,
    /// Connections stand and nothing moves, as behind a firewall that forgot them.
    Stalled,
    /// Connections are reset and new ones are closed at once.
    Cut,
    /// As cut, and nobody will ever come again.
    Over,
}

impl Proxy {
    /// The way to this server.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let network = Arc::new(Network::default());
        let shared = Arc::clone(&network);
        thread::spawn(move || accept(&listener, server, &shared));
        Self { address, network }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections, and lets no new ones through.
    pub fn cut(&self) {
        self.network.turn(Weather::Cut);
    }

    /// Nothing moves any more, and nobody is told.
    pub fn stall(&self) {
        self.network.turn(Weather::Stalled);
    }

    /// Everything goes through again.
    pub fn restore(&self) {
        self.network.turn(Weather::Fair);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.network.turn(Weather::Over);
        // One more connection lets the thread see it.
        let _ = TcpStream::connect(self.address);
    }
}

impl Network {
    fn turn(&self, weather: Weather) {
        let mut state = self.state();
        state.weather = weather;
        if matches!(weather, Weather::Cut | Weather::Over) {
            for stream in state.streams.drain(..) {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        self.changed.notify_all();
    }

    /// Waits while nothing moves.
    fn pass(&self) -> Weather {
        let state = self.state();
        let state = self.changed.wait_while(state, |s| s.weather == Weather::Stalled).unwrap();
        state.weather
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn accept(listener: &TcpListener, server: SocketAddr, network: &Arc<Network>) {
    for client in listener.incoming().map_while(Result::ok) {
        match network.state().weather {
            Weather::Over => return,
            Weather::Cut => continue,
            Weather::Fair | Weather::Stalled => {}
        }
        let Ok(server) = TcpStream::connect(server) else { continue };
        let ends = [&client, &server].map(|end| end.try_clone().unwrap());
        network.state().streams.extend(ends);
        for (from, to) in [(&client, &server), (&server, &client)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let network = Arc::clone(network);
            thread::spawn(move || carry(from, to, &network));
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, network: &Network) {
    let mut buffer = [0; 16_384];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if network.pass() != Weather::Fair || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
