//! What the engine of the webhooks spends on an event. Its store keeps everything at once and for
//! nothing, its endpoint answers everything at once.

use anyhow::ensure;
use bellwire_hub::Fact;
use bellwire_hub::fact::What;
use bellwire_webhooks::attempt::Answer;
use bellwire_webhooks::endpoint::{Endpoint, Origin, SigningSecret, Terms};
use bellwire_webhooks::engine::{Answered, Engine};
use bellwire_webhooks::outbox::{Found, Remains, Step};
use bellwire_webhooks::settle::SettleRules;
use bellwire_webhooks::turn::{DeliveryRules, Dispatch};

use super::Work;
use super::house::NOW_MS;

/// An engine and what is about to happen.
struct Events {
    engine: Engine,
    /// In the order in which they happen, ten at a time.
    facts: Vec<Vec<Fact>>,
    /// Events that the log has to hold, and that have to reach the endpoint.
    expected: (usize, usize),
    appended: usize,
    sent: usize,
}

/// Events of one turn.
const AT_ONCE: usize = 10;
/// Milliseconds between two turns.
const APART_MS: u64 = 10;
const RULES: SettleRules = SettleRules { grace_ms: 3_000, reconnect_ms: 10_000 };

/// Channels become occupied, and nobody wants to hear of it.
pub(super) fn appended(count: usize) -> anyhow::Result<Box<dyn Work>> {
    events(count, Vec::new())
}

/// Channels become occupied, and one endpoint hears of it.
pub(super) fn delivered(count: usize) -> anyhow::Result<Box<dyn Work>> {
    events(count, vec![endpoint()?])
}

fn events(count: usize, endpoints: Vec<Endpoint>) -> anyhow::Result<Box<dyn Work>> {
    let sent = if endpoints.is_empty() { 0 } else { count };
    let mut engine = Engine::new(RULES, DeliveryRules::default(), 7);
    engine.begin(NOW_MS, Remains::default(), endpoints, &|_| Some(true), Vec::new());
    let mut facts = Vec::new();
    for turn in 0..count / AT_ONCE {
        let turn = (0..AT_ONCE).map(|number| occupied(turn, number));
        facts.push(turn.collect::<anyhow::Result<_>>()?);
    }
    Ok(Box::new(Events { engine, facts, expected: (count, sent), appended: 0, sent: 0 }))
}

fn occupied(turn: usize, number: usize) -> anyhow::Result<Fact> {
    Ok(Fact {
        app: "3".parse()?,
        channel: format!("private-room-{turn}-{number}").parse()?,
        at_ms: at_ms(turn),
        what: What::Occupied,
    })
}

fn at_ms(turn: usize) -> u64 {
    NOW_MS + turn as u64 * APART_MS
}

fn endpoint() -> anyhow::Result<Endpoint> {
    let secret = SigningSecret { text: "whsec_AAAA".into(), created_at_ms: 0, expires_at_ms: None };
    Ok(Endpoint {
        id: "ep_1".parse()?,
        app: "3".parse()?,
        terms: Terms::new("https://example.com/webhooks"),
        origin: Origin::Stored,
        created_at_ms: 0,
        disabled: None,
        failing_since_ms: None,
        secrets: vec![secret],
    })
}

impl Events {
    /// Carries out what the engine orders, until it orders nothing.
    fn obey(&mut self, now_ms: u64) {
        loop {
            let orders = self.engine.orders(now_ms);
            let is_idle = orders.job.is_none() && orders.posts.is_empty();
            if let Some((transaction, reads)) = orders.job {
                let is_event = |step: &&Step| matches!(step, Step::Append(_));
                self.appended += transaction.steps.iter().filter(is_event).count();
                let nothing =
                    reads.into_iter().map(|(asker, _)| (asker, Found::Events(Vec::new())));
                self.engine.kept(now_ms, nothing.collect());
            }
            for post in orders.posts {
                self.answer(now_ms, &post);
            }
            if is_idle {
                return;
            }
        }
    }

    fn answer(&mut self, now_ms: u64, post: &Dispatch) {
        self.sent += post.batch.seqs.len();
        self.engine.answered(
            now_ms,
            Answered {
                endpoint: post.endpoint.id.clone(),
                lane: post.batch.lane,
                batch: post.batch.id,
                at_ms: now_ms,
                answer: Answer { status: Some(200), ..Answer::default() },
            },
        );
    }
}

impl Work for Events {
    fn run(&mut self) {
        for (turn, facts) in std::mem::take(&mut self.facts).into_iter().enumerate() {
            for fact in facts {
                self.engine.take(at_ms(turn), fact, false);
            }
            self.obey(at_ms(turn));
        }
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let done = (self.appended, self.sent);
        ensure!(done == self.expected, "{done:?} were appended and sent");
        Ok(())
    }
}
