//! Prometheus metrics: what they are called and what they mean. Labels have few values, never an
//! app, a channel or a user.

use anyhow::Context as _;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use bellwire_hub::Hub;

/// Buckets of request times, in seconds.
const SECONDS: [f64; 13] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 300.0];

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
    for (name, text) in HISTOGRAMS {
        describe_histogram!(name, Unit::Seconds, text);
    }
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
    counters
        .chain(gauges)
        .chain([(CONNECTIONS.0, "gauge", CONNECTIONS.1)])
        .chain(HISTOGRAMS.iter().map(|(name, text)| (*name, "histogram", *text)))
}

const CONNECTIONS: (&str, &str) = ("bellwire_connections", "Connections now, by transport and TLS");
const HISTOGRAMS: [(&str, &str); 4] = [
    ("bellwire_api_request_seconds", "Seconds from a request's headers to its answer, by route"),
    ("bellwire_webhook_commit_seconds", "Seconds that a transaction of webhooks took"),
    ("bellwire_webhook_attempt_seconds", "Seconds that an attempt to deliver took"),
    ("bellwire_webhook_delivery_seconds", "Seconds from a batch's cut to the receiver's 2xx"),
];
const COUNTERS: [(&str, &str); 17] = [
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
    ("bellwire_webhook_events_total", "Webhook events that have a place in the log, by kind"),
    ("bellwire_webhook_attempts_total", "Attempts to deliver, by outcome: accepted or the failure"),
    ("bellwire_webhook_batches_total", "Deliveries that ended, by outcome"),
    ("bellwire_webhook_events_lost_total", "Webhook events that there was no room to keep"),
    ("bellwire_webhook_endpoints_disabled_total", "Endpoints that the server disabled"),
    ("bellwire_webhook_store_failures_total", "Transactions of webhooks that failed"),
];

const GAUGES: [(&str, &str); 11] = [
    ("bellwire_subscriptions", "Subscriptions now"),
    ("bellwire_channels", "Occupied channels now"),
    ("bellwire_cache_bytes", "Bytes of cached events now"),
    ("bellwire_backlog_bytes", "Bytes that wait for slow readers now"),
    ("bellwire_webhook_queue_events", "Webhook events that wait in memory for their delivery"),
    ("bellwire_webhook_queue_age_seconds", "Age of the oldest webhook event that waits"),
    ("bellwire_webhook_posts_under_way", "Webhook requests under way now"),
    ("bellwire_webhook_pending_bytes", "Bytes of webhook events that wait for the database"),
    ("bellwire_webhook_breakers_open", "Endpoints that are not well, so that one delivery probes"),
    ("bellwire_webhook_announced_channels", "Channels that are occupied or announced so"),
    ("bellwire_webhook_durable", "1 while webhook events survive a crash, 0 while they do not"),
];
