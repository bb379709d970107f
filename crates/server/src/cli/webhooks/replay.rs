//! `bellwire webhooks replay`: a replay is written down for the server to find, which sends it below
//! live events. It goes on over restarts, whether anybody watches or not.

use bellwire_protocol::ChannelName;
use bellwire_webhooks::endpoint::Endpoint;
use bellwire_webhooks::ids::{BatchId, EndpointId, ReplayId};
use bellwire_webhooks::ledger::DeliveryStatus;
use bellwire_webhooks::replay::{self, LogFilter, ReplayOf, Span, State};
use clap::ArgGroup;
use serde_json::json;

use super::super::failure::Failure;
use super::super::output::{Output, note};
use super::super::place::Place;
use super::super::table::Table;
use super::desk::Desk;
use super::terms::{event_names, pushers_name};
use super::watch;
use crate::moment::When;
use crate::ops::clock::now_ms;
use crate::views::replay::ReplayView;

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("target").args(["delivery", "endpoint", "cancel"]).required(true))]
#[command(group = ArgGroup::new("kind").args(["failed", "log"]).requires("endpoint"))]
pub(in super::super) struct Replay {
    /// Send one delivery once more, whatever became of it; its Webhook-Id stays
    #[arg(value_name = "DELIVERY_ID")]
    delivery: Option<BatchId>,
    /// Send more than one delivery, to this endpoint
    #[arg(long, value_name = "ENDPOINT_ID", requires = "kind")]
    endpoint: Option<EndpointId>,
    /// Everything that failed; Webhook-Ids stay
    #[arg(long)]
    failed: bool,
    /// Events of the log that the endpoint would hear today, in new deliveries
    #[arg(long)]
    log: bool,
    /// Only from this time on: like 2026-11-21T09:30:00Z, or 1h, 30m or 2d ago
    #[arg(long, value_name = "TIME", requires = "kind")]
    from: Option<When>,
    /// Only up to this time
    #[arg(long, value_name = "TIME", requires = "kind")]
    to: Option<When>,
    /// Of the log, only from this sequence on
    #[arg(long, value_name = "SEQUENCE", requires = "log", conflicts_with = "failed")]
    from_seq: Option<u64>,
    /// Of the log, only up to this sequence
    #[arg(long, value_name = "SEQUENCE", requires = "log", conflicts_with = "failed")]
    to_seq: Option<u64>,
    /// Of the log, only events of this channel
    #[arg(long, requires = "log", conflicts_with = "failed")]
    channel: Option<ChannelName>,
    /// Of the log, only events of this name
    #[arg(long, value_name = "NAME", requires = "log", conflicts_with = "failed",
          value_parser = event_names())]
    event: Option<String>,
    /// Only say how much it would be
    #[arg(long, conflicts_with = "cancel")]
    dry_run: bool,
    /// Do not wait for its end
    #[arg(long, conflicts_with_all = ["dry_run", "cancel"])]
    detach: bool,
    /// Stop a replay that runs
    #[arg(long, value_name = "REPLAY_ID")]
    cancel: Option<ReplayId>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

const EXAMPLES: &str = "\
Examples:
  bellwire webhooks replay msg_…                             this one
  bellwire webhooks replay --endpoint ep_… --failed          everything that failed
  bellwire webhooks replay --endpoint ep_… --failed --from 2d
                                                             only of the last two days
  bellwire webhooks replay --endpoint ep_… --log --from-seq 17 --to-seq 19
                                                             a gap that X-Bellwire-Gap named
  bellwire webhooks replay --endpoint ep_… --log --dry-run   how much the whole log would be";

impl Replay {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        let output = self.output;
        if let Some(id) = self.cancel {
            return cancel(&desk, id, output);
        }
        let (is_dry, is_detached) = (self.dry_run, self.detach);
        let (endpoint, of) = self.wanted(&desk)?;
        let total = desk.store()?.count(&endpoint.id, &of)?;
        if is_dry || total == 0 {
            let json = json!({
                "webhook_id": endpoint.id.as_str(),
                "count": total,
            });
            let would = if is_dry { "would repeat" } else { "nothing is repeated:" };
            return output.show(&json, format!("{would} {}", amount(total, &of)));
        }
        let replay = desk.ask_for(&endpoint, of, total)?;
        let id = replay.id;
        note(format!("replay {id} of {} to {}", amount(total, &replay.of), endpoint.id));
        if is_detached || is_resting(&endpoint, &replay.of) {
            let json = json!(ReplayView::of(&replay));
            return output.show(&json, format!("replay {id} is on its way"));
        }
        show_end(&watch::until_it_ends(&desk, &replay)?, output)
    }

    fn wanted(self, desk: &Desk) -> Result<(Endpoint, ReplayOf), Failure> {
        let Some(endpoint) = &self.endpoint else {
            // The command line names one of the two.
            let id = self.delivery.unwrap_or(BatchId::of(0));
            let delivery = desk.delivery(id)?;
            if delivery.status == DeliveryStatus::Pending {
                note("it is still being tried as well");
            }
            return Ok((
                desk.endpoint(&delivery.batch.endpoint)?,
                ReplayOf::Delivery(id.to_string()),
            ));
        };
        let endpoint = desk.endpoint(endpoint)?;
        let now_ms = now_ms();
        let ms = |when: Option<When>| when.map(|when| when.ms(now_ms));
        let span = Span { from_ms: ms(self.from), to_ms: ms(self.to) };
        in_order("--from", span.from_ms, "--to", span.to_ms)?;
        in_order("--from-seq", self.from_seq, "--to-seq", self.to_seq)?;
        if self.failed {
            return Ok((endpoint, ReplayOf::Failed(span)));
        }
        let filter = LogFilter {
            span,
            from_seq: self.from_seq,
            to_seq: self.to_seq,
            channel: self.channel.map(|channel| channel.as_str().to_owned()),
            event: self.event.map(pushers_name),
        };
        Ok((endpoint, ReplayOf::Log(filter)))
    }
}

/// Refuses a span that ends before it begins.
pub(super) fn in_order(
    from: &str,
    first: Option<u64>,
    to: &str,
    last: Option<u64>,
) -> Result<(), Failure> {
    match (first, last) {
        (Some(first), Some(last)) if last < first => {
            Err(Failure::usage(format!("{to} is before {from}")))
        }
        _ => Ok(()),
    }
}

/// How much a replay repeats.
fn amount(total: u64, of: &ReplayOf) -> String {
    match of {
        ReplayOf::Log(_) => format!("{total} event(s)"),
        ReplayOf::Delivery(_) | ReplayOf::Failed(_) | ReplayOf::Test => {
            format!("{total} deliver{}", if total == 1 { "y" } else { "ies" })
        }
    }
}

/// Whether the endpoint is disabled, so that the replay waits. What is named by itself is sent all
/// the same.
fn is_resting(endpoint: &Endpoint, of: &ReplayOf) -> bool {
    let waits = endpoint.disabled.is_some() && !matches!(of, ReplayOf::Delivery(_));
    if waits {
        note(format!(
            "endpoint {0} is disabled: the replay waits until `bellwire webhooks set {0} --enable`",
            endpoint.id
        ));
    }
    waits
}

fn show_end(replay: &replay::Replay, output: Output) -> Result<(), Failure> {
    let (id, progress) = (replay.id, replay.progress);
    let mut table = Table::default();
    table.row(["replay", &id.to_string()]);
    table.row(["state", progress.state.name()]);
    table.row(["delivered", &progress.delivered.to_string()]);
    table.row(["given up", &progress.failed.to_string()]);
    output.show(&json!(ReplayView::of(replay)), table)?;
    if progress.state == State::Cancelled {
        return Err(Failure::failed(format!("replay {id} was cancelled")));
    }
    if progress.failed > 0 {
        let why = format!("{} could not be delivered", amount(progress.failed, &replay.of));
        return Err(Failure::failed(why).hint(format!(
            "`bellwire webhooks deliveries --endpoint {}` shows why",
            replay.endpoint
        )));
    }
    Ok(())
}

fn cancel(desk: &Desk, id: ReplayId, output: Output) -> Result<(), Failure> {
    let before = desk.replay(id)?;
    if !desk.store()?.cancel_replay(id)? {
        note(format!("replay {id} was {} before", before.progress.state.name()));
    }
    let now = desk.replay(id)?;
    let state = now.progress.state.name();
    output.show(&json!(ReplayView::of(&now)), format!("replay {id} is {state}"))
}
