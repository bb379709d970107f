//! `bellwire trigger`: publishes an event.

use std::io::Read as _;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::channels::attributes;
use super::failure::Failure;
use super::output::{Output, one_line};
use super::remote::Remote;

#[derive(clap::Args)]
pub(super) struct Trigger {
    /// The channel
    #[arg(value_name = "CHANNEL")]
    first: String,
    /// The event's name
    event: String,
    /// The event's data, published as it is; `-` reads it from stdin, without the last line break
    #[arg(allow_hyphen_values = true)]
    data: String,
    /// One more channel; may be repeated
    #[arg(long = "channel", value_name = "CHANNEL")]
    more: Vec<String>,
    /// A connection that is not to hear it
    #[arg(long)]
    socket_id: Option<String>,
    /// What to tell about the channels: user_count, subscription_count
    #[arg(long, value_delimiter = ',', value_name = "ATTRIBUTE")]
    info: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    remote: Remote,
}

impl Trigger {
    pub(super) fn run(self) -> Result<(), Failure> {
        let api = self.remote.api()?;
        let data = if self.data == "-" { read_stdin()? } else { self.data };
        let channels: Vec<&String> = [&self.first].into_iter().chain(&self.more).collect();
        let mut body = json!({ "name": self.event, "channels": channels, "data": data });
        if let Some(socket_id) = self.socket_id {
            body["socket_id"] = socket_id.into();
        }
        if !self.info.is_empty() {
            body["info"] = self.info.join(",").into();
        }
        let answer = api.post(&["events"], &body)?;
        let text = match answer.get("channels").and_then(Value::as_object) {
            Some(channels) => attributes(channels).to_string(),
            None => published(&self.event, &channels),
        };
        self.output.show(&answer, text)
    }
}

fn published(event: &str, channels: &[&String]) -> String {
    let event = one_line(event);
    match channels {
        [channel] => format!("published {event} on {}", one_line(channel)),
        _ => format!("published {event} on {} channels", channels.len()),
    }
}

fn read_stdin() -> Result<String, Failure> {
    let mut data = String::new();
    std::io::stdin().read_to_string(&mut data).context("stdin cannot be read as UTF-8")?;
    let without = data.strip_suffix('\n').map(|data| data.strip_suffix('\r').unwrap_or(data));
    Ok(without.unwrap_or(&data).to_owned())
}
