//! Prometheus metrics: what they are called and what they mean. Labels have few values, never an
//! app, a channel or a user.

use anyhow::Context as _;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use bellwire_cluster::LinkFigures;
use bellwire_hub::Hub;

use crate::cluster::Standing;

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
    for (name, text) in CLUSTER_COUNTERS {
        describe_counter!(name, text);
    }
    for (name, text) in CLUSTER_GAUGES {
        describe_gauge!(name, text);
    }
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

/// Says how a node of a cluster is. A node alone has none of these.
pub(crate) fn gather_cluster(standing: &Standing) {
    let live = standing.nodes.iter().filter(|node| node.state.is_live()).count();
    let truth = |is_so| if is_so { 1.0 } else { 0.0 };
    gauge!("bellwire_cluster_nodes").set(live as f64);
    gauge!("bellwire_cluster_desk").set(truth(standing.has_desk));
    gauge!("bellwire_cluster_lease").set(truth(standing.has_lease));
    gauge!("bellwire_cluster_database_up").set(truth(standing.has_database));
    if let Some(link) = standing.link {
        gauge!("bellwire_cluster_whole").set(truth(link.is_whole));
        gauge!("bellwire_bus_up").set(truth(link.is_up));
        gather_link(link);
    }
}

fn gather_link(link: LinkFigures) {
    let LinkFigures { bus, lost, damaged, newer, in_vain, unheard, again, neighbours, .. } = link;
    gauge!("bellwire_cluster_neighbours").set(neighbours as f64);
    gauge!("bellwire_cluster_consoles_elsewhere").set(link.consoles as f64);
    counter!("bellwire_cluster_console_messages_total").absolute(link.lines);
    gauge!("bellwire_bus_queued_messages").set(bus.queued as f64);
    counter!("bellwire_bus_published_total").absolute(bus.published);
    counter!("bellwire_bus_received_total").absolute(bus.received);
    counter!("bellwire_bus_dropped_total").absolute(bus.dropped);
    counter!("bellwire_bus_bytes_out_total").absolute(bus.bytes_out);
    counter!("bellwire_bus_bytes_in_total").absolute(bus.bytes_in);
    counter!("bellwire_bus_reconnects_total").absolute(bus.reconnects);
    counter!("bellwire_bus_lost_total").absolute(lost);
    counter!("bellwire_bus_damaged_total").absolute(damaged);
    counter!("bellwire_bus_newer_total").absolute(newer);
    counter!("bellwire_cluster_events_in_vain_total").absolute(in_vain);
    counter!("bellwire_cluster_unheard_subscriptions_total").absolute(unheard);
    counter!("bellwire_cluster_asked_again_total").absolute(again);
}

/// Name, kind and meaning of every metric, for the reference.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let counters = COUNTERS.iter().chain(&CLUSTER_COUNTERS);
    let counters = counters.map(|(name, text)| (*name, "counter", *text));
    let gauges = GAUGES.iter().chain(&CLUSTER_GAUGES);
    let gauges = gauges.map(|(name, text)| (*name, "gauge", *text));
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

/// Of nodes of a cluster only, like the gauges below.
const CLUSTER_COUNTERS: [(&str, &str); 13] = [
    ("bellwire_bus_published_total", "Messages that the bus took from this node"),
    ("bellwire_bus_received_total", "Messages that came over the bus, this node's own among them"),
    ("bellwire_bus_dropped_total", "Messages that could not go out: no connection, or no room"),
    ("bellwire_bus_bytes_out_total", "Bytes of messages that the bus took"),
    ("bellwire_bus_bytes_in_total", "Bytes of messages that came over the bus"),
    ("bellwire_bus_reconnects_total", "Connections to the bus that were made anew"),
    ("bellwire_bus_lost_total", "Messages of other nodes that did not come, by their numbers"),
    ("bellwire_bus_damaged_total", "Messages that could not be read"),
    ("bellwire_bus_newer_total", "Messages of newer nodes that this version does not know"),
    ("bellwire_cluster_events_in_vain_total", "Events that came for channels without clients here"),
    (
        "bellwire_cluster_unheard_subscriptions_total",
        "First subscriptions admitted although the bus had not answered: events may be missing",
    ),
    ("bellwire_cluster_asked_again_total", "Times that another node was asked to tell all again"),
    (
        "bellwire_cluster_console_messages_total",
        "Messages with lines of debug consoles for people who look on other nodes",
    ),
];

const CLUSTER_GAUGES: [(&str, &str); 9] = [
    ("bellwire_cluster_nodes", "Nodes that are there, this one among them"),
    ("bellwire_cluster_neighbours", "Other nodes whose clients this one knows of"),
    ("bellwire_cluster_consoles_elsewhere", "Debug consoles that are looked at on other nodes"),
    ("bellwire_cluster_whole", "1 while every other node has told who is there"),
    ("bellwire_cluster_desk", "1 while the webhooks of all nodes are sent from this one"),
    ("bellwire_cluster_lease", "1 while the other nodes count on this one"),
    ("bellwire_cluster_database_up", "1 while the database answers"),
    ("bellwire_bus_up", "1 while messages go out and come in over the bus"),
    ("bellwire_bus_queued_messages", "Messages that wait to go out over the bus"),
];
