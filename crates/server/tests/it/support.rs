//! What the tests share: how to start the server, and how to wait.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use bellwire_testkit::{App, Client, Config, PATIENCE, Server};

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("BELLWIRE_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_bellwire").into(), PathBuf::from)
}

/// A server with this config.
#[track_caller]
pub(crate) fn serve(config: Config) -> Server {
    Server::start(&binary(), config)
}

/// A server with this app.
#[track_caller]
pub(crate) fn serve_app(app: App) -> Server {
    serve(Config::with(app))
}

/// A server with one app, every toggle off.
#[track_caller]
pub(crate) fn server() -> Server {
    serve_app(App::new(1))
}

/// An app with every toggle on that adds a feature.
pub(crate) fn featured() -> App {
    App::new(1)
        .with("client_events = true")
        .with("subscription_count = true")
        .with("watchlist = true")
}

/// Waits until `is_so`; what was waited for ends up in the failure.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Publishes a marker to `channel`, which must be the very next thing that these clients hear: what
/// was sent before it and not heard was not delivered.
#[track_caller]
pub(crate) fn hears_nothing_before_a_marker(
    server: &Server,
    channel: &str,
    clients: &mut [&mut Client],
) {
    server.api().publish(channel, "marker", "{}");
    for client in clients {
        client.expect_on("marker", channel);
    }
}

/// The text of `connection_established`'s path for the first app.
pub(crate) const PATH: &str = "/app/key-1?protocol=7&client=js&version=8.6.0";
