//! Each in turn: couriers that have something to do, and the job for the store that this leads to.

use super::log::bytes;
use super::{Alarms, Desk, Engine, Job, LINE_MAX};
use crate::courier::Courier;
use crate::ids::EndpointId;
use crate::outbox::{Read, Transaction};
use crate::turn::Asker;

impl Engine {
    pub(super) fn run_couriers(&mut self, now_ms: u64) {
        // While a job runs, what would be cut cannot be kept, and it may still grow.
        if self.in_job.is_some() {
            return;
        }
        let (first, last): (Vec<EndpointId>, Vec<EndpointId>) =
            self.desk.touched.drain().partition(|id| {
                let courier = self.desk.couriers.get(id);
                courier.is_none_or(|courier| !courier.is_patient(now_ms))
            });
        for id in first {
            self.run_courier(now_ms, id);
        }
        self.run_line(now_ms, last);
    }

    /// Those that have their turn after the others: some now, the rest after the job to which these
    /// lead, so that however many they are, nobody waits for them. What must be kept of the rest is
    /// kept now.
    fn run_line(&mut self, now_ms: u64, more: Vec<EndpointId>) {
        for id in &more {
            let Some(courier) = self.desk.couriers.get_mut(id) else { continue };
            if !std::mem::replace(&mut courier.is_in_line, true) {
                self.desk.line.push_back(id.clone());
            }
        }
        let mut now = LINE_MAX;
        while now > 0 || !self.has_work() {
            let Some(id) = self.desk.line.pop_front() else { break };
            self.run_courier(now_ms, id);
            now = now.saturating_sub(1);
        }
        let Desk { couriers, turn, waiting, .. } = &mut self.desk;
        for id in more {
            let Some(courier) = couriers.get_mut(&id).filter(|courier| courier.is_in_line) else {
                continue;
            };
            *waiting -= courier.waiting.min(*waiting);
            courier.bookmark(turn);
            *waiting += courier.waiting;
            let last_ms = courier.last_ms();
            set_alarm(&mut self.alarms, courier, id, last_ms);
        }
    }

    fn run_courier(&mut self, now_ms: u64, id: EndpointId) {
        let Desk { couriers, turn, waiting, .. } = &mut self.desk;
        #[cfg(test)]
        let permits = crate::sabotage::permits(couriers.values());
        let Some(courier) = couriers.get_mut(&id) else { return };
        #[cfg(test)]
        if permits == 0 && !courier.has_parts() {
            self.alarms.insert((now_ms + 100, id));
            return;
        }
        courier.is_in_line = false;
        *waiting -= courier.waiting.min(*waiting);
        courier.run(turn);
        *waiting += courier.waiting;
        let next_ms = courier.next_ms(now_ms).map(|at_ms| at_ms.max(now_ms + 1));
        set_alarm(&mut self.alarms, courier, id, next_ms);
    }

    /// Whether there is something for the store to do.
    fn has_work(&self) -> bool {
        let turn = &self.desk.turn;
        !turn.steps.is_empty() || !turn.reads.is_empty() || self.desk.overflow.events > 0
    }

    pub(super) fn job(&mut self) -> Option<(Transaction, Vec<(Asker, Read)>)> {
        if self.in_job.is_some() || !self.has_work() {
            return None;
        }
        self.desk.keep_overflow();
        let turn = &mut self.desk.turn;
        let steps = std::mem::take(&mut turn.steps);
        // Where there is nothing to keep, there is no transaction either.
        self.transaction += u64::from(!steps.is_empty());
        let cut = std::mem::take(&mut turn.cut);
        let reads = std::mem::take(&mut turn.reads);
        self.in_job = Some(Job { keeps: !steps.is_empty(), bytes: bytes(&steps), cut });
        Some((Transaction { number: self.transaction, steps }, reads))
    }
}

/// Says when a courier is to be run again, and forgets what was said before.
fn set_alarm(alarms: &mut Alarms, courier: &mut Courier, id: EndpointId, next_ms: Option<u64>) {
    if let Some(at_ms) = std::mem::replace(&mut courier.alarm_ms, next_ms) {
        alarms.remove(&(at_ms, id.clone()));
    }
    alarms.extend(next_ms.map(|at_ms| (at_ms, id)));
}
