//! A server that sends webhooks, and the receiver that it sends them to.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::cli::TargetArgs;
use crate::receiver::Receiver;
use crate::target::Target;

/// Both, started together.
pub(super) struct Stage {
    /// The server.
    pub(super) target: Target,
    /// What it tells its webhooks to.
    pub(super) receiver: Receiver,
}

/// What the server's config says of webhooks.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Endpoints that answer.
    pub(super) endpoints: usize,
    /// Endpoints that do not.
    pub(super) dead: usize,
    /// What endpoints hear; empty: everything.
    pub(super) events: &'static [&'static str],
    /// Whether a POST may carry several events.
    pub(super) batching: bool,
    /// What a commit survives.
    pub(super) durability: Durability,
    /// How long a channel may be empty without a word.
    pub(super) grace_ms: u64,
    /// How much longer after a start.
    pub(super) reconnect_ms: u64,
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Durability {
    /// Loss of power.
    Power,
    /// The end of the process.
    Process,
}

impl Durability {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Process => "process",
        }
    }
}

impl Stage {
    /// Starts the receiver, then the server that knows it.
    ///
    /// # Errors
    /// When either cannot be started.
    pub(super) fn start(args: &TargetArgs, name: &str, plan: &Plan) -> Result<Self> {
        let receiver = Receiver::start(plan.endpoints)?;
        let good = (0..plan.endpoints).map(|number| receiver.url(number));
        let dead = (0..plan.dead).map(|number| receiver.dead_url(number));
        let urls: Vec<String> = good.chain(dead).collect();
        let mut target = Target::start_with(&bin(args)?, args, &config(plan, &urls))?;
        name.clone_into(&mut target.name);
        Ok(Self { target, receiver })
    }
}

/// The server's program: these scenarios write its config, so they have to start it.
///
/// # Errors
/// When none was given.
pub(super) fn bin(args: &TargetArgs) -> Result<PathBuf> {
    args.server().context("webhooks need a server with a config of ours: give --bin PATH")
}

/// Follows `[[apps]]` in the config file.
fn config(plan: &Plan, urls: &[String]) -> String {
    let mut text = format!(
        "batch_webhooks = {}\nmax_channels_per_connection = 0\n\n[webhooks]\n\
         durability = \"{}\"\ngrace_ms = {}\nreconnect_ms = {}\n",
        plan.batching,
        plan.durability.name(),
        plan.grace_ms,
        plan.reconnect_ms,
    );
    for url in urls {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[[apps.webhooks]]\nurl = {url:?}\nevents = {:?}\n", plan.events);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_app_come_before_the_tables_and_every_url_is_an_endpoint() {
        let plan = Plan {
            endpoints: 2,
            dead: 0,
            events: &["channel_occupied"],
            batching: true,
            durability: Durability::Process,
            grace_ms: 200,
            reconnect_ms: 1000,
        };
        let text = config(&plan, &["http://a/1".into(), "http://a/2".into()]);
        assert!(text.starts_with("batch_webhooks = true\n"), "{text}");
        assert!(
            text.contains("\n[webhooks]\ndurability = \"process\"\ngrace_ms = 200\n"),
            "{text}"
        );
        let one = "\n[[apps.webhooks]]\nurl = \"http://a/2\"\nevents = [\"channel_occupied\"]\n";
        assert!(text.ends_with(one), "{text}");
        assert_eq!(text.matches("[[apps.webhooks]]").count(), 2);
    }
}
