//! `bellwire webhooks test`: a made-up event, sent by the running server.

use std::thread;
use std::time::{Duration, Instant};

use bellwire_webhooks::attempt::Attempt;
use bellwire_webhooks::batch::Outcome;
use bellwire_webhooks::ids::{BatchId, EndpointId};
use bellwire_webhooks::ledger::{Delivery, DeliveryFilter, DeliveryStatus};
use bellwire_webhooks::replay::{Replay, ReplayOf};
use serde_json::json;

use super::super::failure::Failure;
use super::super::output::{Output, note, one_line};
use super::super::place::Place;
use super::desk::{Desk, TAKEN_UP_WITHIN};
use super::forms;
use crate::moment::span;
use crate::views::delivery::status;
use crate::views::replay::ReplayView;

#[derive(clap::Args)]
pub(in super::super) struct Test {
    /// The endpoint's id
    #[arg(value_name = "ENDPOINT_ID")]
    id: EndpointId,
    /// Wait until it is delivered or given up, and say how that went
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    place: Place,
}

/// How often the store is asked.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Deliveries that are looked through at once for the one of the test.
const PAGE: u32 = 100;

impl Test {
    pub(super) fn run(self) -> Result<(), Failure> {
        let desk = Desk::open(&self.place)?;
        let endpoint = desk.endpoint(&self.id)?;
        let replay = desk.ask_for(&endpoint, ReplayOf::Test, 1)?;
        if !self.wait {
            let text = format!("test {} is on its way to {}", replay.id, endpoint.terms.url);
            return self.output.show(&json!(ReplayView::of(&replay)), text);
        }
        let delivery = taken_up(&desk, &replay)?;
        let (delivery, attempts) = ended(&desk, delivery)?;
        show(&delivery, attempts.last(), self.output)
    }
}

/// The delivery of a test, once the server has made it.
fn taken_up(desk: &Desk, replay: &Replay) -> Result<BatchId, Failure> {
    let started = Instant::now();
    loop {
        if let Some(id) = delivery_of(desk, replay)? {
            return Ok(id);
        }
        if started.elapsed() > TAKEN_UP_WITHIN {
            return Err(desk.not_taken_up(replay.id));
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The delivery of a test. It is among the newest, unless the endpoint hears a lot.
fn delivery_of(desk: &Desk, replay: &Replay) -> Result<Option<BatchId>, Failure> {
    let mut filter = DeliveryFilter {
        endpoint: Some(replay.endpoint.clone()),
        // The server's clock may be a little behind.
        from_ms: Some(replay.created_at_ms.saturating_sub(60_000)),
        limit: PAGE,
        ..DeliveryFilter::default()
    };
    loop {
        let page = desk.store()?.deliveries(&filter)?;
        let found = page.iter().find(|delivery| delivery.batch.replay == Some(replay.id));
        if let Some(delivery) = found {
            return Ok(Some(delivery.batch.id));
        }
        match page.last().filter(|_| page.len() == PAGE as usize) {
            Some(last) => filter.before = Some(last.batch.id),
            None => return Ok(None),
        }
    }
}

/// Waits for the end of a delivery and tells of every attempt that failed meanwhile.
fn ended(desk: &Desk, id: BatchId) -> Result<(Delivery, Vec<Attempt>), Failure> {
    let mut told = 0;
    loop {
        let found = desk.store()?.delivery(id)?;
        let (delivery, attempts) = found.ok_or_else(|| desk.no_delivery(id))?;
        if delivery.status != DeliveryStatus::Pending {
            return Ok((delivery, attempts));
        }
        for attempt in attempts.iter().skip(told) {
            let (result, detail) = (forms::result(attempt), one_line(&attempt.answer.detail));
            note(format!("attempt {}: {result}: {detail}; it is tried again", attempt.number));
        }
        told = attempts.len();
        thread::sleep(LOOK_EVERY);
    }
}

fn show(delivery: &Delivery, last: Option<&Attempt>, output: Output) -> Result<(), Failure> {
    let id = delivery.batch.id;
    let status = status(delivery.status);
    let (result, detail) = last.map_or(("-".into(), ""), |attempt| {
        (forms::result(attempt), attempt.answer.detail.as_str())
    });
    let took = last.map_or(0, |attempt| u64::from(attempt.answer.duration_ms));
    let text =
        format!("{status}: {result} after {} ({id}, attempt {})", span(took), delivery.attempts);
    output.show(&forms::delivery(delivery), text)?;
    if delivery.status == DeliveryStatus::Ended(Outcome::Delivered) {
        return Ok(());
    }
    let why = format!("the test was not delivered: {result}: {}", one_line(detail));
    Err(Failure::failed(why).hint(format!("`bellwire webhooks show {id}` shows every attempt")))
}
