//! The command line: one module a noun. What a command prints on stdout is its result; notes, errors
//! and hints go to stderr.

mod api;
mod apps;
mod bench;
mod channels;
mod cluster;
mod completions;
mod db;
mod endpoint;
mod failure;
mod heard;
mod keys;
mod listen;
mod output;
mod people;
mod place;
#[cfg(test)]
mod reference;
mod remote;
mod serve;
mod settings;
mod socket;
mod subscribe;
mod table;
mod tokens;
mod trigger;
mod trust;
mod users;
mod webhooks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::{EXIT_CODES, Failure};

/// A self-hosted server for Pusher Channels clients and SDKs.
#[derive(Parser)]
#[command(name = "bellwire", version, about, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve {
        /// The config file; without it `bellwire.toml` in this folder, if there is one
        #[arg(long, short, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Say whether a config file can be used
    CheckConfig {
        /// The config file; without it `bellwire.toml` in this folder, if there is one
        #[arg(long, short, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        output: output::Output,
    },
    /// The apps of a server on this machine, while it runs or not
    #[command(subcommand)]
    Apps(apps::Apps),
    /// The keys of an app on this machine, while the server runs or not
    #[command(subcommand)]
    Keys(keys::Keys),
    /// The webhooks of a server on this machine, while it runs or not
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    /// Receive webhooks for a try: print each, check its signatures, answer as told, until Ctrl-C
    Listen(listen::Listen),
    /// Those who sign in to the dashboard of a server on this machine, while it runs or not
    #[command(subcommand)]
    People(people::People),
    /// What opens the management API of a server on this machine
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    /// The nodes of a cluster
    #[command(subcommand)]
    Cluster(cluster::Cluster),
    /// The database of a cluster
    #[command(subcommand)]
    Db(db::Db),
    /// Publish an event
    Trigger(trigger::Trigger),
    /// Listen to channels and print their events, one a line, until Ctrl-C
    Subscribe(subscribe::Subscribe),
    /// Channels of an app
    #[command(subcommand)]
    Channels(channels::Channels),
    /// Users of an app
    #[command(subcommand)]
    Users(users::Users),
    /// Put load on a server and report what it costs: on this program itself, started with a config
    /// and data of its own, or on any Pusher-compatible server
    Bench(Box<bench::Bench>),
    /// Print a script that completes this command line in a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

impl Command {
    fn run(self) -> Result<(), Failure> {
        match self {
            Self::Serve { config } => Ok(serve::serve(config.as_deref())?),
            Self::CheckConfig { config, output } => serve::check(config.as_deref(), output),
            Self::Apps(apps) => apps.run(),
            Self::Keys(keys) => keys.run(),
            Self::Webhooks(webhooks) => webhooks.run(),
            Self::Listen(listen) => listen.run(),
            Self::People(people) => people.run(),
            Self::Tokens(tokens) => tokens.run(),
            Self::Cluster(cluster) => cluster.run(),
            Self::Db(db) => db.run(),
            Self::Trigger(trigger) => trigger.run(),
            Self::Subscribe(subscribe) => subscribe.run(),
            Self::Channels(channels) => channels.run(),
            Self::Users(users) => users.run(),
            Self::Bench(bench) => bench::run(&bench),
            Self::Completions { shell } => completions::print(shell),
        }
    }
}
