//! What goes on in an app: channels, people, connections, the console, statistics and errors.

mod console;
mod errors;
mod people;
pub(crate) mod reader;
mod stats;

use bellwire_testkit::{App, Config};
use serde_json::Value;

use super::office::{self, Office};

/// An app with client events, beside another.
fn office() -> Office {
    Office::with(config())
}

fn config() -> Config {
    let app = App::new(1).with("client_events = true");
    Config::with(app).app(App::new(2)).webhooks("grace_ms = 100")
}

/// The values of one field of a list.
fn all(list: &Value, field: &str) -> Vec<String> {
    let values = list.as_array().unwrap().iter().map(|one| &one[field]);
    values.map(|value| value.as_str().unwrap().to_owned()).collect()
}
