//! Plays the script: everything is said when it is due, by whoever's turn it is.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::client::Client;
use crate::frame;
use crate::histogram::Histogram;
use crate::scenario::channels;
use crate::scenario::load_channel;
use crate::scenario::mixed::cast::{Cast, member};
use crate::scenario::mixed::ears::{BROADCASTER, Ears};
use crate::scenario::mixed::script::{Act, Cue, Script};
use crate::scenario::payload::{self, Stamped};
use crate::sign::{Credentials, Event};
use crate::socket::Endpoint;
use crate::target::Target;
use crate::topics;

/// Everybody, connected and subscribed.
pub(super) struct Play<'a> {
    /// Who is who.
    cast: &'a Cast,
    /// All connections.
    client: Client,
    /// Where they go.
    endpoint: Rc<Endpoint>,
    /// Who signs.
    credentials: Rc<Credentials>,
    /// What each talker says, from the first on.
    lines: Vec<Stamped>,
}

/// All that has to be signed, before the load starts.
pub(super) struct Signed {
    /// The requests of broadcasts.
    broadcasts: Vec<Vec<u8>>,
    /// The requests to small channels.
    publishes: Vec<Vec<u8>>,
    /// The frames with which visitors join.
    joins: Vec<Vec<u8>>,
}

/// Requests that are due and wait for a publisher: numbers, and when they were due.
#[derive(Default)]
struct Waiting {
    /// In order, one at a time.
    broadcasts: VecDeque<usize>,
    /// Through any other publisher.
    publishes: VecDeque<usize>,
}

impl<'a> Play<'a> {
    /// # Errors
    /// When somebody is not let in.
    pub(super) fn open(cast: &'a Cast, target: &Target, bytes: usize) -> Result<Self> {
        let (mut client, endpoint) = (Client::new()?, target.endpoint());
        let credentials = Rc::new(target.credentials.clone());
        client.open_all(&endpoint, cast.len(), |socket| cast.topics(socket, &credentials))?;
        client.add_publishers(&target.api, PUBLISHERS)?;
        let talkers = cast.talker_numbers();
        let lines = talkers.map(|socket| Stamped::new(line(&cast.talk(socket), bytes)));
        let lines = lines.collect::<Result<_>>()?;
        Ok(Self { cast, client, endpoint, credentials, lines })
    }

    /// Signs all that a script needs; a shorter one needs the first of it.
    pub(super) fn sign(&self, target: &Target, bytes: usize, script: &Script) -> Signed {
        let request = |channel: &str, mark| {
            let data = payload::data(mark, bytes);
            target.credentials.publish(target.address, &[Event { channel, data: &data }])
        };
        let broadcast = |number| request(&load_channel(), Act::Broadcast.mark(number));
        let small = self.cast.spread().channels;
        let publish = |number| request(&channels::name(number % small), Act::Publish.mark(number));
        let join = |visit| {
            let (room, socket) = self.cast.visitor(visit);
            let user = payload::data(Act::Visit.mark(visit), 0);
            let pass = member(&self.credentials, &user);
            topics::subscribe(&room, self.client.socket_id(socket), Some(&pass))
        };
        Signed {
            broadcasts: (0..script.count(Act::Broadcast)).map(broadcast).collect(),
            publishes: (0..script.count(Act::Publish)).map(publish).collect(),
            joins: (0..script.count(Act::Visit) / 2).map(join).collect(),
        }
    }

    /// Does what the script says, then waits until all has been heard or nothing moves; tells what was
    /// heard, and how late things were said.
    ///
    /// # Errors
    /// When the server cannot be driven.
    pub(super) fn perform(
        &mut self,
        script: &Script,
        signed: &Signed,
    ) -> Result<(Ears<'a>, Histogram)> {
        let mut ears = Ears::new(self.cast, script);
        let mut lateness = Histogram::new();
        let mut waiting = Waiting::default();
        let mut cues = script.cues.iter().peekable();
        loop {
            while let Some(cue) = cues.next_if(|cue| cue.at <= Instant::now()) {
                lateness.record(cue.at.elapsed());
                self.cue(cue, signed, &mut waiting, &mut ears)?;
            }
            self.publish(signed, &mut waiting, &mut ears)?;
            match cues.peek() {
                Some(cue) => self.client.wake_at(cue.at)?,
                None if ears.is_complete(script) || ears.hears_nothing() => {
                    return Ok((ears, lateness));
                }
                None => {}
            }
            self.client.turn(Duration::from_millis(200), &mut ears)?;
        }
    }

    fn cue(
        &mut self,
        cue: &Cue,
        signed: &Signed,
        waiting: &mut Waiting,
        ears: &mut Ears<'_>,
    ) -> Result<()> {
        let (cast, number) = (self.cast, cue.number);
        match cue.act {
            Act::Broadcast => waiting.broadcasts.push_back(number as usize),
            Act::Publish => waiting.publishes.push_back(number as usize),
            Act::Say => {
                let socket = cast.talker(number);
                let line = &mut self.lines[socket - cast.talker_numbers().start];
                self.client.say(socket, line.with(Act::Say.mark(number)), ears);
            }
            Act::Visit => {
                let (room, socket) = cast.visitor(number / 2);
                let comes = number.is_multiple_of(2);
                let leave = topics::unsubscribe(&room);
                let words = if comes { &signed.joins[number as usize / 2] } else { &leave };
                self.client.say(socket, words, ears);
            }
            Act::Leave => self.leave(cast.wanderer(number), ears),
            Act::Return => return self.come_back(cast.wanderer(number), ears),
        }
        Ok(())
    }

    /// A wanderer leaves the channel; what was answered before, it has to hear.
    fn leave(&mut self, wanderer: usize, ears: &mut Ears<'_>) {
        if ears.follows[wanderer].stays() {
            ears.follows[wanderer].leave(ears.answered);
            ears.left += 1;
            self.client.say(wanderer, &topics::unsubscribe(&load_channel()), ears);
        }
    }

    /// Its connection ends without a word, and it is back on another.
    fn come_back(&mut self, wanderer: usize, ears: &mut Ears<'_>) -> Result<()> {
        if ears.follows[wanderer].has_left() {
            ears.follows[wanderer].close(ears.sent);
            self.client.hang_up_one(wanderer);
            self.client.reopen(wanderer, &self.endpoint, load_channel())?;
        }
        Ok(())
    }

    fn publish(
        &mut self,
        signed: &Signed,
        waiting: &mut Waiting,
        ears: &mut Ears<'_>,
    ) -> Result<()> {
        if self.client.is_free(BROADCASTER)
            && let Some(number) = waiting.broadcasts.pop_front()
        {
            self.client.publish(BROADCASTER, &signed.broadcasts[number])?;
            ears.sent += 1;
        }
        while let Some(publisher) = self.client.free_publisher_from(BROADCASTER + 1) {
            let Some(number) = waiting.publishes.pop_front() else { break };
            self.client.publish(publisher, &signed.publishes[number])?;
        }
        Ok(())
    }
}

/// A frame that says something to the partner.
fn line(channel: &str, bytes: usize) -> Vec<u8> {
    let data = payload::data(0, bytes);
    let text =
        format!("{{\"event\":\"client-load\",\"channel\":\"{channel}\",\"data\":\"{data}\"}}");
    frame::masked(frame::TEXT, text.as_bytes())
}

/// One for broadcasts, the others for small channels.
const PUBLISHERS: usize = 5;
