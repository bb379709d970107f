//! Holds the reference pages to the code. `BELLWIRE_UPDATE_DOCS=1` writes the generated ones anew.

use std::path::PathBuf;

use bellwire_accounts::{Invitation, Session};
use bellwire_hub::Settings;
use bellwire_live::console::{LINES_KEPT, LINES_PER_S};
use bellwire_live::line::PAYLOAD_BYTES;
use bellwire_protocol::limits;
use bellwire_webhooks::endpoint::Terms;

use crate::config::Config;
use crate::ops::metrics;
use crate::{live, management};

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name)
}

/// Compares a generated page with its file, or writes it.
pub(crate) fn hold(name: &str, generated: &str) {
    if std::env::var_os("BELLWIRE_UPDATE_DOCS").is_some() {
        std::fs::write(page(name), generated).unwrap();
    }
    let written = std::fs::read_to_string(page(name)).unwrap_or_default();
    assert!(written == generated, "docs/reference/{name} is stale: run `make docs`");
}

fn toml_blocks(text: &str) -> String {
    text.split("```toml").skip(1).filter_map(|part| part.split("```").next()).collect()
}

#[test]
fn the_config_page_reference_shows_every_key_with_its_default() {
    let text = std::fs::read_to_string(page("config.md")).unwrap();
    let block = toml_blocks(&text);
    let shown = Config::parse(&block, &|_| None).unwrap();
    let mut default = Config::parse("", &|_| None).unwrap();
    assert_eq!(shown.apps[0].settings, Settings::default());
    default.apps.clone_from(&shown.apps);
    default.endpoints.clone_from(&shown.endpoints);
    let url = &shown.endpoints[0].terms.url;
    assert_eq!(shown.endpoints[0].terms, Terms::new(url));
    assert_eq!(format!("{shown:?}"), format!("{default:?}"));
    let settings = serde_json::to_value(Settings::default()).unwrap();
    for key in settings.as_object().unwrap().keys() {
        assert!(block.contains(&format!("\n{key} = ")), "{key} is missing");
    }
    for key in crate::config::SERVER_KEYS.iter().chain(crate::config::CLUSTER_KEYS) {
        let shown =
            block.contains(&format!("\n{key} = ")) || block.contains(&format!("# {key} = "));
        assert!(shown, "{key} is missing");
    }
}

#[test]
fn the_metrics_reference_is_generated() {
    let mut text = String::from(
        "# Metrics\n\nPrometheus text at `/metrics`: on `admin_listen`, or on the main listeners with \
         `metrics_token`.\nGenerated; no label names an app, a channel or a user.\n\n\
         | metric | kind | meaning |\n|---|---|---|\n",
    );
    for (name, kind, meaning) in metrics::all() {
        text.push_str(&format!("| `{name}` | {kind} | {meaning} |\n"));
    }
    hold("metrics.md", &text);
}

#[test]
fn the_limits_reference_is_generated() {
    let rows: [(&str, usize, &str, &str); 19] = [
        ("channel name", limits::CHANNEL_NAME_CHARS, "characters", "error, 400"),
        ("event name", limits::EVENT_NAME_CHARS, "characters", "error, 400"),
        ("data of an event", limits::EVENT_DATA_BYTES, "bytes", "413, `max_event_bytes`"),
        ("channels of a publish", limits::CHANNELS_PER_PUBLISH, "", "400"),
        ("events of a batch", limits::EVENTS_PER_BATCH, "", "400 \"Batch too large\""),
        ("body of a request", limits::API_BODY_BYTES, "bytes", "413"),
        ("message from a client, inflated", limits::CLIENT_MESSAGE_BYTES, "bytes", "close 1009"),
        ("no JSON objects in a row", limits::BAD_MESSAGES_IN_A_ROW.into(), "", "close 1008"),
        (
            "channels of a connection",
            limits::CHANNELS_PER_CONNECTION,
            "",
            "error, `max_channels_per_connection`",
        ),
        (
            "users of a presence channel",
            limits::PRESENCE_MEMBERS,
            "",
            "error, `max_presence_members`",
        ),
        (
            "channel_data, user_data",
            limits::USER_OBJECT_BYTES,
            "bytes",
            "error, `max_user_object_bytes`",
        ),
        ("user id", limits::USER_ID_CHARS, "characters", "error"),
        (
            "client events of a connection",
            limits::CLIENT_EVENTS_PER_S as usize,
            "a second",
            "4301, `max_client_events_per_s`",
        ),
        ("watchlist", limits::WATCHLIST_IDS, "ids", "4302, `max_watchlist`"),
        ("life of a cached event", limits::CACHE_TTL_S as usize, "seconds", "`cache_ttl_s`"),
        (
            "age of a request's timestamp",
            limits::TIMESTAMP_SKEW_S as usize,
            "seconds, less than",
            "401",
        ),
        (
            "subscription_count, above",
            limits::COUNT_THROTTLE_ABOVE,
            "subscribers",
            "one frame every 5 s",
        ),
        (
            "silence before a probe",
            limits::ACTIVITY_TIMEOUT_S as usize,
            "seconds",
            "ping, `activity_timeout_s`",
        ),
        (
            "answer to a probe",
            limits::PONG_TIMEOUT_S as usize,
            "seconds",
            "close 4201, `pong_timeout_s`",
        ),
    ];
    let mut text = String::from(
        "# Limits\n\nGenerated. Where a setting is named, it changes the limit; most are Pusher's own.\n\n\
         | what | limit | | enforced with |\n|---|---|---|---|\n",
    );
    for (what, limit, unit, with) in rows {
        text.push_str(&format!("| {what} | {limit} | {unit} | {with} |\n"));
    }
    text.push_str(&limits_of_the_dashboard());
    hold("limits.md", &text);
}

fn limits_of_the_dashboard() -> String {
    let mut text =
        String::from("\n## Dashboard and management API\n\n| what | limit | |\n|---|---|---|\n");
    for (what, limit, unit) in of_the_dashboard() {
        text.push_str(&format!("| {what} | {limit} | {unit} |\n"));
    }
    text
}

fn of_the_dashboard() -> [(&'static str, u64, &'static str); 10] {
    const DAY_MS: u64 = 86_400_000;
    [
        ("session without use", Session::IDLE_MS / DAY_MS, "days"),
        ("session at all", Session::AGE_MS / DAY_MS, "days"),
        ("invitation", Invitation::LASTS_MS / DAY_MS, "days"),
        ("body of a request", management::BODY_BYTES as u64, "bytes, 413"),
        ("app keys of an app", management::KEYS_MAX as u64, "409"),
        ("readers of an app's console", live::READERS_MAX as u64, "409"),
        ("one answer of a console", live::LONGEST.as_secs(), "seconds; readers ask again"),
        ("lines of a console", LINES_PER_S, "a second; the others are counted"),
        ("lines that a console keeps", LINES_KEPT as u64, ""),
        ("payload of a line", PAYLOAD_BYTES as u64, "bytes; the rest is cut off"),
    ]
}
