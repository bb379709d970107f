//! What a transaction writes. Its steps are gathered by what they write, so that many are few
//! statements; what depends on the order of steps is decided while they are gathered.
//!
//! A step about an endpoint or a batch that somebody has removed meanwhile writes nothing, as in
//! SQLite. Nobody removes one during the transaction: the row of `outbox` is locked.

mod batch;
pub(super) mod lane;
mod log;
pub(super) mod rest;

use bellwire_webhooks::outbox::Step;

use crate::StoreError;
use crate::postgres::session::Session;

/// The steps of a transaction by what they write.
#[derive(Default)]
struct Gathered<'a> {
    log: log::Log<'a>,
    cuts: batch::Cuts<'a>,
    attempts: batch::Attempts<'a>,
    ends: batch::Ends,
    lanes: lane::Lanes<'a>,
    heard: rest::Heard,
    /// Few, and written one after the other.
    rest: Vec<&'a Step>,
}

/// Writes the steps.
pub(super) fn apply(session: &mut Session, steps: &[Step]) -> Result<(), StoreError> {
    let mut all = Gathered::default();
    steps.iter().try_for_each(|step| all.gather(step))?;
    all.log.write(session)?;
    all.cuts.write(session)?;
    all.attempts.write(session)?;
    all.ends.write(session)?;
    all.lanes.write(session)?;
    all.rest.iter().try_for_each(|step| rest::write(session, step))?;
    all.heard.write(session)
}

impl<'a> Gathered<'a> {
    fn gather(&mut self, step: &'a Step) -> Result<(), StoreError> {
        match step {
            Step::Append(event) => self.log.append(event)?,
            Step::Skip { app, last } => self.log.take_place(app, *last),
            Step::Cut(batch) => self.cuts.push(batch),
            Step::Attempt(attempt) => self.attempts.push(attempt),
            Step::End { batch, outcome, at_ms } => self.ends.push(*batch, *outcome, *at_ms),
            Step::Behind { endpoint, after } => self.lanes.behind(endpoint, Some(*after)),
            Step::CaughtUp { endpoint } => self.lanes.behind(endpoint, None),
            Step::Owes { endpoint, lane, gap } => self.lanes.owes(endpoint, *lane, Some(*gap)),
            Step::Paid { endpoint, lane } => self.lanes.owes(endpoint, *lane, None),
            Step::Heard { node, n } => self.heard.push(*node, *n),
            Step::Lost { .. }
            | Step::Failing { .. }
            | Step::Disable { .. }
            | Step::Replayed { .. } => self.rest.push(step),
        }
        Ok(())
    }
}
