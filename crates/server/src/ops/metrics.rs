//! Prometheus metrics: what they are called and what they mean. Labels have few values, never an
//! app, a channel or a user.

use anyhow::Context as _;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use bellwire_hub::Hub;

/// Buckets of request times, in seconds.
const SECONDS: [f64; 11] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// Starts counting.
pub(crate) fn start() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .install_recorder()
        .context("metrics cannot be started")?;
    for (name, text) in COUNTERS {
        describe_counter!(name, text);
    }
    for (name, text) in GAUGES {
        describe_gauge!(name, text);
        gauge!(name).set(0.0);
    }
    describe_gauge!(CONNECTIONS.0, CONNECTIONS.1);
    describe_histogram!(REQUEST_SECONDS.0, Unit::Seconds, REQUEST_SECONDS.1);
    Ok(handle)
}

/// Reads what is only known by asking.
pub(crate) fn gather(hub: &Hub) {
    let totals = hub.totals();
    gauge!("bellwire_channels").set(totals.channels as f64);
    gauge!("bellwire_cache_bytes").set(totals.cache_bytes as f64);
}

/// Name, kind and meaning of every metric, for the reference.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let counters = COUNTERS.iter().map(|(name, text)| (*name, "counter", *text));
    let gauges = GAUGES.iter().map(|(name, text)| (*name, "gauge", *text));
    counters.chain(gauges).chain([
        (CONNECTIONS.0, "gauge", CONNECTIONS.1),
        (REQUEST_SECONDS.0, "histogram", REQUEST_SECONDS.1),
    ])
}

const CONNECTIONS: (&str, &str) = ("bellwire_connections", "Connections now, by transport and TLS");
const REQUEST_SECONDS: (&str, &str) =
    ("bellwire_api_request_seconds", "Seconds from a request's headers to its answer, by route");
const COUNTERS: [(&str, &str); 11] = [
    ("bellwire_api_requests_total", "HTTP API requests by route and status"),
    ("bellwire_refusals_total", "Connections refused at the door, by close code"),
    ("bellwire_closes_total", "Connections closed by the server, by close code"),
    ("bellwire_messages_in_total", "Messages from clients"),
    ("bellwire_client_events_in_total", "Client events passed on"),
    ("bellwire_frames_out_total", "Frames to clients by kind"),
    ("bellwire_bytes_in_total", "Bytes read from WebSockets"),
    ("bellwire_bytes_out_total", "Bytes that WebSockets took"),
    ("bellwire_socket_writes_total", "System calls that wrote to WebSockets"),
    ("bellwire_slow_consumers_closed_total", "Readers closed because too much waited for them"),
    ("bellwire_facts_total", "What happened on channels, by kind"),
];

const GAUGES: [(&str, &str); 4] = [
    ("bellwire_subscriptions", "Subscriptions now"),
    ("bellwire_channels", "Occupied channels now"),
    ("bellwire_cache_bytes", "Bytes of cached events now"),
    ("bellwire_backlog_bytes", "Bytes that wait for slow readers now"),
];
