//! What is counted.

mod decode;
pub(crate) mod house;
mod publish;
mod subscribe;
mod webhooks;

use anyhow::Context as _;

use crate::gateway::delivery;

/// Something that the server does often.
pub(crate) struct Scenario {
    /// Its name in the file of budgets.
    pub(crate) name: &'static str,
    /// How often it is done: the difference is counted.
    pub(crate) sizes: (usize, usize),
    /// Brings everything to the point where the counting begins.
    pub(crate) prepare: fn(usize) -> anyhow::Result<Box<dyn Work>>,
    /// One line for people.
    pub(crate) covers: &'static str,
}

/// What is about to be done, as often as its size says.
pub(crate) trait Work {
    /// Does it.
    fn run(&mut self);
    /// Says whether it was done; not counted.
    fn check(&mut self) -> anyhow::Result<()>;
}

impl Scenario {
    /// Every scenario.
    pub(crate) const ALL: &[Self] = &[
        Self {
            name: "delivery",
            sizes: (1_000 * delivery::EVENTS, 2_000 * delivery::EVENTS),
            prepare: delivery::deliveries,
            covers: "an event for one more member of a room: linked, and written with one send(2)",
        },
        Self {
            name: "delivery_deflate",
            sizes: (1_000 * delivery::EVENTS, 2_000 * delivery::EVENTS),
            prepare: delivery::deflated,
            covers: "the same for one that takes compressed messages: compressed once for all",
        },
        Self {
            name: "decode",
            sizes: (1_000, 2_000),
            prepare: decode::client_events,
            covers: "a client event of 138 bytes: unmasked, checked to be UTF-8, parsed",
        },
        Self {
            name: "subscribe",
            sizes: (1_000, 2_000),
            prepare: subscribe::to_a_channel,
            covers: "the hub's command on an occupied channel, with its message to the worker",
        },
        Self {
            name: "presence_join",
            sizes: (20, 40),
            prepare: subscribe::to_presence_rooms,
            covers: "the hundredth member of a room: member_added, and a snapshot of all",
        },
        Self {
            name: "publish",
            sizes: (1_000, 2_000),
            prepare: publish::events,
            covers: "a body parsed, its frame built, the hub's command, one message to a worker",
        },
        Self {
            name: "publish_verify",
            sizes: (1_000, 2_000),
            prepare: publish::signatures,
            covers: "the query parsed, HMAC of the request and MD5 of the body (without SHA hardware)",
        },
        Self {
            name: "webhook_append",
            sizes: (1_000, 2_000),
            prepare: webhooks::appended,
            covers: "an event settled and appended to the log, ten in a transaction, nobody to hear",
        },
        Self {
            name: "webhook_deliver",
            sizes: (1_000, 2_000),
            prepare: webhooks::delivered,
            covers: "the same with one endpoint: also cut, sent, answered with 200 and recorded",
        },
    ];

    /// The scenario with a name.
    pub(crate) fn named(name: &str) -> anyhow::Result<&'static Self> {
        let scenario = Self::ALL.iter().find(|scenario| scenario.name == name);
        scenario.with_context(|| format!("there is no scenario {name:?}"))
    }
}
