//! `bellwire webhooks deliveries`.

use bellwire_protocol::{AppId, ChannelName};
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::ledger::{Delivery, DeliveryFilter};

use super::super::failure::Failure;
use super::super::output::{Output, note};
use super::super::place::Place;
use super::super::table::Table;
use super::desk::Desk;
use super::forms;
use super::replay::in_order;
use super::terms::event_names;
use crate::moment::{When, date};
use crate::ops::clock::now_ms;
use crate::views::delivery::{EventOf, STATUSES, events_of, status, status_named};

#[derive(clap::Args)]
pub(in super::super) struct Deliveries {
    /// Only those of this app
    #[arg(value_name = "APP_ID")]
    app: Option<AppId>,
    /// Only those in this state
    #[arg(long, value_parser = STATUSES)]
    status: Option<String>,
    /// Only those with an event of this name
    #[arg(long, value_name = "NAME", value_parser = event_names())]
    event: Option<String>,
    /// Only those with an event of this channel
    #[arg(long)]
    channel: Option<ChannelName>,
    /// Only those to this endpoint
    #[arg(long, value_name = "ENDPOINT_ID")]
    endpoint: Option<EndpointId>,
    /// Only from this time on: like 2026-11-21T09:30:00Z, or 1h, 30m or 2d ago
    #[arg(long, value_name = "TIME")]
    from: Option<When>,
    /// Only up to this time
    #[arg(long, value_name = "TIME")]
    to: Option<When>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Only those older than this one: the last of the page before
    #[arg(long, value_name = "DELIVERY_ID")]
    before: Option<BatchId>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

impl Deliveries {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        if let Some(app) = &self.app {
            desk.expect_app(app)?;
        }
        if let Some(endpoint) = &self.endpoint {
            desk.endpoint(endpoint)?;
        }
        let now_ms = now_ms();
        let filter = DeliveryFilter {
            app: self.app,
            endpoint: self.endpoint,
            status: self.status.as_deref().and_then(status_named),
            event: self.event,
            channel: self.channel.map(|channel| channel.as_str().to_owned()),
            from_ms: self.from.map(|when| when.ms(now_ms)),
            to_ms: self.to.map(|when| when.ms(now_ms)),
            before: self.before,
            limit: self.limit,
        };
        in_order("--from", filter.from_ms, "--to", filter.to_ms)?;
        let deliveries = desk.store()?.deliveries(&filter)?;
        match deliveries.last() {
            None => note("there are no such deliveries"),
            Some(last) if deliveries.len() == self.limit as usize && !self.output.is_json() => {
                note(format!("there may be older ones: --before {}", last.batch.id));
            }
            Some(_) => {}
        }
        self.output.show(&deliveries.iter().map(forms::delivery).collect(), table(&deliveries))
    }
}

fn table(deliveries: &[Delivery]) -> Table {
    if deliveries.is_empty() {
        return Table::default();
    }
    let mut table =
        Table::with_head(&["id", "created", "endpoint", "status", "tries", "last", "events"]);
    for delivery in deliveries {
        let batch = &delivery.batch;
        let last = delivery.last.as_ref().map_or("-".into(), forms::result);
        let (id, tries) = (batch.id.to_string(), delivery.attempts.to_string());
        let (created, events) = (date(batch.time_ms), shortened(&events_of(batch)));
        let (endpoint, status) = (batch.endpoint.as_str(), status(delivery.status));
        table.row([&id, &created, endpoint, status, &tries, &last, &events]);
    }
    table
}

/// The first event, and how many more there are.
fn shortened(events: &[EventOf]) -> String {
    match events {
        [] => "-".into(),
        [EventOf { name, channel }] => format!("{name} {channel}"),
        [EventOf { name, channel }, more @ ..] => {
            format!("{name} {channel} and {} more", more.len())
        }
    }
}
