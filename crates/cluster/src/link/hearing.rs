//! What this node hears of the others.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bellwire_hub::peers::Seat;
use bellwire_hub::{Hub, peers};
use bellwire_protocol::{AppId, Frame};
use bytes::Bytes;
use std::collections::{HashMap, HashSet};

use super::asking::Asked;
use super::neighbour::Neighbour;
use super::tray::{Heard, Waiting};
use super::{Link, count, now_ms};
use crate::bus::Hearer;
use crate::envelope::{Envelope, Event, Payload};
use crate::lines;
use crate::reading::Refusal;
use crate::roster::{Roster, Word};
use crate::subject::Address;

impl Hearer for Link {
    fn heard(&self, subject: &str, message: Bytes) {
        let envelope = match Envelope::decode(&message) {
            Ok(envelope) if envelope.sender == self.me() => return,
            Ok(envelope) => envelope,
            Err(refusal) => return self.refuse(refusal),
        };
        let sender = envelope.sender;
        let missed = self.losses.heard(sender, subject, envelope.sequence, now_ms());
        let is_roster = || self.subjects.address(subject) == Some(Address::All);
        if missed > 0 && is_roster() {
            self.tray.hear(sender, Heard::Gap);
        }
        match envelope.payload {
            Payload::Event(event) => self.event(event),
            Payload::Roster(bytes) => match Roster::decode(&bytes) {
                Ok(roster) => self.tray.hear(sender, Heard::Roster(roster)),
                Err(refusal) => self.refuse(refusal),
            },
            Payload::Lines(bytes) => match lines::decode(&bytes) {
                Ok(said) => self.lines(subject, said),
                Err(refusal) => self.refuse(refusal),
            },
            Payload::Word(bytes) => match Word::decode(&bytes) {
                Ok(Word::Ask { id, question }) => self.asked(Asked { from: sender, id, question }),
                Ok(Word::Answer { id, answer }) => self.answered(sender, id, answer),
                Ok(word) => self.tray.hear(sender, Heard::Word(word)),
                Err(refusal) => self.refuse(refusal),
            },
        }
    }

    fn ready(&self, subject: &str) {
        match self.subjects.address(subject) {
            Some(Address::Console(app)) => self.sees(&app),
            _ => self.opened(subject),
        }
    }

    fn up(&self) {
        self.tray.leave(|waiting| waiting.is_back = true);
    }

    fn down(&self, _why: &str) {
        self.cut_off();
    }
}

impl Link {
    fn refuse(&self, refusal: Refusal) {
        match refusal {
            Refusal::Newer(..) => count(&self.counts.newer),
            Refusal::Damaged(_) => count(&self.counts.damaged),
        }
    }

    fn event(&self, event: Event) {
        let Event { app, channel, message, except, traffic, stamp } = event;
        let Some((hub, app)) = self.hub().zip(self.apps.by_id(app.as_str())) else { return };
        let Ok(text) = std::str::from_utf8(&message) else { return count(&self.counts.damaged) };
        let event = peers::Event { channel, frame: Frame::text(text), except, traffic, stamp };
        if !hub.hear(now_ms(), &app, event) {
            count(&self.counts.in_vain);
        }
    }
}

/// The other nodes, as the thread knows them.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    neighbours: HashMap<u64, Neighbour>,
    /// Whether somebody has told the last events of cache channels.
    has_cache: bool,
    /// The consoles of which this node knows that somebody looks elsewhere.
    looked_at: HashSet<AppId>,
}

impl Hearing {
    /// Takes in what was left.
    pub(super) fn take_in(&mut self, link: &Link, waiting: &mut Waiting) {
        let Some(hub) = link.hub() else { return };
        if let Some(nodes) = waiting.nodes.take() {
            self.meet(link, hub, nodes);
        }
        if waiting.is_back {
            self.neighbours.values_mut().for_each(Neighbour::miss);
        }
        for (sender, heard) in &mut waiting.heard {
            // Who is not on the roll yet is asked for everything once it is.
            let Some(neighbour) = self.neighbours.get_mut(sender) else { continue };
            match heard {
                Heard::Gap => neighbour.miss(),
                Heard::Roster(roster) => {
                    let has_told_all = neighbour.take_in(link, hub, std::mem::take(roster));
                    self.has_cache |= has_told_all;
                }
                Heard::Word(_) => {}
            }
        }
        self.tell_consoles(link);
    }

    /// Tells this node's consoles where somebody looks elsewhere. An app that is not known here yet
    /// will be.
    fn tell_consoles(&mut self, link: &Link) {
        let looks = self.neighbours.values().flat_map(|neighbour| &neighbour.looks);
        let looks: HashSet<&AppId> = looks.collect();
        let Some(consoles) = link.consoles.get() else { return };
        for app in self.looked_at.extract_if(|app| !looks.contains(app)) {
            consoles.looked_at(&app, false);
        }
        for app in looks {
            if !self.looked_at.contains(app) && consoles.looked_at(app, true) {
                self.looked_at.insert(app.clone());
            }
        }
        link.counts.consoles.store(self.looked_at.len() as u64, Ordering::Relaxed);
    }

    /// Asks who has to tell again, and counts what others use.
    pub(super) fn look_after(&mut self, link: &Link) {
        let now = Instant::now();
        for (node, neighbour) in &mut self.neighbours {
            if link.is_up() && neighbour.is_to_be_asked(now) {
                count(&link.counts.again);
                let _ = link.send_word(*node, &Word::Again { with_cache: !self.has_cache });
            }
        }
        let is_whole = self.neighbours.values().all(Neighbour::is_whole);
        link.counts.is_whole.store(is_whole, Ordering::Relaxed);
        // Whoever reads that so many are there reads then whether they have told everything.
        link.counts.neighbours.store(self.neighbours.len() as u64, Ordering::Release);
        self.add_up(link);
    }

    /// Tells apps how many connections they have on other nodes.
    fn add_up(&self, link: &Link) {
        let mut sums: HashMap<&AppId, u64> = HashMap::new();
        for (app, count) in self.neighbours.values().flat_map(Neighbour::connections) {
            *sums.entry(app).or_default() += count;
        }
        for app in link.apps.all() {
            let sum = sums.get(&app.id).copied().unwrap_or(0);
            app.usage.connections_elsewhere.store(sum as usize, Ordering::Relaxed);
        }
    }

    /// These nodes are there, and no others.
    fn meet(&mut self, link: &Link, hub: &Arc<Hub>, nodes: Vec<u64>) {
        let gone = self.neighbours.extract_if(|node, _| !nodes.contains(node));
        gone.for_each(|(_, neighbour)| neighbour.take_back(link, hub));
        for node in nodes.into_iter().filter(|node| *node != link.me()) {
            if !self.neighbours.contains_key(&node)
                && let Some(seat) = self.free_seat()
            {
                self.neighbours.insert(node, Neighbour::new(seat));
            }
        }
    }

    fn free_seat(&self) -> Option<Seat> {
        let mut seats = (0..Seat::MAX).filter_map(Seat::new);
        seats.find(|seat| self.neighbours.values().all(|neighbour| neighbour.seat != *seat))
    }
}
