//! Webhooks from the outside: what a receiver gets, when, in which order and how often, while it and
//! the server behave, misbehave and die. A line `webhooks: P5` above a test names the promise of the
//! engine that it proves, `webhooks: fault 3` the fault of other servers that it excludes.

mod apps;
mod batching;
mod cache_misses;
mod counting;
mod crashes;
pub(crate) mod dice;
mod endurance;
mod events;
mod filters;
mod giving_up;
mod grace;
mod isolation;
mod ledger;
mod order;
mod power;
mod restarts;
mod retries;
mod secrets;
pub(crate) mod stage;
mod targets;
mod tls;
