//! A load generator for any Pusher-compatible server: one thread, raw sockets, requests signed
//! beforehand, frames counted by their headers. It links none of Bellwire's crates, so that what it
//! measures is the wire. It is a program of its own, and a command of the server's.

mod cli;
mod client;
mod floor;
mod frame;
mod histogram;
mod metrics;
mod net;
mod proc;
mod program;
mod publisher;
mod receiver;
mod report;
mod scenario;
mod sign;
mod socket;
mod target;
mod tls;
mod topics;
mod xhr;

use std::io::{self, Write as _};

use anyhow::Result;

pub use crate::cli::Bench;
use crate::cli::Scenario;
pub use crate::program::Program;
use crate::report::Report;
use crate::scenario::{
    announced, channels, client_events, compression, connect, drain, fallback, fanout, idle, mixed,
    presence, publish, saturate, stopped_reader, storm, webhooks, webhooks_cost,
};

impl Bench {
    /// Runs the scenario, prints its report and tells whether all of its checks held. `program` is
    /// what this command line is part of.
    ///
    /// # Errors
    /// When a server cannot be started, driven or measured.
    pub fn run(&self, program: Program) -> Result<bool> {
        program::set(program);
        net::raise_descriptor_limit();
        let report = match &self.scenario {
            Scenario::FloorServer(options) => return floor::serve(options).map(|()| true),
            Scenario::Idle(options) => idle::run(options)?,
            Scenario::Fanout(options) => fanout::run(options)?,
            Scenario::Saturate(options) => saturate::run(options)?,
            Scenario::Channels(options) => channels::run(options)?,
            Scenario::ClientEvents(options) => client_events::run(options)?,
            Scenario::Publish(options) => publish::run(options)?,
            Scenario::Connect(options) => connect::run(options)?,
            Scenario::Storm(options) => storm::run(options)?,
            Scenario::Presence(options) => presence::run(options)?,
            Scenario::Mixed(options) => mixed::run(options)?,
            Scenario::Fallback(options) => fallback::run(options)?,
            Scenario::StoppedReader(options) => stopped_reader::run(options)?,
            Scenario::Drain(options) => drain::run(options)?,
            Scenario::Webhooks(options) => webhooks::run(options)?,
            Scenario::WebhooksCost(options) => webhooks_cost::run(options)?,
            Scenario::Compression(options) => compression::run(options)?,
            Scenario::Announced(options) => announced::run(options)?,
        };
        print(&report, self.json)?;
        Ok(report.passed())
    }
}

fn print(report: &Report, json: bool) -> io::Result<()> {
    let text = if json { format!("{}\n", report.json()) } else { report.table() };
    io::stdout().write_all(text.as_bytes())
}

/// Tells people on standard error how far it is.
fn progress(text: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(io::stderr(), "… {text}");
}
