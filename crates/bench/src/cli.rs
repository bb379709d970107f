//! What people type.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::scenario::{
    announced, channels, client_events, compression, connect, drain, fallback, fanout, idle, mixed,
    presence, publish, saturate, stopped_reader, storm, webhooks, webhooks_cost,
};
use crate::tls::TlsArgs;
use crate::{floor, program};

/// A scenario and how it is reported.
#[derive(Debug, Args)]
pub struct Bench {
    /// Prints JSON instead of a table.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// The scenarios.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// Memory of connections that only wait.
    Idle(idle::Options),
    /// A steady stream on one channel: CPU per delivery, loss, latency.
    Fanout(fanout::Options),
    /// One channel, as fast as the API accepts.
    Saturate(saturate::Options),
    /// Many channels, several to a connection: CPU per delivery, at a rate or saturated.
    Channels(channels::Options),
    /// Client events one to one: CPU per message, at a rate or as fast as answered.
    ClientEvents(client_events::Options),
    /// Publishes that nobody hears, as fast as the API accepts: CPU per request.
    Publish(publish::Options),
    /// Many connect and subscribe at once, then all leave: CPU of each, memory before and after.
    Connect(connect::Options),
    /// All connections are lost at once and come back at once: time and CPU until all are back.
    Storm(storm::Options),
    /// A member who comes and goes in a presence channel: CPU per event delivered.
    Presence(presence::Options),
    /// Everything at once, as in production: loss, latency of each kind, CPU per delivery.
    Mixed(mixed::Options),
    /// Sessions of the HTTP fallback `xhr_streaming`: memory of each, CPU per delivery, loss.
    Fallback(fallback::Options),
    /// One of many readers stops; the others must not notice.
    StoppedReader(stopped_reader::Options),
    /// SIGTERM to one instance; its clients must find the other, spread over the window.
    Drain(drain::Options),
    /// Webhooks of channels that come and go: rate, order, latency, CPU per event.
    Webhooks(webhooks::Options),
    /// The fan-out with webhooks on and without.
    WebhooksCost(webhooks_cost::Options),
    /// The fan-out without compression, with it on, and with everybody taking it.
    Compression(compression::Options),
    /// Memory and restart time with many announced channels.
    Announced(announced::Options),
    /// Serves the bare send loop that other scenarios compare with, until standard input ends.
    #[command(hide = true)]
    FloorServer(floor::Options),
}

/// Which server takes the load.
#[derive(Debug, Clone, Args)]
pub(crate) struct TargetArgs {
    /// Starts this bellwire binary with a config and data of its own; `bellwire bench` starts
    /// itself unless told otherwise.
    #[arg(long)]
    pub(crate) bin: Option<PathBuf>,
    /// Uses a server that runs already.
    #[arg(long, conflicts_with = "bin")]
    pub(crate) addr: Option<SocketAddr>,
    /// Publishes to another node of the server's cluster.
    #[arg(long, requires = "addr")]
    pub(crate) publish_addr: Option<SocketAddr>,
    /// The process of a running server, for its memory and CPU.
    #[arg(long)]
    pub(crate) pid: Option<u32>,
    /// Where a running server serves /metrics without a token.
    #[arg(long)]
    pub(crate) admin: Option<SocketAddr>,
    /// Loads the bare send loop instead of a server.
    #[arg(long, conflicts_with_all = ["bin", "addr", "tls"])]
    pub(crate) floor: bool,
    /// Whether TLS is spoken.
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// The server's column in reports.
    #[arg(long, default_value = "bellwire")]
    pub(crate) name: String,
    /// The app's id.
    #[arg(long, default_value = "1001")]
    pub(crate) app_id: String,
    /// The app's key.
    #[arg(long, default_value = "bench-key")]
    pub(crate) key: String,
    /// The app's secret.
    #[arg(long, default_value = "bench-secret")]
    pub(crate) secret: String,
    /// Gateway threads of a server started with --bin; 0: one per core.
    #[arg(long, default_value_t = 0)]
    pub(crate) workers: u32,
    /// Drain window of a server started with --bin, in seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) drain_window_s: u32,
}

impl TargetArgs {
    /// The server to be started: the one at --bin, else this very program if it is one. `None` if
    /// another is meant.
    pub(crate) fn server(&self) -> Option<PathBuf> {
        let own = || if self.addr.is_some() || self.floor { None } else { program::own_server() };
        self.bin.clone().or_else(own)
    }
}
