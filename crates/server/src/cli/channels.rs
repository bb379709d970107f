//! `bellwire channels`: which channels are occupied, and by whom.

use serde_json::{Map, Value};

use super::failure::Failure;
use super::output::{Output, note};
use super::remote::Remote;
use super::table::Table;

#[derive(clap::Subcommand)]
pub(super) enum Channels {
    /// List the occupied channels
    List {
        /// Only channels whose names start so
        #[arg(long)]
        prefix: Option<String>,
        /// What to tell about them: user_count, with a --prefix that starts with presence-
        #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE")]
        info: Vec<String>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        remote: Remote,
    },
    /// Show one channel
    Show {
        /// The channel
        channel: String,
        /// What to tell about it: subscription_count, user_count (presence), cache (cache channels)
        #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE")]
        info: Vec<String>,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        remote: Remote,
    },
    /// List the users of a presence channel
    Users {
        /// The channel
        channel: String,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        remote: Remote,
    },
}

impl Channels {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::List { prefix, info, output, remote } => {
                list(prefix.as_deref(), &info, output, &remote)
            }
            Self::Show { channel, info, output, remote } => show(&channel, &info, output, &remote),
            Self::Users { channel, output, remote } => users(&channel, output, &remote),
        }
    }
}

/// Channels with whatever the server told about each.
pub(super) fn attributes(channels: &Map<String, Value>) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for name in channels.values().filter_map(Value::as_object).flat_map(Map::keys) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let head = [&["channel"], names.as_slice()].concat();
    let mut table = Table::with_head(&head);
    for (channel, known) in channels {
        let values = names.iter().map(|name| known.get(name).map_or("-".into(), Value::to_string));
        table.row([channel.clone()].into_iter().chain(values));
    }
    table
}

fn list(
    prefix: Option<&str>,
    info: &[String],
    output: Output,
    remote: &Remote,
) -> Result<(), Failure> {
    let info = info.join(",");
    let query = [("filter_by_prefix", prefix.unwrap_or_default()), ("info", &info)];
    let query: Vec<_> = query.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let answer = remote.api()?.get(&["channels"], &query)?;
    let none = Map::new();
    let channels = answer["channels"].as_object().unwrap_or(&none);
    if channels.is_empty() {
        note("no such channel is occupied");
    }
    let text = if channels.is_empty() { String::new() } else { attributes(channels).to_string() };
    output.show(&answer, text)
}

fn show(channel: &str, info: &[String], output: Output, remote: &Remote) -> Result<(), Failure> {
    let info = info.join(",");
    let query = [("info", info.as_str())];
    let query = if info.is_empty() { &[][..] } else { &query };
    let answer = remote.api()?.get(&["channels", channel], query)?;
    let mut table = Table::default();
    table.row(["channel", channel]);
    for (name, value) in answer.as_object().into_iter().flatten() {
        table.row([name, &value.to_string()]);
    }
    output.show(&answer, table)
}

fn users(channel: &str, output: Output, remote: &Remote) -> Result<(), Failure> {
    let answer = remote.api()?.get(&["channels", channel, "users"], &[])?;
    let users = answer["users"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut table = Table::default();
    for user in users {
        table.row([user["id"].as_str().map_or_else(|| user["id"].to_string(), str::to_owned)]);
    }
    if users.is_empty() {
        note("nobody is there");
    }
    output.show(&answer, table)
}
