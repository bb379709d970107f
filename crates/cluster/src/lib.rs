//! What the nodes of a cluster say to each other while it is happening. The [`Bus`] carries live
//! messages through Redis or NATS; what it carries may be lost, and loss is noticed and counted.
//! What must not be lost goes through the database and not through here.

mod address;
mod backoff;
pub mod bus;
pub mod config;
mod connect;
mod dial;
pub mod envelope;
mod error;
mod keeper;
mod line;
pub mod lines;
pub mod link;
mod nats;
mod outgoing;
mod reading;
mod redis;
pub mod roster;
pub mod sequence;
pub mod subject;
mod wishes;

pub use bus::{Bus, Figures, Hearer};
pub use config::BusConfig;
pub use connect::connect;
pub use envelope::{Envelope, Event, Payload};
pub use error::BusError;
pub use link::{Answers, Asked, Consoles, Link, LinkFigures};
pub use reading::Refusal;
pub use sequence::{Losses, Sequence, Sequences};
pub use subject::{Address, Subject, Subjects};
